"""The other side of a BME280 or BMP280: what it answers on the simulated bus, and what air it is in.

The twin knows what the air is like and needs the numbers that its chip would send. They are found by trying, with the
formulas that the datasheet has for whole numbers (section 4.2.3, page 25), so that a slip in the driver's, which are
those for floating point, shows as a wrong reading.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.sensor.bme280_chip import (
    BME280,
    CALIBRATION_HIGH,
    CALIBRATION_LOW,
    CONFIG,
    CTRL_HUM,
    CTRL_MEAS,
    DATA,
    FILTER,
    ID,
    IM_UPDATE,
    MEASURING,
    NORMAL,
    OVERSAMPLING,
    RESET,
    RESET_WORD,
    SLEEP,
    STANDBY_NS,
    STATUS,
    Settings,
)
from pi_drivers.world.devices import I2cDevice, Nack

if TYPE_CHECKING:
    from pi_drivers.world.world import World

T1, T2, T3 = 27504, 26435, -1000
P1, P2, P3, P4, P5, P6, P7, P8, P9 = 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000
"""The constants of the example in the BMP280's datasheet (section 3.12, page 23)."""
H1, H2, H3, H4, H5, H6 = 75, 370, 1, 310, -50, -12
"""Like those of chips that are sold, but with every sign that a constant can have."""

DEAF_NS = 1 * MILLISECOND
COPYING_NS = 5 * MILLISECOND // 2
"""After its power came or after a reset: it does not answer, and then has no constants yet."""
REMEMBERED = 64
"""So many cycles of normal mode back the filter is reckoned from: what was before has no weight any more."""
UNMEASURED = bytes((0x80, 0, 0, 0x80, 0, 0, 0x80, 0))


class Bme280Twin(I2cDevice):
    """The chip's other side."""

    def __init__(self, world: "World", chip_id: int = BME280) -> None:
        self._world = world
        self._id = chip_id
        self._has_humidity = chip_id == BME280
        self._constants = _constants_in_registers(with_humidity=self._has_humidity)
        self._pointer = 0
        self._reset(awake_since_ns=self._now() - COPYING_NS)

    def lose_power(self) -> None:
        self._reset(self._now())

    def write(self, data: bytes) -> None:
        self._require_awake()
        self._update()
        if len(data) == 1:
            self._pointer = data[0]
        for register, value in zip(data[::2], data[1::2], strict=False):
            self._pointer = register
            self._set(register, value)

    def read(self, count: int) -> bytes:
        self._require_awake()
        self._update()
        answer = bytes(self._register((self._pointer + i) % 256) for i in range(count))
        self._pointer = (self._pointer + count) % 256
        return answer

    def _reset(self, awake_since_ns: int) -> None:
        self._awake_since_ns = awake_since_ns
        self._written = {CTRL_HUM: 0, CTRL_MEAS: 0, CONFIG: 0}
        self._humidity_in_effect = 0
        self._data = UNMEASURED
        self._began_ns: int | None = None
        """When the measurement, or the first one of normal mode, began."""
        self._cycles_done = 0
        self._filtered: list[int | None] = [None, None]

    def _require_awake(self) -> None:
        if self._now() < self._awake_since_ns + DEAF_NS:
            raise Nack

    def _set(self, register: int, value: int) -> None:
        if register == RESET and value == RESET_WORD:
            self._reset(self._now())
        elif register == CTRL_HUM and self._has_humidity:
            self._written[CTRL_HUM] = value & 0x07
        elif register == CONFIG and self._mode != NORMAL:
            self._written[CONFIG] = value
            self._filtered = [None, None]
        elif register == CTRL_MEAS:
            self._written[CTRL_MEAS] = value
            self._humidity_in_effect = self._written[CTRL_HUM]
            self._began_ns, self._cycles_done = (None if self._mode == SLEEP else self._now()), 0

    def _register(self, register: int) -> int:
        now_ns = self._now()
        copying = now_ns < self._awake_since_ns + COPYING_NS
        if register == STATUS:
            return (MEASURING if self._measures(now_ns) else 0) | (IM_UPDATE if copying else 0)
        if register in self._constants:
            return 0 if copying else self._constants[register]
        if register == ID:
            return self._id
        if DATA <= register < DATA + (8 if self._has_humidity else 6):
            return self._data[register - DATA]
        return self._written.get(register, 0)

    @property
    def _mode(self) -> int:
        return self._written[CTRL_MEAS] & 0b11

    @property
    def _settings(self) -> Settings:
        """As they are in effect."""
        meas, config = self._written[CTRL_MEAS], self._written[CONFIG]
        oversampling = {code: times for times, code in OVERSAMPLING.items()}
        return Settings(
            temperature=oversampling.get(meas >> 5, 16),
            pressure=oversampling.get(meas >> 2 & 0b111, 16),
            humidity=oversampling.get(self._humidity_in_effect, 16),
            filter={code: times for times, code in FILTER.items()}.get(config >> 2 & 0b111, 16),
            normal=self._mode == NORMAL,
            standby=min(config >> 5, len(STANDBY_NS) - 1),
        )

    def _measures(self, now_ns: int) -> bool:
        if self._began_ns is None:
            return False
        settings = self._settings
        cycle_ns = settings.measurement_ns + STANDBY_NS[settings.standby]
        return (now_ns - self._began_ns) % cycle_ns < settings.measurement_ns

    def _update(self) -> None:
        """Bring the data up to now."""
        if self._began_ns is None:
            return
        settings = self._settings
        done_ns = self._now() - self._began_ns - settings.measurement_ns
        if done_ns < 0:
            return
        if not settings.normal:
            self._measure(self._began_ns, settings)
            self._written[CTRL_MEAS] &= ~0b11
            self._began_ns = None
            return
        cycle_ns = settings.measurement_ns + STANDBY_NS[settings.standby]
        cycles = done_ns // cycle_ns + 1
        for cycle in range(max(self._cycles_done, cycles - REMEMBERED), cycles):
            self._measure(self._began_ns + cycle * cycle_ns, settings)
        self._cycles_done = cycles

    def _measure(self, at_ns: int, settings: Settings) -> None:
        air = self._world.air
        fine, raw_temperature = _temperature(air.temperature_at(at_ns))
        raw_pressure = _first(0, 0xFFFFF, lambda raw: _pascals_256(raw, fine) <= air.pressure_hpa * 25600)
        raw_humidity = _first(0, 0xFFFF, lambda raw: _percent_1024(raw, fine) >= air.relative_humidity_at(at_ns) * 1024)
        pressure = self._sent(0, raw_pressure, settings.pressure, settings.filter)
        temperature = self._sent(1, raw_temperature, settings.temperature, settings.filter)
        humidity = raw_humidity if settings.humidity else 0x8000
        self._data = b"".join(
            ((pressure << 4).to_bytes(3, "big"), (temperature << 4).to_bytes(3, "big"), humidity.to_bytes(2, "big"))
        )

    def _sent(self, which: int, raw: int, oversampling: int, strength: int) -> int:
        """What is in the register: filtered, or with as many bits as the oversampling gives (section 3.4)."""
        if not oversampling:
            return 0x80000
        if not strength:
            missing = 5 - OVERSAMPLING[oversampling]
            return raw >> missing << missing
        before = self._filtered[which]
        now = raw if before is None else (before * (strength - 1) + raw) // strength
        self._filtered[which] = now
        return now

    def _now(self) -> int:
        return self._world.clock.now_ns()


def _constants_in_registers(*, with_humidity: bool) -> dict[int, int]:
    words = [T1, T2, T3, P1, P2, P3, P4, P5, P6, P7, P8, P9]
    low = b"".join((word & 0xFFFF).to_bytes(2, "little") for word in words) + bytes((0, H1 if with_humidity else 0))
    registers = {CALIBRATION_LOW + i: byte for i, byte in enumerate(low)}
    if with_humidity:
        shared = (H4 & 0x0F) | (H5 & 0x0F) << 4
        high = (H2 & 0xFF, H2 >> 8, H3, H4 >> 4 & 0xFF, shared, H5 >> 4 & 0xFF, H6 & 0xFF)
        registers |= {CALIBRATION_HIGH + i: byte for i, byte in enumerate(high)}
    return registers


def _first(low: int, high: int, reached: Callable[[int], bool]) -> int:
    """The first number from which on something is reached; the last, if it never is."""
    while low < high:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _temperature(degrees: float) -> tuple[int, int]:
    """t_fine and adc_T at a temperature."""
    raw = _first(0, 0xFFFFF, lambda raw: _fine(raw) >= degrees * 5120)
    return _fine(raw), raw


def _fine(raw: int) -> int:
    linear = (((raw >> 3) - (T1 << 1)) * T2) >> 11
    square = (((((raw >> 4) - T1) * ((raw >> 4) - T1)) >> 12) * T3) >> 14
    return linear + square


def _pascals_256(raw: int, fine: int) -> int:
    """The pressure in 1/256 Pa."""
    a = fine - 128000
    b = a * a * P6 + ((a * P5) << 17) + (P4 << 35)
    a = ((a * a * P3) >> 8) + ((a * P2) << 12)
    a = (((1 << 47) + a) * P1) >> 33
    p = (((1048576 - raw) << 31) - b) * 3125 // a
    return ((p + (P9 * (p >> 13) * (p >> 13) >> 25) + (P8 * p >> 19)) >> 8) + (P7 << 4)


def _percent_1024(raw: int, fine: int) -> int:
    """The relative humidity in 1/1024 percent."""
    v = fine - 76800
    zero = ((raw << 14) - (H4 << 20) - H5 * v + 16384) >> 15
    gain = ((((v * H6 >> 10) * ((v * H3 >> 11) + 32768)) >> 10) + 2097152) * H2 + 8192 >> 14
    v = zero * gain
    v -= ((v >> 15) * (v >> 15) >> 7) * H1 >> 4
    return min(max(v, 0), 419430400) >> 12
