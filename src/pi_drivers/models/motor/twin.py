"""The motor on the other side of the simulated pins: a bridge on the same wires, a motor, and the shaft it turns.

A motor with an encoder turns the shaft that is called after it, where the encoder's disc sits already; without one, a
shaft of its own, on which an encoder sits that names the motor. The twin is wired as the config believes: a motor with
`dir_flip` is one whose leads are swapped.
"""

from typing import TYPE_CHECKING

from pi_drivers.host.contract import Host
from pi_drivers.models.pins import BoardPins
from pi_drivers.world.mechanics import MotorKind, shaft_of

if TYPE_CHECKING:
    from pi_drivers.models.motor.dc_motor_config import DcMotorConfig

INPUT_NAMES = {
    "a": "a",
    "b": "b",
    "pwm": "pwm",
    "dir": "direction",
    "en_high": "enable_high",
    "en_low": "enable_low",
}
DEFAULT_FREE_RPM = 200.0


def plug_in_motor(host: Host, board: BoardPins, settings: "DcMotorConfig", name: str) -> None:
    """On the mock, put a motor on the pins of a config, unless one is there. Elsewhere, nothing."""
    world = getattr(host, "world", None)
    if world is None or board.host is None:
        return
    pins = {INPUT_NAMES[key]: board.wire_of(pin) for key, pin in settings.pins.model_dump().items() if pin is not None}
    wires = {name: wire for name, wire in pins.items() if wire is not None}
    free_rpm = settings.max_rpm or DEFAULT_FREE_RPM
    shaft = settings.encoder or shaft_of(name)
    with world.held():
        world.join(shaft_of(name), shaft)
        world.motor_on(shaft, wires, MotorKind(free_rpm=-free_rpm if settings.dir_flip else free_rpm))
        if settings.ticks_per_rotation is not None:
            for disc in world.discs_of(shaft):
                disc.follow_ticks(settings.ticks_per_rotation)
