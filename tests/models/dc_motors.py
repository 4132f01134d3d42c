"""DC motors with an encoder of 400 ticks a turn on shaft "e1", of every kind that a robot may have."""

from typing import Any

from pi_drivers.world.mechanics import MotorKind
from tests.models.conftest import Bench

OFF = (0.0, 0.0, 0.0)
PINS = {"a": "29", "b": "31", "pwm": "32"}
WIRES = {"a": 5, "b": 6, "pwm": 12}
ATTRIBUTES = {"pins": PINS, "encoder": "e1", "ticks_per_rotation": 400, "max_rpm": 200}
MOTORS = {
    "plain": MotorKind(free_rpm=200),
    "heavy": MotorKind(free_rpm=200, time_constant_s=0.2, coast_constant_s=0.5),
    "very heavy": MotorKind(free_rpm=200, time_constant_s=0.5, coast_constant_s=1.0),
    "sticky": MotorKind(free_rpm=200, dead_band=0.25),
    "weak": MotorKind(free_rpm=90),
    "nimble": MotorKind(free_rpm=300, time_constant_s=0.03, coast_constant_s=0.06),
}


async def motor_with_encoder(bench: Bench, kind: MotorKind | None = None, **more: Any) -> Any:
    """A motor with its encoder, and a twin of that kind."""
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    motor = await bench.make("dc-motor", "m", **(ATTRIBUTES | more))
    if kind is not None:
        bench.world.motor_on("e1", WIRES, kind)
    return motor


def angle(bench: Bench) -> float:
    """Where the shaft really is, in revolutions."""
    return bench.world.shaft("e1").angle_rev()
