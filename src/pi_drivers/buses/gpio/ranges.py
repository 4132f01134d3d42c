"""The values a pin takes, checked in one place for every back end, before anything is sent."""

from collections.abc import Sequence

from pi_drivers.buses.gpio.contract import Pulses
from pi_drivers.errors import ArgumentError

PWM_HZ = (1, 10_000)
SERVO_US = (500, 2_500)
SERVO_HZ = (40, 500)
TRAIN_US = (11, 0x7FFF_FFFF)
"""A pulse and its pause together: what lgpio can time (lgMinTxDelay; an int)."""


def check_pwm(offset: int, frequency_hz: int, duty: float) -> None:
    """Raises: ArgumentError: the frequency or the duty is out of range (NaN is)."""
    _check_range(f"GPIO{offset}: PWM frequency", frequency_hz, PWM_HZ, "Hz")
    if not 0.0 <= duty <= 1.0:
        raise ArgumentError(f"GPIO{offset}: PWM duty must be between 0 and 1, got {duty}")


def check_servo(offset: int, pulse_us: int, frequency_hz: int) -> None:
    """Raises: ArgumentError: the frequency or the pulse is out of range, or the pulse fills the whole period."""
    _check_range(f"GPIO{offset}: servo frequency", frequency_hz, SERVO_HZ, "Hz")
    if pulse_us == 0:
        return
    _check_range(f"GPIO{offset}: servo pulse", pulse_us, SERVO_US, "µs")
    if pulse_us * frequency_hz >= 1_000_000:
        raise ArgumentError(
            f"GPIO{offset}: a servo pulse of {pulse_us} µs does not fit into a period at {frequency_hz} Hz"
        )


def check_pulses(offset: int, pulses: Pulses) -> None:
    """Raises: ArgumentError: pulses that no line can send."""
    if pulses.high_us < 0 or pulses.low_us < 1 or pulses.number < 1:
        raise ArgumentError(f"GPIO{offset}: counted pulses have a high part, a low part and a number, got {pulses}")
    _check_range(f"GPIO{offset}: a pulse and its pause", pulses.high_us + pulses.low_us, TRAIN_US, "µs")
    _check_range(f"GPIO{offset}: the pulses of a packet", pulses.number, (1, TRAIN_US[1]), "pulses")


def check_edges(offsets: Sequence[int], debounce_us: int) -> None:
    """Raises: ArgumentError: no line at all, or a negative time."""
    if not offsets or debounce_us < 0:
        raise ArgumentError(f"edges take a line and a debounce of 0 µs or more, got {offsets} and {debounce_us} µs")


def _check_range(what: str, value: float, allowed: tuple[int, int], unit: str) -> None:
    low, high = allowed
    if not low <= value <= high:
        raise ArgumentError(f"{what} must be between {low} and {high} {unit}, got {value}")
