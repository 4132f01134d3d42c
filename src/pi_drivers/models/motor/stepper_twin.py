"""The stepper on the other side of the simulated pins: a driver on the same wires, a motor, and the shaft it turns.

Its home switch, if the config has one, is pressed in a small part of each turn, a quarter turn behind where the motor
stands at first. The twin is wired as the config believes: a motor with `dir_flip` is one that turns the other way.
"""

from pi_drivers.host.contract import Host
from pi_drivers.models.motor.stepper_config import StepperConfig
from pi_drivers.models.pins import BoardPins
from pi_drivers.world.steppers import StepperKind

INPUT_NAMES = {"dir": "direction", "en_high": "enable_high", "en_low": "enable_low"}
HOME_WINDOW_REV = (0.7, 0.75)


def plug_in_stepper(host: Host, board: BoardPins, settings: StepperConfig, name: str) -> None:
    """On the mock, put a stepper on the pins of a config, unless one is there. Elsewhere, nothing."""
    world = getattr(host, "world", None)
    if world is None or board.host is None:
        return
    pins = {key: board.wire_of(pin) for key, pin in settings.pins.model_dump().items() if pin is not None}
    wires = {INPUT_NAMES.get(key, key): wire for key, wire in pins.items() if wire is not None}
    kind = StepperKind(
        settings.steps_per_rotation, reverse=settings.dir_flip, full_steps_per_rev=settings.ticks_per_rotation
    )
    shaft = f"of {name}"
    with world.held():
        world.stepper_on(shaft, wires, kind)
        switch = None if settings.home is None else board.wire_of(settings.home.pin)
        if switch is not None and settings.home is not None:
            world.switch_on(shaft, switch, HOME_WINDOW_REV, active_low=settings.home.active_low)
