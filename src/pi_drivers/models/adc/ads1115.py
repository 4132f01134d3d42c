"""Texas Instruments ADS1115: a converter with 16 bits and 4 channels over I2C.

Source: Texas Instruments, Datasheet ADS111x, SBAS444D, January 2018. The chip converts one channel at a time into one
register, which keeps the result of whatever was converted last. It has no checksum and no register that says what it
is. So each conversion is asked for anew, with its channel and its range, and its result counts only where the chip says
between two equal readings of it that it is ready and still has exactly these settings.
"""

import math
from typing import TYPE_CHECKING, ClassVar

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import BusError, CorruptDataError, WrongChipError
from pi_drivers.host.contract import MICROSECOND, MILLISECOND
from pi_drivers.models.adc.contract import AdcChip
from pi_drivers.models.i2c_chip import place_of, read_agreed
from pi_drivers.world.devices import I2cDevice

if TYPE_CHECKING:
    from pi_drivers.world.world import World

CHANNELS = 4
BITS = 16
ADDRESSES = range(0x48, 0x4C)
"""With ADDR on ground (most boards), on the supply, on SDA and on SCL (table 4)."""

CONVERSION = 0
CONFIG = 1
"""Registers (table 6)."""

READY = 1 << 15
"""OS (table 8). Written: begin to convert, where the chip is at rest. Read: the chip is at rest."""
SINGLE_ENDED = 0b100
"""MUX: channel 0 against ground; the other channels follow."""
AT_REST = 1 << 8
"""MODE: the chip rests until it is asked."""
SPS_128 = 0b100 << 5
COMPARATOR_OFF = 0b11
AFTER_RESET = 0x8583
"""Channel 0 against channel 1: what no conversion here ever asks for (table 8)."""

WAKE_UP_NS = 25 * MICROSECOND
"""From rest (section 8.4.2.1)."""
CONVERSION_NS = 9 * MILLISECOND
"""To wake up, and 1/128 s, or 10 % more where the oscillator is slow (section 7.5)."""

FULL_SCALE_VOLTS = {2 / 3: 6.144, 1.0: 4.096, 2.0: 2.048, 4.0: 1.024, 8.0: 0.512, 16.0: 0.256}
"""By gain, in the order of the codes of PGA (table 8)."""


def config_of(channel: int, gain: float) -> int:
    """What the config register has while a channel is converted and after, without OS."""
    range_code = list(FULL_SCALE_VOLTS).index(gain)
    return (SINGLE_ENDED | channel) << 12 | range_code << 9 | AT_REST | SPS_128 | COMPARATOR_OFF


def identify(bus: I2cBus, address: int) -> str | None:
    """`ADS1115`, if its settings are those after a reset, or of a conversion here; None if it may be one.

    Blocking, reads only.
    """
    config = int.from_bytes(read_agreed(bus, address, CONFIG, 2), "big")
    asked_here = {config_of(channel, gain) for channel in range(CHANNELS) for gain in FULL_SCALE_VOLTS}
    return "ADS1115" if config == AFTER_RESET or config & ~READY in asked_here else None


class Ads1115(AdcChip):
    """The chip. Blocking: used on its bus's worker thread."""

    CONVERSION_NS: ClassVar[int] = CONVERSION_NS

    def __init__(self, bus: I2cBus, address: int) -> None:
        self._bus = bus
        self._address = address
        self.where = place_of(bus.number, address)
        self._identified = False
        """Whether it has kept settings as an ADS1115 does before: then others are noise, or it was without power."""

    def set_up(self) -> None:
        wanted = config_of(0, 1.0)
        self._write(wanted)
        config = self._read(CONFIG)
        if config & ~READY != wanted:
            raise self._complaint(config, wanted)
        self._identified = True

    def begin(self, channel: int, gain: float) -> bool:
        # Written while it converts, OS has no effect, and the result would be another channel's.
        if not self._read(CONFIG) & READY:
            return False
        self._write(config_of(channel, gain) | READY)
        return True

    def finish(self, channel: int, gain: float) -> int:
        count = self._read(CONVERSION)
        config, wanted = self._read(CONFIG), config_of(channel, gain)
        again = self._read(CONVERSION)
        if config & ~READY != wanted:
            raise self._complaint(config, wanted)
        if not config & READY:
            raise BusError(f"{self.where}: the chip is not ready {CONVERSION_NS // MILLISECOND} ms after it was asked")
        if count != again:
            raise CorruptDataError(
                f"{self.where}: two readings of one result, {count:04x} and {again:04x}, do not agree; neither is "
                "used. If it happens often, shorten the cable or slow the bus down."
            )
        return count - (1 << BITS) if count >> (BITS - 1) else count

    def _complaint(self, config: int, wanted: int) -> BusError:
        has = f"it has the settings {config:04x} instead of {wanted:04x}"
        if self._identified:
            return CorruptDataError(
                f"{self.where}: {has}: wrong bits, another program, or a supply that was gone for a moment; "
                "its value is not used"
            )
        return WrongChipError(
            f"{self.where}: the chip there is no ADS1115: {has}. Check i2c_addr: the converter has 0x48 to 0x4b; "
            "thermometers (LM75, TMP102) and the PCF8591 have these too."
        )

    def _write(self, config: int) -> None:
        self._bus.write_register(self._address, CONFIG, config.to_bytes(2, "big"))

    def _read(self, register: int) -> int:
        return int.from_bytes(self._bus.read_register(self._address, register, 2), "big")


class Ads1115Twin(I2cDevice):
    """The chip's other side, with the world's voltages on its inputs."""

    def __init__(self, world: "World", place: str) -> None:
        """Args: place: under which the world knows the voltages, such as `i2c-1 0x48`."""
        self._world = world
        self._place = place
        self.lose_power()

    def lose_power(self) -> None:
        self._pointer = CONVERSION
        self._registers = [0x0000, AFTER_RESET & ~READY, 0x8000, 0x7FFF]
        self._converting: tuple[int, int] | None = None
        """The settings of the conversion under way, and when it will be over."""

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._pointer = data[0] & 0b11
        if len(data) < 3 or self._pointer == CONVERSION:
            return
        self._catch_up()
        value = int.from_bytes(data[1:3], "big")
        if self._pointer != CONFIG:
            self._registers[self._pointer] = value
            return
        self._registers[CONFIG] = value & ~READY
        if self._converting is None and (value & READY or not value & AT_REST):
            self._start()

    def read(self, count: int) -> bytes:
        self._catch_up()
        value = self._registers[self._pointer]
        if self._pointer == CONFIG and self._converting is None:
            value |= READY
        return value.to_bytes(2, "big")[:count].ljust(count, b"\xff")

    def _start(self) -> None:
        config = self._registers[CONFIG]
        self._converting = (config, self._world.clock.now_ns() + WAKE_UP_NS + _lasts_ns(config))

    def _catch_up(self) -> None:
        while self._converting is not None and self._converting[1] <= self._world.clock.now_ns():
            config, over_ns = self._converting
            self._registers[CONVERSION] = self._code(config)
            self._converting = None if self._registers[CONFIG] & AT_REST else self._next(over_ns)

    def _next(self, over_ns: int) -> tuple[int, int]:
        """The conversion that ends last of those that are over since then, or else the one under way."""
        config = self._registers[CONFIG]
        lasts_ns = _lasts_ns(config)
        return config, over_ns + max(1, (self._world.clock.now_ns() - over_ns) // lasts_ns) * lasts_ns

    def _code(self, config: int) -> int:
        full_scale = (*FULL_SCALE_VOLTS.values(), 0.256, 0.256)[config >> 9 & 0b111]
        # Table 3: one step is the full scale over 2^15, and the ends clip.
        steps = math.floor(self._volts(config >> 12 & 0b111) / full_scale * 32768 + 1e-6)
        return min(0x7FFF, max(-0x8000, steps)) & 0xFFFF

    def _volts(self, mux: int) -> float:
        if mux & SINGLE_ENDED:
            return self._input(mux & 0b11)
        plus, minus = ((0, 1), (0, 3), (1, 3), (2, 3))[mux]
        return self._input(plus) - self._input(minus)

    def _input(self, channel: int) -> float:
        return self._world.voltage(self._place, channel).volts


def _lasts_ns(config: int) -> int:
    """How long a conversion lasts where the oscillator is as slow as one may be."""
    return round(1.1e9 / (8, 16, 32, 64, 128, 250, 475, 860)[config >> 5 & 0b111])
