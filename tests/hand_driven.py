"""The loop that tests live in: the world's own, which moves time instead of sleeping."""

from pi_drivers.host.contract import SECOND
from pi_drivers.world.hand_driven import HandDrivenLoop

__all__ = ["SECOND", "HandDrivenLoop"]
