"""Bosch BME280, and BMP280, which has no humidity: how it is told to measure, and what it takes to believe it.

Sources: see `bme280_compensation`; sections and pages are those of the BME280's. Nothing that the chip sends has a
checksum. So its answers are read twice, and each sample comes in one transaction with the settings it was taken with: a
chip that lost its power for a moment has forgotten them.
"""

from dataclasses import dataclass

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import BusError, CorruptDataError, OutOfRangeError, WrongChipError
from pi_drivers.host.contract import MILLISECOND, Host
from pi_drivers.models.i2c_chip import place_of, read_agreed
from pi_drivers.models.sensor.bme280_compensation import Calibration, celsius, fine_temperature, hectopascals, percent

CALIBRATION_LOW, CALIBRATION_LOW_BYTES = 0x88, 26
CALIBRATION_HIGH, CALIBRATION_HIGH_BYTES = 0xE1, 7
"""Table 16, page 24."""
ID = 0xD0
RESET = 0xE0
CTRL_HUM = 0xF2
STATUS = 0xF3
CTRL_MEAS = 0xF4
CONFIG = 0xF5
DATA = 0xF7
"""Table 18, page 27; DATA is pressure and temperature in three bytes each, and humidity in two, high byte first."""

BME280 = 0x60
BMP280_IDS = (0x58, 0x56, 0x57)
"""Mass production, and samples (table 17, page 26)."""
KINDS = {BME280: "BME280", **dict.fromkeys(BMP280_IDS, "BMP280")}
OTHER_IDS = {0x55: "a BMP180 or BMP085", 0x61: "a BME680 or BME688"}
"""Chips of the same maker that have their id at the same place."""

RESET_WORD = 0xB6
"""Section 5.4.2."""
MEASURING = 1 << 3
IM_UPDATE = 1 << 0
"""Section 5.4.4: a conversion runs; the constants are being copied to their registers."""
SLEEP, FORCED, NORMAL = 0b00, 0b01, 0b11
"""Table 25: the modes in CTRL_MEAS."""
OVERSAMPLING = {0: 0, 1: 1, 2: 2, 4: 3, 8: 4, 16: 5}
"""How it is written (tables 20, 23 and 24); 0 skips the measurement."""
FILTER = {0: 0, 2: 1, 4: 2, 8: 3, 16: 4}
"""Table 28."""
STANDBY_NS = tuple(round(ms * MILLISECOND) for ms in (0.5, 62.5, 125, 250, 500, 1000))
"""Table 27, by their codes; the two codes that are missing mean other times on a BMP280."""
MARK = 1
"""In forced mode the time between measurements means nothing. It is written all the same, so that a chip that has been
without power, or another one in its place, shows: its CONFIG is 0."""
CTRL_HUM_BITS, CONFIG_BITS = 0x07, 0xFC
"""The others are reserved."""
SKIPPED, SKIPPED_HUMIDITY = 0x80000, 0x8000
"""What the registers have after a reset, and for what is not measured (section 5.4.7 and 5.4.9)."""

COLDEST_C, HOTTEST_C = -45.0, 90.0
LOWEST_HPA, HIGHEST_HPA = 250.0, 1150.0
"""What it is made for is -40 to 85 °C and 300 to 1100 hPa (page 2). Each chip is off by something, so what is a little
beyond is told; further out the formulas give just numbers."""

START_UP_NS = 2 * MILLISECOND
"""Table 1, page 8."""
COPYING_TRIES = 10
"""How often it is looked, a millisecond apart, whether the constants are there."""


@dataclass(frozen=True)
class Settings:
    """How the chip measures: oversampling by what is measured, where 0 skips it."""

    temperature: int
    pressure: int
    humidity: int
    filter: int = 0
    normal: bool = False
    """Go on by itself; else each measurement is asked for."""
    standby: int = 0
    """From one measurement to the next in normal mode: an index of `STANDBY_NS`."""

    @property
    def measurement_ns(self) -> int:
        """The longest a measurement takes (section 9.1, page 51)."""
        duration_ns = 1_250_000 + 2_300_000 * self.temperature
        for oversampling in (self.pressure, self.humidity):
            if oversampling:
                duration_ns += 2_300_000 * oversampling + 575_000
        return duration_ns

    def ctrl_meas(self, mode: int) -> int:
        """The register CTRL_MEAS in a mode."""
        return OVERSAMPLING[self.temperature] << 5 | OVERSAMPLING[self.pressure] << 2 | mode

    @property
    def config(self) -> int:
        """The register CONFIG."""
        return (self.standby if self.normal else MARK) << 5 | FILTER[self.filter] << 2


@dataclass(frozen=True)
class Climate:
    """One measurement; None is what was not measured."""

    temperature_c: float
    pressure_hpa: float | None
    relative_humidity_pct: float | None


def identify(bus: I2cBus, address: int) -> str:
    """Which of the two is there. Blocking, reads its id only.

    Raises:
        WrongChipError: another chip is there.
    """
    chip_id = read_agreed(bus, address, ID, 1)[0]
    if chip_id not in KINDS:
        raise _another(place_of(bus.number, address), chip_id)
    return KINDS[chip_id]


def _another(where: str, chip_id: int) -> WrongChipError:
    which = OTHER_IDS.get(chip_id, "another chip")
    return WrongChipError(
        f"{where}: the chip there is no BME280 or BMP280 but {which}: its id is 0x{chip_id:02x}, not 0x60 or 0x58. "
        "Check i2c_addr: the sensor has 0x76 or 0x77."
    )


class Bme280:
    """The chip. Blocking: used on its bus's worker thread."""

    def __init__(self, host: Host, bus: I2cBus, address: int, settings: Settings) -> None:
        self._host = host
        self._bus = bus
        self._address = address
        self._settings = settings
        self._where = place_of(bus.number, address)
        self._calibration: Calibration | None = None
        self.kind: str | None = None
        """`BME280` or `BMP280`, once it is known: then another id is noise."""

    def set_up(self) -> None:
        """Make sure that it is such a chip, reset it, read its constants and tell it how to measure.

        Raises:
            NoAnswerError: nobody is there.
            WrongChipError: another chip is there.
            CorruptDataError, BusError: what it says cannot be.
        """
        self._identify()
        self._write((RESET, RESET_WORD))
        self._await_constants()
        self._calibration = self._read_calibration()
        # Only here, while it sleeps: writing CONFIG starts the filter anew (section 3.4.4), and is ignored later.
        self._write((CONFIG, self._settings.config))
        if self._settings.normal:
            self._measure_in(NORMAL)

    def begin(self) -> None:
        """Begin a measurement, which is ready after `Settings.measurement_ns`; in normal mode one is ready anyway.

        Raises:
            NoAnswerError: nobody is there.
        """
        if not self._settings.normal:
            self._measure_in(FORCED)

    def finish(self) -> Climate:
        """What was measured.

        Raises:
            NoAnswerError: the chip does not answer.
            CorruptDataError: readings in a row do not agree.
            BusError: it has not measured, or not as it was told.
            OutOfRangeError: temperature or pressure are beyond what it can measure.
        """
        count = DATA - CTRL_HUM + (8 if self._has_humidity else 6)
        registers = read_agreed(self._bus, self._address, CTRL_HUM, count)
        self._check_settings(registers)
        return self._climate(registers[DATA - CTRL_HUM :])

    @property
    def _has_humidity(self) -> bool:
        return self._constants.humidity is not None

    @property
    def _constants(self) -> Calibration:
        if self._calibration is None:
            raise BusError(f"{self._where}: the chip has not been set up")
        return self._calibration

    def _identify(self) -> None:
        chip_id = read_agreed(self._bus, self._address, ID, 1)[0]
        if chip_id in KINDS:
            self.kind = KINDS[chip_id]
            return
        if self.kind is not None:
            raise CorruptDataError(f"{self._where}: the {self.kind} there now says that its id is 0x{chip_id:02x}")
        raise _another(self._where, chip_id)

    def _await_constants(self) -> None:
        self._host.sleep(START_UP_NS)
        for _ in range(COPYING_TRIES):
            if not read_agreed(self._bus, self._address, STATUS, 1)[0] & IM_UPDATE:
                return
            self._host.sleep(MILLISECOND)
        raise BusError(f"{self._where}: the chip does not come out of its reset. Power it off and on.")

    def _read_calibration(self) -> Calibration:
        low = read_agreed(self._bus, self._address, CALIBRATION_LOW, CALIBRATION_LOW_BYTES)
        high = None
        if self.kind == "BME280":
            high = read_agreed(self._bus, self._address, CALIBRATION_HIGH, CALIBRATION_HIGH_BYTES)
        calibration = Calibration.parse(low, high)
        if not calibration.plausible:
            raise CorruptDataError(
                f"{self._where}: the constants of the chip cannot be: {low.hex()}; they are not used"
            )
        return calibration

    def _measure_in(self, mode: int) -> None:
        # In this order: CTRL_HUM has no effect before CTRL_MEAS is written (section 5.4.3).
        humidity = [(CTRL_HUM, OVERSAMPLING[self._settings.humidity])] if self._has_humidity else []
        self._write(*humidity, (CTRL_MEAS, self._settings.ctrl_meas(mode)))

    def _write(self, *values: tuple[int, int]) -> None:
        # Unlike reads, writes do not move on by themselves: each byte has its register before it (section 6.2.1).
        self._bus.write(self._address, bytes(byte for pair in values for byte in pair))

    def _check_settings(self, registers: bytes) -> None:
        """Raises: BusError: the chip has not done with these settings what it was told."""
        hum, status, meas, config = registers[: DATA - CTRL_HUM - 1]
        settings = self._settings
        if not settings.normal and status & (MEASURING | IM_UPDATE):
            raise BusError(f"{self._where}: the chip has not finished measuring in the time it needs at most")
        right = meas == settings.ctrl_meas(NORMAL if settings.normal else SLEEP)
        right &= config & CONFIG_BITS == settings.config
        right &= not self._has_humidity or hum & CTRL_HUM_BITS == OVERSAMPLING[settings.humidity]
        if not right:
            raise BusError(
                f"{self._where}: the chip has forgotten its settings, as it does when it loses its power for a moment; "
                "what it has measured is not used. If it happens often, look at its supply and plugs."
            )

    def _climate(self, data: bytes) -> Climate:
        """Raises: BusError: there is no measurement in these data. OutOfRangeError: it is beyond the chip's limits."""
        raw_pressure = int.from_bytes(data[:3], "big") >> 4
        raw_temperature = int.from_bytes(data[3:6], "big") >> 4
        if raw_temperature == raw_pressure == SKIPPED:
            raise BusError(f"{self._where}: the chip has not measured since its reset")
        fine = fine_temperature(raw_temperature, self._constants)
        temperature = self._within(celsius(fine), COLDEST_C, HOTTEST_C, "temperature", "°C")
        pressure = None
        if self._settings.pressure:
            pressure = hectopascals(raw_pressure, fine, self._constants)
            self._within(pressure, LOWEST_HPA, HIGHEST_HPA, "pressure", "hPa")
        return Climate(temperature, pressure, self._humidity(data[6:], fine))

    def _within(self, value: float, lowest: float, highest: float, what: str, unit: str) -> float:
        if lowest <= value <= highest:
            return value
        raise OutOfRangeError(
            f"{self._where}: the {what} is beyond {lowest:g} to {highest:g} {unit}, which is all that the chip can "
            "tell. If it is not so in truth, the chip is broken."
        )

    def _humidity(self, data: bytes, fine: float) -> float | None:
        constants = self._constants.humidity
        if constants is None or not self._settings.humidity:
            return None
        raw = int.from_bytes(data, "big")
        if raw == SKIPPED_HUMIDITY:
            raise BusError(f"{self._where}: the chip has not measured the humidity")
        return percent(raw, fine, constants)
