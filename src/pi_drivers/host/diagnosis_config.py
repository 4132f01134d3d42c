"""What config.txt asks for beyond the buses: hardware PWM, and overlays that take pins of the header."""

from collections import Counter
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
    """What the overlays in config.txt take of the header. Of two that want one pin the kernel starts only the first."""
    ours = [overlay for overlay in files.config.overlays() if overlay.name in OVERLAYS]
    if not ours:
        return
    said = "; ".join(f"{overlay.line}: {_what_it_gives(overlay)}" for overlay in ours)
    twice = _wanted_twice(ours)
    if not twice:
        yield Finding(SUBJECT, "overlays", Level.OK, said)
        return
    found = f"two want {', '.join(map(header.describe, twice))}: {said}"
    mend = f"give one of them another pin in {files.config.path}, or take its line out, and run: sudo reboot"
    yield Finding(SUBJECT, "overlays", Level.BROKEN, found, mend, "what both of them give")


def _wanted_twice(overlays: list[Overlay]) -> list[int]:
    """The pins that overlays of different kinds take. A line that stands there again does no harm."""
    wanted = {(overlay.name, pin) for overlay in overlays for pin in _pins(overlay)}
    users = Counter(pin for _, pin in wanted)
    return sorted(pin for pin, count in users.items() if count > 1)


def _what_it_gives(overlay: Overlay) -> str:
    what, _ = OVERLAYS[overlay.name]
    pins = _pins(overlay)
    return f"{what} on {', '.join(map(header.describe, pins))}" if pins else what


def _pins(overlay: Overlay) -> list[int]:
    _, parameters = OVERLAYS[overlay.name]
    pins = [overlay.parameters.get(name, str(usual)) for name, usual in parameters]
    return [int(pin) for pin in pins if pin.isdecimal() and int(pin) in _BCM]


_BCM = frozenset(pin.bcm for pin in header.HEADER if pin.bcm is not None)
