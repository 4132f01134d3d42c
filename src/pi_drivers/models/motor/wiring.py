"""From the pins of a config to the bridge they make."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pi_drivers.host.claims import Holder
from pi_drivers.models.motor.bridge import Bridge, DirectionPwmBridge, TwoInputBridge, TwoInputPwmBridge
from pi_drivers.models.pins import BoardPins, OutputPin
from pi_drivers.runtime.lifecycle import Lifecycle

if TYPE_CHECKING:
    from pi_drivers.models.motor.dc_motor_config import DcMotorConfig, MotorPins


def take_bridge(
    board: BoardPins, settings: "DcMotorConfig", holder: Callable[[str], Holder], lifecycle: Lifecycle
) -> Bridge:
    """Take a motor's pins.

    Args:
        board: whose pins they are.
        settings: which pins, and their PWM frequency.
        holder: the motor as holder of a pin, from what the pin is for.
        lifecycle: the motor's; the pins are let go, at their safe levels, when it ends.

    Raises:
        ConfigError: the board has no such pin, or cannot make PWM of that frequency.
        ClaimedError: somebody holds one; the message names who.
    """

    def take(name: str, *, safe_high: bool = False) -> OutputPin | None:
        pin = getattr(settings.pins, name)
        return board.output(pin, holder(f"pin {name}"), lifecycle, safe_high=safe_high) if pin is not None else None

    # An enable input that is active low is safe when it is high.
    enables = (take("en_high"), take("en_low", safe_high=True))
    kind, names = _kind_of(settings.pins)
    inputs = [pin for pin in map(take, names) if pin is not None]
    if settings.pwm_freq:
        for pin in inputs:
            pin.check_frequency(settings.pwm_freq)
    return kind(inputs, *enables, settings.pwm_freq)


def _kind_of(pins: "MotorPins") -> tuple[type[Bridge], tuple[str, ...]]:
    """The kind of bridge, and its inputs in the order it takes them."""
    if pins.dir is not None:
        return DirectionPwmBridge, ("pwm", "dir")
    return (TwoInputBridge, ("a", "b")) if pins.pwm is None else (TwoInputPwmBridge, ("pwm", "a", "b"))
