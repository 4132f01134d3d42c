"""ams AS5600: the chip that sees the angle of a magnet, and its twin on the simulated bus.

Source: ams, Datasheet AS5600, DS000365, v1-06, 20 June 2018. Nothing that the chip says has a checksum, and it has no
register that tells what it is.
"""

import math
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import CorruptDataError, WrongChipError
from pi_drivers.world.devices import I2cDevice, Nack

if TYPE_CHECKING:
    from pi_drivers.world.mechanics import Shaft
    from pi_drivers.world.world import World

STEPS = 4096
"""Of one turn."""

CONF = 0x07
STATUS = 0x0B
RAW_ANGLE = 0x0C
ANGLE = 0x0E
AGC = 0x1A
MAGNITUDE = 0x1B
"""Registers (figure 21); all but AGC and STATUS are pairs, the high byte first. The angle is read raw: it is never
scaled to a range that somebody burnt into the chip."""

CONF_POWER_MODE = 0b11
CONF_WATCHDOG = 1 << 13
"""Figure 22. In a low power mode the chip looks at the magnet as seldom as every 100 ms; the watchdog leads there."""

MAGNET_DETECTED = 1 << 5
MAGNET_TOO_WEAK = 1 << 4
MAGNET_TOO_STRONG = 1 << 3
"""Figure 23. The other bits of STATUS may be anything: chips are found that have 0x47 there."""

HIGH_NIBBLE = 0xF0
"""Of the high byte of a 12-bit number: it is always 0."""
LARGE_JUMP = STEPS // 8
"""What no shaft does from one reading to the next, unless a second reading says so too: 750 rpm at 10 ms."""


class Magnet(Enum):
    """What the chip makes of its magnet."""

    GOOD = "good"
    TOO_WEAK = "too weak"
    TOO_STRONG = "too strong"
    ABSENT = "absent"


REMEDIES = {
    Magnet.TOO_WEAK: "the magnet is too weak: bring it closer to the chip",
    Magnet.TOO_STRONG: "the magnet is too strong: move it away from the chip",
    Magnet.ABSENT: "no magnet is seen. It must be magnetised across its diameter, and sit 0.5 to 3 mm over the middle "
    "of the chip. Is an AS5600 at this address at all?",
}


class Reading(NamedTuple):
    """An angle in steps as the chip counts them, and what it is worth."""

    angle: int
    magnet: Magnet


class FieldStrength(NamedTuple):
    """The field as the chip sees it."""

    agc: int
    """The gain it needs, 0 to 128 at 3.3 V; the middle is best."""
    magnitude: int


def identify(bus: I2cBus, address: int) -> None:
    """Make sure that it can be one: nothing in it tells more. Blocking, reads only.

    Raises:
        WrongChipError: another chip is there.
    """
    for register in (RAW_ANGLE, ANGLE, MAGNITUDE):
        data = bus.read_register(address, register, 2)
        if data[0] & HIGH_NIBBLE:
            raise _another(f"i2c-{bus.number} 0x{address:02x}", data)


def _another(where: str, data: bytes) -> WrongChipError:
    return WrongChipError(
        f"{where}: the chip there is no AS5600: it has {data.hex()} where a number of 12 bits belongs. Check i2c_addr: "
        "fuel gauges of the MAX1704x family have 0x36 too."
    )


class As5600:
    """The chip. Blocking: used on its bus's worker thread."""

    def __init__(self, bus: I2cBus, address: int) -> None:
        self._bus = bus
        self._address = address
        self.where = f"i2c-{bus.number} 0x{address:02x}"
        self._identified = False
        """Whether it has answered as an AS5600 before: then bits that cannot be are noise."""

    def set_up(self) -> None:
        """Make sure that it can be an AS5600, and that it looks at its magnet all the time.

        Raises:
            NoAnswerError: nobody is there.
            WrongChipError: somebody is there who does not answer as an AS5600 does.
        """
        for register in (RAW_ANGLE, ANGLE, MAGNITUDE):
            self._twelve_bits(self._bus.read_register(self._address, register, 2))
        self._identified = True
        conf = int.from_bytes(self._bus.read_register(self._address, CONF, 2), "big")
        awake = conf & ~(CONF_POWER_MODE | CONF_WATCHDOG)
        if awake != conf:
            # Only until its power goes: what is burnt into the chip stays.
            self._bus.write_register(self._address, CONF, awake.to_bytes(2, "big"))

    def measure(self, last: int | None) -> Reading:
        """The angle now. It is read twice where it is far from the last one, since nothing else shows a wrong bit.

        Args:
            last: the angle before this one, if it is known.

        Raises:
            NoAnswerError: the chip does not answer.
            CorruptDataError: it cannot be what the chip sent.
        """
        reading = self._read()
        if last is None or _apart(reading.angle, last) <= LARGE_JUMP:
            return reading
        again = self._read()
        if _apart(again.angle, reading.angle) > LARGE_JUMP:
            raise CorruptDataError(
                f"{self.where}: two readings in a row, {reading.angle} and {again.angle} of {STEPS}, do not agree; "
                "neither is used. If it happens often, shorten the cable or slow the bus down."
            )
        return again

    def field(self) -> FieldStrength:
        """The strength of the field."""
        data = self._bus.read_register(self._address, AGC, 3)
        return FieldStrength(data[0], self._twelve_bits(data[1:]))

    def _read(self) -> Reading:
        # STATUS lies before RAW ANGLE: one transaction has the angle with what it is worth.
        data = self._bus.read_register(self._address, STATUS, 3)
        return Reading(self._twelve_bits(data[1:]), _magnet(data[0]))

    def _twelve_bits(self, data: bytes) -> int:
        if not data[0] & HIGH_NIBBLE:
            return int.from_bytes(data, "big")
        if self._identified:
            raise CorruptDataError(f"{self.where}: {data.hex()} is no number of 12 bits; it is not used")
        raise _another(self.where, data)


def _magnet(status: int) -> Magnet:
    if not status & MAGNET_DETECTED:
        return Magnet.ABSENT
    if status & MAGNET_TOO_WEAK:
        return Magnet.TOO_WEAK
    return Magnet.TOO_STRONG if status & MAGNET_TOO_STRONG else Magnet.GOOD


def _apart(one: int, other: int) -> int:
    return abs((one - other + STEPS // 2) % STEPS - STEPS // 2)


WRITABLE = {0x01: 0x0F, 0x02: 0xFF, 0x03: 0x0F, 0x04: 0xFF, 0x05: 0x0F, 0x06: 0xFF, CONF: 0x3F, CONF + 1: 0xFF}
"""The bits that can be written, by register: ZPOS, MPOS, MANG and CONF (figure 21)."""
ONLY_READ = {0x00, STATUS, RAW_ANGLE, RAW_ANGLE + 1, ANGLE, ANGLE + 1, AGC, MAGNITUDE, MAGNITUDE + 1}
BURN = 0xFF
PAIRS = (RAW_ANGLE, ANGLE, MAGNITUDE)
"""The pointer stays with these while they are read, so that they can be read again and again (page 13)."""
FACTORY_BITS = 0x47
"""What chips are found to have in the bits of STATUS that the datasheet leaves blank."""
SIGNS = {
    # What STATUS, AGC and MAGNITUDE say of a magnet, supplied with 3.3 V.
    Magnet.GOOD: (MAGNET_DETECTED, 64, 2064),
    Magnet.TOO_WEAK: (MAGNET_DETECTED | MAGNET_TOO_WEAK, 128, 940),
    Magnet.TOO_STRONG: (MAGNET_DETECTED | MAGNET_TOO_STRONG, 0, 3600),
    Magnet.ABSENT: (MAGNET_TOO_WEAK, 128, 12),
}


class As5600Twin(I2cDevice):
    """The chip's other side."""

    def __init__(self, shaft: "Shaft", *, reverse: bool = False) -> None:
        """Args: shaft: the magnet sits on it. reverse: the angle falls when the shaft turns forward."""
        self.shaft = shaft
        self.reverse = reverse
        self.magnet = Magnet.GOOD
        self.mounted_at = 0.0
        """The angle, in turns, that the chip sees where the shaft's own is 0."""
        self.written = dict.fromkeys(WRITABLE, 0)
        self._pointer = 0

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._pointer = data[0]
        if self._pointer not in {*WRITABLE, *ONLY_READ, BURN}:
            raise Nack  # but the pointer is there, and can be read from (page 13)
        for value in data[1:]:
            if self._pointer not in WRITABLE:
                raise Nack
            self.written[self._pointer] = value & WRITABLE[self._pointer]
            self._pointer += 1

    def read(self, count: int) -> bytes:
        registers = self._registers()
        answer = bytearray()
        start = self._pointer
        for i in range(count):
            place = start + i % 2 if start in PAIRS else (start + i) % 256
            answer.append(registers.get(place, 0))
        if start not in PAIRS:
            self._pointer = (start + count) % 256
        return bytes(answer)

    def _registers(self) -> dict[int, int]:
        status, agc, magnitude = SIGNS[self.magnet]
        angle = self._angle()
        registers = {**self.written, STATUS: status | FACTORY_BITS, AGC: agc}
        for register, value in ((RAW_ANGLE, angle), (ANGLE, angle), (MAGNITUDE, magnitude)):
            registers[register], registers[register + 1] = divmod(value, 256)
        return registers

    def _angle(self) -> int:
        turns = -self.shaft.angle_rev() if self.reverse else self.shaft.angle_rev()
        return math.floor((turns + self.mounted_at) * STEPS) % STEPS


def plug_in(world: "World", bus: int, address: int, shaft: str, *, reverse: bool) -> None:
    """Put the chip on a bus unless something else is there, with its magnet on this shaft."""
    there = world.i2c(bus).device(address)
    if isinstance(there, As5600Twin):
        there.shaft, there.reverse = world.shaft(shaft), reverse
    elif there is None:
        world.i2c(bus).plug_in(address, As5600Twin(world.shaft(shaft), reverse=reverse))
