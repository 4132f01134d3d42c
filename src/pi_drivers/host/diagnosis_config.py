"""What config.txt asks for beyond the buses: hardware PWM, and overlays that take pins of the header."""

from collections.abc import Iterator, Mapping

from pi_drivers.buses.pwm.contract import FUNCTIONS, HardwarePwm
from pi_drivers.host import header
from pi_drivers.host.config_txt import Overlay
from pi_drivers.host.diagnosis_files import REBOOT, Files
from pi_drivers.host.finding import Finding, Level

SUBJECT = "Pins and buses"
STEADY = "steadier pulses"

OVERLAYS: Mapping[str, tuple[str, tuple[tuple[str, int], ...]]] = {
    "pwm": ("hardware PWM", (("pin", 18),)),
    "pwm-2chan": ("hardware PWM", (("pin", 18), ("pin2", 19))),
    "w1-gpio": ("1-Wire", (("gpiopin", 4),)),
    "w1-gpio-pullup": ("1-Wire", (("gpiopin", 4),)),
    "i2c-gpio": ("an I2C bus made by software", (("i2c_gpio_sda", 23), ("i2c_gpio_scl", 24))),
    "gpio-shutdown": ("a switch-off button", (("gpio_pin", 3),)),
    "gpio-poweroff": ("a signal at power-off", (("gpiopin", 26),)),
    "gpio-fan": ("a fan", (("gpiopin", 12),)),
    "gpio-ir": ("an infrared receiver", (("gpio_pin", 18),)),
}
"""What the overlays give that take pins, and the parameters that name those, with their usual values (the README of
the overlays on every Raspberry Pi OS)."""


def pulses(files: Files, pwm: HardwarePwm) -> Iterator[Finding]:
    """The PWM block: without its overlay pulses are timed by software, which works as well."""
    pins = [pin for pin in FUNCTIONS if pwm.available(pin)]
    what = "hardware PWM"
    if pins:
        yield Finding(SUBJECT, what, Level.OK, f"on {', '.join(map(header.describe, pins))}")
    elif files.config.has_overlay("pwm"):
        found = f"off, though {files.config.path} asks for it"
        yield Finding(SUBJECT, what, Level.BROKEN, found, REBOOT, STEADY)
    else:
        mend = files.line("dtoverlay=pwm-2chan")
        purpose = f"{STEADY} on {header.describe(18)} and {header.describe(19)}"
        yield Finding(SUBJECT, what, Level.BETTER, "off: pulses are timed by software", mend, purpose)


def overlays(files: Files) -> Iterator[Finding]:
    """What the overlays in config.txt take of the header."""
    said = [f"{overlay.line}: {_what_it_gives(overlay)}" for overlay in files.config.overlays() if _is_ours(overlay)]
    if said:
        yield Finding(SUBJECT, "overlays", Level.OK, "; ".join(said))


def _is_ours(overlay: Overlay) -> bool:
    return overlay.name in OVERLAYS


def _what_it_gives(overlay: Overlay) -> str:
    what, parameters = OVERLAYS[overlay.name]
    pins = [overlay.parameters.get(name, str(usual)) for name, usual in parameters]
    known = [header.describe(int(pin)) for pin in pins if pin.isdecimal() and int(pin) in _BCM]
    return f"{what} on {', '.join(known)}" if known else what


_BCM = frozenset(pin.bcm for pin in header.HEADER if pin.bcm is not None)
