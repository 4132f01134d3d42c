"""The 40-pin header of a Raspberry Pi: which name means which GPIO line, and why some pins cannot be used.

The header has been the same since the Pi 1 B+, so one table serves all boards. Users meet three ways to
count: the physical position (`"11"`), the SoC's own number, also called BCM number (`"GPIO17"`), and the name
of a function (`"sda"`). A bare number is always the physical position.
"""

import difflib
import re
from collections.abc import Mapping
from typing import NamedTuple

from pi_drivers.errors import ArgumentError


class HeaderPin(NamedTuple):
    """One of the 40 positions."""

    number: int
    """Physical position, 1-40."""
    label: str
    """What is printed on pinout cards: `GPIO17`, `3V3`, `5V`, `GND`."""
    bcm: int | None
    """The GPIO line's offset on the header's chip; None for power and ground."""
    function: str
    """What the pin does besides plain input and output, or an empty text."""


_GND: tuple[str, int | None, str] = ("GND", None, "ground")
_3V3: tuple[str, int | None, str] = ("3V3", None, "3.3 V power")
_5V: tuple[str, int | None, str] = ("5V", None, "5 V power")


def _gpio(bcm: int, function: str = "") -> tuple[str, int | None, str]:
    return (f"GPIO{bcm}", bcm, function)


# Two columns as on the board: odd positions left, even positions right.
_ROWS = (
    (_3V3, _5V),
    (_gpio(2, "I2C1 SDA"), _5V),
    (_gpio(3, "I2C1 SCL"), _GND),
    (_gpio(4, "GPCLK0, usual 1-Wire pin"), _gpio(14, "UART TXD")),
    (_GND, _gpio(15, "UART RXD")),
    (_gpio(17, "SPI1 CE1"), _gpio(18, "PWM, PCM CLK, SPI1 CE0")),
    (_gpio(27), _GND),
    (_gpio(22), _gpio(23)),
    (_3V3, _gpio(24)),
    (_gpio(10, "SPI0 MOSI"), _GND),
    (_gpio(9, "SPI0 MISO"), _gpio(25)),
    (_gpio(11, "SPI0 SCLK"), _gpio(8, "SPI0 CE0")),
    (_GND, _gpio(7, "SPI0 CE1")),
    (_gpio(0, "ID EEPROM SDA"), _gpio(1, "ID EEPROM SCL")),
    (_gpio(5), _GND),
    (_gpio(6), _gpio(12, "PWM")),
    (_gpio(13, "PWM"), _GND),
    (_gpio(19, "PWM, PCM FS, SPI1 MISO"), _gpio(16, "SPI1 CE2")),
    (_gpio(26), _gpio(20, "PCM DIN, SPI1 MOSI")),
    (_GND, _gpio(21, "PCM DOUT, SPI1 SCLK")),
)

HEADER: tuple[HeaderPin, ...] = tuple(
    HeaderPin(2 * row + side + 1, *cell) for row, cells in enumerate(_ROWS) for side, cell in enumerate(cells)
)
"""All 40 positions, in order."""

ALIASES: Mapping[str, int] = {
    "sda": 2, "sda1": 2, "scl": 3, "scl1": 3,
    "txd": 14, "txd0": 14, "tx": 14, "rxd": 15, "rxd0": 15, "rx": 15,
    "mosi": 10, "miso": 9, "sclk": 11, "ce0": 8, "ce1": 7,
    "gpclk0": 4, "clk": 18, "pcm_clk": 18, "pcm_fs": 19, "pcm_din": 20, "pcm_dout": 21,
}  # fmt: skip
"""Names of functions; `clk` is the PCM clock, as in viam-server's own Pi boards."""

ID_EEPROM = frozenset({0, 1})

_LONGEST_NAME = 40

_BY_NUMBER = {pin.number: pin for pin in HEADER}
_BY_BCM = {pin.bcm: pin for pin in HEADER if pin.bcm is not None}
_GPIO_NAME = re.compile(r"(?:gpio|bcm|io)[ _]?(\d{1,3})")
_POWER_NAMES = {"3v3": _3V3[2], "3.3v": _3V3[2], "5v": _5V[2], "gnd": _GND[2], "ground": _GND[2]}


def resolve(name: str) -> int:
    """The GPIO line that a pin name means.

    Args:
        name: `"11"`, `"GPIO17"`, `"BCM17"`, `"io17"` or a function such as `"sda"`; upper or lower case.

    Returns:
        The BCM number, which is the line's offset on the header's GPIO chip.

    Raises:
        ArgumentError: power, ground, an ID EEPROM pin, a line that is not on the header, or an unknown name.
    """
    key = name.strip().lower()
    if key.isascii() and key.isdigit() and len(key) <= 3:
        return _from_position(int(key))
    match = _GPIO_NAME.fullmatch(key)
    if match:
        return _from_bcm(int(match[1]))
    if key in ALIASES:
        return ALIASES[key]
    if key in _POWER_NAMES:
        raise ArgumentError(f'"{name}" is {_POWER_NAMES[key]}, not a GPIO: it cannot be read or switched')
    raise ArgumentError(_unknown(name))


def describe(bcm: int) -> str:
    """A line with its place on the header, for example `GPIO17 (pin 11)`."""
    pin = _BY_BCM.get(bcm)
    return f"GPIO{bcm}" if pin is None else f"GPIO{bcm} (pin {pin.number})"


def _from_position(number: int) -> int:
    pin = _BY_NUMBER.get(number)
    if pin is None:
        raise ArgumentError(f"there is no pin {number}: the header has pins 1 to 40")
    if pin.bcm is None:
        why = f"pin {number} is {pin.function}, not a GPIO: it cannot be read or switched"
        raise ArgumentError(why + _meant(number))
    return _unless_reserved(pin)


def _meant(number: int) -> str:
    """A bare number is a position; whoever wrote the GPIO number is told how to write it."""
    pin = _BY_BCM.get(number)
    if pin is None or number in ID_EEPROM:
        return ""
    return f'. If GPIO{number} is meant, write "GPIO{number}" or "{pin.number}"'


def _from_bcm(bcm: int) -> int:
    pin = _BY_BCM.get(bcm)
    if pin is None:
        raise ArgumentError(f"GPIO{bcm} is not on the header, which has GPIO2 to GPIO27")
    return _unless_reserved(pin)


def _unless_reserved(pin: HeaderPin) -> int:
    if pin.bcm is None or pin.bcm in ID_EEPROM:
        raise ArgumentError(
            f"pin {pin.number} ({pin.label}) is reserved for the ID EEPROM of add-on boards, which the "
            "firmware reads at boot: a signal there can keep the Pi from starting. Use another pin"
        )
    return pin.bcm


def _unknown(name: str) -> str:
    text = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
    advice = 'write the physical pin ("11"), the GPIO ("GPIO17"), or a name such as "sda"'
    return f'unknown pin "{text}"{_suggestion(name)}; {advice}'


def _suggestion(name: str) -> str:
    known = {key.lower(): key for key in (*ALIASES, *(pin.label for pin in HEADER if pin.bcm is not None))}
    close = difflib.get_close_matches(name.lower(), known, n=1) if len(name) <= _LONGEST_NAME else []
    return f' (did you mean "{known[close[0]]}"?)' if close else ""
