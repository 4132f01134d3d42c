"""NXP PCA9685: the chip that makes sixteen PWM signals by itself.

Source: NXP, PCA9685 Product data sheet, Rev. 4, 16 April 2015. One counter of 4096 steps serves all channels, so they
have one frequency. Nothing the chip says has a checksum, and it has no register that tells what it is.
"""

import math

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import ArgumentError, CorruptDataError, WrongChipError
from pi_drivers.host.contract import MICROSECOND, SECOND, Host

CHANNELS = 16
STEPS = 4096
"""Of one period (section 7.3.3). As a count, it is a channel that is always on."""

MODE1, MODE2 = 0x00, 0x01
LED0 = 0x06
"""Registers (table 4). From here on each channel has four: when it goes high, and when low, the low byte first."""
ALL_LED = 0xFA
PRE_SCALE = 0xFE

RESTART = 1 << 7
AUTO_INCREMENT = 1 << 5
SLEEP = 1 << 4
"""Table 5. Set without them, a chip is awake, answers at no second address, and runs on its own oscillator."""
EXTERNAL_CLOCK = 1 << 6
"""It stays until the power goes; nothing here sets it."""

TOTEM_POLE = 1 << 2
"""Table 6: outputs drive both levels, and change with the STOP."""
MODE2_RESERVED = 0xE0
COUNT_RESERVED = 0xE0
"""Bits that are read as 0: in MODE2 (table 6), and in the high bytes of a channel (table 7)."""

ALWAYS = 0x10
"""In the high byte of when it goes high: always on. Of when it goes low: always off, which wins (section 7.3.3)."""
OFF = bytes([0, 0, 0, ALWAYS])
ON = bytes([0, ALWAYS, 0, 0])

OSCILLATOR_HZ = 25_000_000
"""Typical; the data sheet has no limits, and chips are found that are off by some percent."""
NEAR = 0.05
"""How far apart, as a share, two frequencies may be that count as one."""
STEP_NS = SECOND // OSCILLATOR_HZ
PRESCALES = (3, 255)
START_UP_NS = 500 * MICROSECOND
"""Of the oscillator, when the chip wakes up (section 7.3.1, remark)."""


def prescale_of(frequency_hz: int) -> int:
    """The prescale whose frequency is nearest (section 7.3.5)."""
    return min(PRESCALES[1], max(PRESCALES[0], round(OSCILLATOR_HZ / STEPS / frequency_hz) - 1))


def frequency_of(wanted_hz: int) -> float:
    """The frequency that comes out where one is asked for, as far as the oscillator has its 25 MHz."""
    return OSCILLATOR_HZ / STEPS / (prescale_of(wanted_hz) + 1)


def frequency_for(least_hz: float) -> int | None:
    """The lowest frequency to ask for so that at least this one comes out; None where the chip is not so fast."""
    divider = min(PRESCALES[1] + 1, int(OSCILLATOR_HZ / STEPS / least_hz))
    return math.ceil(OSCILLATOR_HZ / STEPS / divider) if divider > PRESCALES[0] else None


def is_near(wanted_hz: float, real_hz: float) -> bool:
    """Whether a frequency that is asked for is the one that comes out, but for the chip's rounding."""
    return abs(wanted_hz - real_hz) <= NEAR * real_hz


def registers_of(count: int) -> bytes:
    """What a channel's registers hold for so many high steps of 4096: at both ends steady levels."""
    if count <= 0:
        return OFF
    return ON if count >= STEPS else bytes([0, 0, *count.to_bytes(2, "little")])


def count_in(registers: bytes) -> int:
    """How many steps of 4096 a channel with these registers is high."""
    high_at, low_at = (int.from_bytes(registers[i : i + 2], "little") for i in (0, 2))
    if low_at & STEPS:
        return 0
    return STEPS if high_at & STEPS else (low_at - high_at) % STEPS


ONES = "it has ones where a PCA9685 has zeros"


def identify(bus: I2cBus, address: int) -> str | None:
    """`PCA9685`, if its outputs are as they are after a reset; None if it may be one. Blocking, reads only.

    Raises:
        WrongChipError: another chip is there.
    """
    if not _is_possible(bus, address):
        raise WrongChipError(f"i2c-{bus.number} 0x{address:02x}: the chip there is no PCA9685: {ONES}")
    return "PCA9685" if bus.read_register(address, MODE2, 1)[0] == TOTEM_POLE else None


def _is_possible(bus: I2cBus, address: int) -> bool:
    """Whether it may be a PCA9685. Each register is read by itself, as it must be while nothing is set up.

    The prescale comes last, where all else fits: its number resets an SI7021 or HTU21D, which has address 0x40 as well
    (Si7021 datasheet, table of I2C commands).
    """
    for register, reserved in ((MODE2, MODE2_RESERVED), (LED0 + 1, COUNT_RESERVED), (LED0 + 3, COUNT_RESERVED)):
        if bus.read_register(address, register, 1)[0] & reserved:
            return False
    return bus.read_register(address, PRE_SCALE, 1)[0] >= PRESCALES[0]


class Pca9685:
    """The chip. Blocking: used on a worker thread of its own."""

    def __init__(self, host: Host, bus: I2cBus, address: int, frequency_hz: int) -> None:
        self._host = host
        self._bus = bus
        self._address = address
        self.where = f"i2c-{bus.number} 0x{address:02x}"
        self.prescale = prescale_of(frequency_hz)
        self._identified = False
        """Whether it has answered as a PCA9685 before: then bits that cannot be are noise."""

    @property
    def frequency_hz(self) -> float:
        """The frequency that comes out, as far as the oscillator has its 25 MHz."""
        return OSCILLATOR_HZ / STEPS / (self.prescale + 1)

    def count_for(self, pulse_us: int) -> int:
        """The steps that make a pulse. Raises: ArgumentError: it is longer than a period."""
        count = round(pulse_us * MICROSECOND / STEP_NS / (self.prescale + 1))
        if count >= STEPS:
            raise ArgumentError(f"{self.where}: a pulse of {pulse_us} µs is longer than a period")
        return count

    def set_up(self) -> bool:
        """Bring the chip to where its channels can be set, unless it is there; returns whether it was asleep.

        One that is awake at its frequency is not disturbed: servos keep their pulses. One that sleeps, as after its
        power was gone, wakes with all channels off, whatever anybody has written to it meanwhile.

        Raises:
            NoAnswerError: nobody is there.
            WrongChipError: somebody is there who does not answer as a PCA9685 does.
        """
        mode, prescale = self._identify()
        asleep = bool(mode & SLEEP)
        if asleep or prescale != self.prescale:
            self._start(clear=asleep)
        elif mode & ~(RESTART | EXTERNAL_CLOCK) != AUTO_INCREMENT:
            self._write(MODE1, AUTO_INCREMENT)
        if self._read(MODE2) != TOTEM_POLE:
            self._write(MODE2, TOTEM_POLE)
        if not self.is_set_up():
            raise self._wrong("it does not keep what is written to it")
        self._identified = True
        return asleep

    def is_set_up(self) -> bool:
        """Whether the chip is as `set_up` leaves it; after its power was gone it is not."""
        mode = self._read(MODE1) & ~(RESTART | EXTERNAL_CLOCK)
        return mode == AUTO_INCREMENT and self._read(PRE_SCALE) == self.prescale

    def set_count(self, channel: int, count: int) -> None:
        """Let a channel be high for so many steps of 4096, from its next period on. One transfer."""
        self._bus.write_register(self._address, LED0 + 4 * channel, registers_of(count))

    def count(self, channel: int) -> int:
        """For how many steps of 4096 a channel is high."""
        return count_in(self._bus.read_register(self._address, LED0 + 4 * channel, 4))

    def _identify(self) -> tuple[int, int]:
        """MODE1 and the prescale. Reads only, each register by itself, as it must while nothing is set up."""
        if not _is_possible(self._bus, self._address):
            raise self._wrong(ONES)
        return self._read(MODE1), self._read(PRE_SCALE)

    def _start(self, *, clear: bool) -> None:
        # The prescale can be written in its sleep only (section 7.3.5).
        self._write(MODE1, AUTO_INCREMENT | SLEEP)
        if clear:
            self._bus.write_register(self._address, ALL_LED, OFF)
        self._write(PRE_SCALE, self.prescale)
        self._write(MODE1, AUTO_INCREMENT)
        self._host.sleep(START_UP_NS)
        if self._read(MODE1) & RESTART:
            # Channels ran when it was put to sleep, and this lets them go on (section 7.3.1.1).
            self._write(MODE1, RESTART | AUTO_INCREMENT)

    def _wrong(self, what: str) -> WrongChipError | CorruptDataError:
        if self._identified:
            return CorruptDataError(f"{self.where}: {what}: noise on the wires? Nothing was set up")
        return WrongChipError(
            f"{self.where}: the chip there is no PCA9685: {what}. Check i2c_addr: an INA219 has 0x40 too."
        )

    def _read(self, register: int) -> int:
        return self._bus.read_register(self._address, register, 1)[0]

    def _write(self, register: int, value: int) -> None:
        self._bus.write_register(self._address, register, bytes([value]))
