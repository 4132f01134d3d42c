"""What the numbers of a BME280 or BMP280 mean: each chip has constants of its own, measured when it was made.

Sources: Bosch Sensortec, BME280 Data sheet, BST-BME280-DS002-15, revision 1.6, September 2018, and BMP280 Data sheet,
BST-BMP280-DS001-23, revision 1.23, November 2020. The constants and formulas for temperature and pressure are the same
in both. The formulas are those for floating point numbers (BME280 appendix A, 8.1; BMP280 appendix 1, 8.1).
"""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Calibration:
    """The constants of one chip by their numbers in the datasheet: `pressure[0]` is dig_P1."""

    temperature: tuple[int, ...]
    pressure: tuple[int, ...]
    humidity: tuple[int, ...] | None
    """None for a BMP280."""

    @classmethod
    def parse(cls, low: bytes, high: bytes | None) -> "Calibration":
        """Take the constants out of the registers (BME280 table 16, page 24).

        Args:
            low: 0x88 to 0xA1.
            high: 0xE1 to 0xE7; None for a BMP280, which has none.
        """
        # T1 and P1 are unsigned, all others signed.
        words = struct.unpack_from("<HhhHhhhhhhhh", low)
        return cls(words[:3], words[3:], None if high is None else _humidity_constants(low[25], high))

    @property
    def plausible(self) -> bool:
        """Whether a chip can have these: what was read while the chip was copying them has zeros."""
        return bool(self.temperature[0] and self.pressure[0] and (self.humidity is None or self.humidity[1]))


def _humidity_constants(h1: int, high: bytes) -> tuple[int, ...]:
    """H1 to H6. H4 and H5 have 12 bits and a sign, and share the byte at 0xE5."""
    h2, h3, h4_high, shared, h5_high, h6 = struct.unpack("<hBbBbb", high)
    return h1, h2, h3, h4_high * 16 + (shared & 0x0F), h5_high * 16 + (shared >> 4), h6


def fine_temperature(raw: int, calibration: Calibration) -> float:
    """The temperature in units of 1/5120 degree, which the other two formulas go by."""
    t1, t2, t3 = calibration.temperature
    linear = (raw / 16384 - t1 / 1024) * t2
    square = (raw / 131072 - t1 / 8192) ** 2 * t3
    return linear + square


def celsius(fine: float) -> float:
    """Degrees Celsius."""
    return fine / 5120


def hectopascals(raw: int, fine: float, calibration: Calibration) -> float:
    """The pressure in hPa; the datasheet's formula gives Pa."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = calibration.pressure
    warmth = fine / 2 - 64000
    offset = (warmth * warmth * p6 / 32768 + warmth * p5 * 2) / 4 + p4 * 65536
    slope = (p3 * warmth * warmth / 524288 + p2 * warmth) / 524288
    sensitivity = (1 + slope / 32768) * p1
    pascals = (1048576 - raw - offset / 4096) * 6250 / sensitivity
    correction = p9 * pascals * pascals / 2147483648 + pascals * p8 / 32768 + p7
    return (pascals + correction / 16) / 100


def percent(raw: int, fine: float, constants: tuple[int, ...]) -> float:
    """The relative humidity in percent, 0 to 100."""
    h1, h2, h3, h4, h5, h6 = constants
    warmth = fine - 76800
    zero = h4 * 64 + h5 / 16384 * warmth
    gain = h2 / 65536 * (1 + h6 / 67108864 * warmth * (1 + h3 / 67108864 * warmth))
    humidity = (raw - zero) * gain
    humidity *= 1 - h1 * humidity / 524288
    return min(100.0, max(0.0, humidity))
