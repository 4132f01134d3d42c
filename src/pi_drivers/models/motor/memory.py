"""What a motor still has to know after it was rebuilt, which any change of the robot's config may do while it turns.

A shaft does not stop because its motor was configured anew: what was waited for before a reversal is waited for again.
And a stall that was to be looked at by somebody has not been looked at by a rebuild. A restart of the module forgets
both.
"""

from collections.abc import Mapping
from typing import Any

from pi_drivers.models.motor.guards import StallWatch
from pi_drivers.models.motor.power_drive import PowerDrive
from pi_drivers.runtime.directory import Key
from pi_drivers.runtime.kept_state import KeptState


class MotorMemory:
    """The memory of one motor, by its name. Used on the event loop."""

    def __init__(self, key: Key, drive: PowerDrive, watch: StallWatch) -> None:
        """Args: key: the motor. drive: knows where it was driven, and when. watch: knows whether it has stalled."""
        self._kept = KeptState((key[0], f"{key[1]} power"), on_disk=False)
        self._drive = drive
        self._watch = watch

    def restore(self) -> None:
        """Go on where the motor of this name ended; with nothing kept, do nothing."""
        kept: Mapping[str, Any] = self._kept.load()
        if kept:
            self._drive.resume(kept["direction"], kept["off_since_ns"])
            self._watch.fault = kept["fault"]

    def keep(self) -> None:
        """Keep it for the next motor of this name; the power is off."""
        direction, off_since_ns = self._drive.last_turn
        self._kept.save({"direction": direction, "off_since_ns": off_since_ns, "fault": self._watch.fault})
