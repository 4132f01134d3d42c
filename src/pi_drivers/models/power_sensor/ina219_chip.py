"""Texas Instruments INA219: how it is told to measure a voltage and a current, and what it takes to believe it.

Source: Texas Instruments, INA219 data sheet, SBOS448G, December 2015. Nothing that the chip sends has a checksum, and
no register tells what it is. So each sample is a measurement of its own, begun by writing all settings, and ends with
reading them back: a chip that lost its power for a moment has forgotten them, and would tell a current of 0.
"""

from dataclasses import dataclass

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import BusError, CorruptDataError, OutOfRangeError, WrongChipError
from pi_drivers.host.contract import MICROSECOND
from pi_drivers.models.i2c_chip import place_of, read_agreed

CONFIGURATION, SHUNT_VOLTAGE, BUS_VOLTAGE, POWER, CURRENT, CALIBRATION = range(6)
"""The registers (table 2, page 18), of 16 bits, the high byte first."""

UNUSED_BITS = 1 << 14
"""Of CONFIGURATION: always 0 in this chip, and 1 in an INA226, INA260 and INA3221."""
AFTER_RESET = 0x399F
"""Of CONFIGURATION (section 8.6.2.1)."""
RANGE_32_V = 1 << 13
ADC_12_BITS = 0b0011
"""Of both converters, unless they average (table 5, page 20)."""
AVERAGED = {1: ADC_12_BITS, 2: 0b1001, 4: 0b1010, 8: 0b1011, 16: 0b1100, 32: 0b1101, 64: 0b1110, 128: 0b1111}
TRIGGERED = 0b011
"""Shunt and bus voltage once (table 6, page 20)."""
CONVERSION_READY, OVERFLOW = 1 << 1, 1 << 0
"""In the register BUS_VOLTAGE (page 23)."""

CONVERSION_NS = 586 * MICROSECOND
"""At most, for each voltage and each time that it is averaged over (section 7.5)."""
SHUNT_VOLTS, BUS_VOLTS = 10e-6, 4e-3
"""Of one bit (section 7.5)."""
SHUNT_RANGES_V = (0.04, 0.08, 0.16, 0.32)
"""Of the amplifier, by its code (table 4, page 19)."""
LARGEST_CALIBRATION = 0xFFFE
ROUNDING_BITS = 2
"""How far the chip's own division may be from ours."""


@dataclass(frozen=True)
class Scale:
    """What the chip's numbers mean with a certain shunt."""

    calibration: int
    """The register CALIBRATION."""
    shunt_ohms: float
    gain: int
    """An index of `SHUNT_RANGES_V`."""

    @classmethod
    def chosen(cls, shunt_ohms: float, max_current_a: float) -> "Scale":
        """The finest scale that reaches to a current.

        Raises:
            ValueError: there is none; the message says why.
        """
        volts = shunt_ohms * max_current_a
        reaching = [i for i, reach in enumerate(SHUNT_RANGES_V) if volts <= reach * (1 + 1e-9)]
        if not reaching:
            raise ValueError(
                f"{max_current_a:g} A through {shunt_ohms:g} ohm make {volts * 1000:.0f} mV, and the chip measures 320 "
                "mV at most: it needs a smaller shunt"
            )
        # Equation 2: the current register has 15 bits and a sign.
        calibration = calibration_for(max_current_a / 2**15, shunt_ohms)
        if not 0 < calibration <= LARGEST_CALIBRATION:
            raise ValueError(
                f"{max_current_a:g} A through {shunt_ohms:g} ohm make {volts * 1000:.2g} mV, too little for the chip: "
                "it needs a larger shunt"
            )
        return cls(calibration, shunt_ohms, reaching[0])

    @property
    def amperes(self) -> float:
        """Of one bit of the current register: equation 1, with the calibration that is really written."""
        return 0.04096 / (self.calibration * self.shunt_ohms)

    @property
    def full_scale(self) -> int:
        """What the register of the shunt voltage has when the amplifier is at its end."""
        return round(SHUNT_RANGES_V[self.gain] / SHUNT_VOLTS)


def calibration_for(amperes: float, shunt_ohms: float) -> int:
    """The register CALIBRATION by which one bit of the current register is so many amperes (equation 1, page 12)."""
    # Its last bit cannot be written (section 8.6.4.1).
    return int(0.04096 / (amperes * shunt_ohms)) & ~1


@dataclass(frozen=True)
class Flow:
    """One measurement; the current is negative when it flows from IN- to IN+."""

    volts: float
    amperes: float
    shunt_volts: float

    @property
    def watts(self) -> float:
        """The power, with the sign of the current. The chip's own register of it has none, and is coarser."""
        return self.volts * self.amperes


def identify(bus: I2cBus, address: int) -> str | None:
    """`INA219`, if it has not been told anything since it came to power; None if it may be one. Blocking, reads only.

    Raises:
        WrongChipError: another chip is there.
    """
    configuration = int.from_bytes(read_agreed(bus, address, CONFIGURATION, 2), "big")
    if configuration & UNUSED_BITS:
        where = place_of(bus.number, address)
        raise WrongChipError(f"{where}: the chip there is no INA219: its configuration is 0x{configuration:04x}")
    return "INA219" if configuration == AFTER_RESET else None


class Ina219:
    """The chip. Blocking: used on its bus's worker thread."""

    def __init__(self, bus: I2cBus, address: int, scale: Scale, average: int = 1) -> None:
        """Args: average: over so many conversions, a key of `AVERAGED`."""
        self._bus = bus
        self._address = address
        self._scale = scale
        converters = AVERAGED[average] << 7 | AVERAGED[average] << 3
        self._configuration = RANGE_32_V | scale.gain << 11 | converters | TRIGGERED
        self.measurement_ns = 2 * average * CONVERSION_NS
        """One voltage after the other."""
        self._where = place_of(bus.number, address)
        self._identified = False
        """Whether it has answered as an INA219 before: then bits that cannot be are noise."""

    def set_up(self) -> None:
        """Make sure that it can be an INA219, and calibrate it.

        Raises:
            NoAnswerError: nobody is there.
            WrongChipError: somebody is there who does not answer as an INA219 does.
        """
        configuration = self._read_agreed(CONFIGURATION)
        if configuration & UNUSED_BITS:
            self._refuse(f"its configuration is 0x{configuration:04x}, as of an INA226, INA260 or INA3221")
        self._write(CALIBRATION, self._scale.calibration)
        calibration = self._read_agreed(CALIBRATION)
        if calibration != self._scale.calibration:
            self._refuse(f"it takes no calibration: 0x{self._scale.calibration:04x} became 0x{calibration:04x}")
        self._identified = True

    def begin(self) -> None:
        """Begin a measurement, which is ready after `measurement_ns`. Raises: NoAnswerError: nobody is there."""
        self._write(CALIBRATION, self._scale.calibration)
        self._write(CONFIGURATION, self._configuration)

    def finish(self) -> Flow:
        """What was measured.

        Raises:
            NoAnswerError: the chip does not answer.
            CorruptDataError: what it says cannot be.
            BusError: it has not measured, or not as it was told.
            OutOfRangeError: there is more current than it can measure.
        """
        bus = self._read_agreed(BUS_VOLTAGE)
        shunt = _signed(self._read(SHUNT_VOLTAGE))
        current = _signed(self._read(CURRENT))
        # Last: if it lost its power before, it shows here.
        self._check_settings()
        if not bus & CONVERSION_READY:
            raise BusError(f"{self._where}: the chip has not finished measuring in the time it needs at most")
        overflow = bool(bus & OVERFLOW)
        if not overflow and abs(current - shunt * self._scale.calibration / 4096) > ROUNDING_BITS:
            raise CorruptDataError(
                f"{self._where}: the current ({current}) and the voltage of the shunt ({shunt}) do not belong "
                "together; neither is used. If it happens often, shorten the cable or slow the bus down."
            )
        if overflow or abs(shunt) >= self._scale.full_scale:
            raise OutOfRangeError(
                f"{self._where}: more current flows than it can measure with this shunt and max_current_a. Raise "
                "max_current_a, or put a smaller shunt in."
            )
        return Flow((bus >> 3) * BUS_VOLTS, current * self._scale.amperes, shunt * SHUNT_VOLTS)

    def _check_settings(self) -> None:
        found = (self._read(CONFIGURATION), self._read(CALIBRATION))
        if found != (self._configuration, self._scale.calibration):
            raise BusError(
                f"{self._where}: the chip has forgotten its settings, as it does when it loses its power for a moment; "
                "what it has measured is not used. If it happens often, look at its supply and plugs."
            )

    def _refuse(self, reason: str) -> None:
        if self._identified:
            raise CorruptDataError(f"{self._where}: what the INA219 says cannot be: {reason}")
        raise WrongChipError(
            f"{self._where}: the chip there is no INA219: {reason}. Check i2c_addr: the sensor has 0x40 to 0x4f; "
            "PWM chips (PCA9685) and humidity sensors (SHT21, Si7021) have 0x40 too."
        )

    def _write(self, register: int, value: int) -> None:
        self._bus.write_register(self._address, register, value.to_bytes(2, "big"))

    def _read(self, register: int) -> int:
        return int.from_bytes(self._bus.read_register(self._address, register, 2), "big")

    def _read_agreed(self, register: int) -> int:
        return int.from_bytes(read_agreed(self._bus, self._address, register, 2), "big")


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word
