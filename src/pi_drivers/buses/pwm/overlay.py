"""The line for config.txt that connects GPIOs to the PWM block: one line for two of them, not one for each."""

from collections.abc import Iterable

from pi_drivers.buses.pwm.contract import BCM_CHANNELS, FUNCTIONS


def overlay_line(offset: int, others: Iterable[int]) -> str | None:
    """The line that connects a GPIO, and another one with it where that is wanted and can be.

    The overlays know two GPIOs at most, one of each channel.

    Args:
        offset: the GPIO.
        others: GPIOs that have PWM already, or are to have it.

    Returns:
        None where no line can.
    """
    if offset not in FUNCTIONS:
        return None
    wanted = sorted(FUNCTIONS.keys() & set(others))
    partner = next((pin for pin in wanted if BCM_CHANNELS[pin] != BCM_CHANNELS[offset]), None)
    if partner is None:
        return f"dtoverlay=pwm,pin={offset},func={FUNCTIONS[offset]}"
    first, second = sorted((offset, partner), key=BCM_CHANNELS.__getitem__)
    return f"dtoverlay=pwm-2chan,pin={first},func={FUNCTIONS[first]},pin2={second},func2={FUNCTIONS[second]}"
