"""Sabertooths on the bench: one motor made, and what the driver at the far end of its line has heard."""

from typing import Any

from pi_drivers.models.motor.sabertooth_twin import Board, SabertoothTwin
from tests.models.conftest import Bench

PORT = "/dev/serial0"
SENT_S = 0.03
"""After so long a command has arrived, at 9600 baud."""


def twin(bench: Bench) -> SabertoothTwin:
    """All drivers on the line."""
    device = bench.world.serial(PORT).device
    assert isinstance(device, SabertoothTwin)
    return device


def driver(bench: Bench, address: int = 128) -> Board:
    """One of them."""
    return twin(bench).boards[address]


async def make(bench: Bench, name: str = "left", **attributes: Any) -> Any:
    """A motor at rest, whose driver has heard all it is told at the beginning."""
    motor = await bench.make("sabertooth", name, **{"serial_path": PORT, "channel": 1, "max_rpm": 100, **attributes})
    await bench.wait(SENT_S)
    return motor


async def power_after(bench: Bench, channel: int = 1, address: int = 128) -> int:
    """What a motor has once the last command has arrived."""
    await bench.wait(SENT_S)
    return driver(bench, address).powers[channel]
