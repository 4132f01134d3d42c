"""The other side of an INA219: the chip on the simulated bus, with a shunt and a supply."""

from typing import TYPE_CHECKING

from pi_drivers.host.contract import MICROSECOND
from pi_drivers.models.power_sensor.ina219_chip import (
    BUS_VOLTAGE,
    CALIBRATION,
    CONFIGURATION,
    CONVERSION_READY,
    CURRENT,
    OVERFLOW,
    POWER,
    SHUNT_VOLTAGE,
)
from pi_drivers.world.devices import I2cDevice

if TYPE_CHECKING:
    from pi_drivers.world.world import World

POWER_ON_CONFIGURATION = 0x399F
"""Both voltages all the time, 32 V, 320 mV, 12 bits (section 8.6.2.1)."""
RESET_BIT = 0x8000
CONTINUOUS_BIT = 0b100
SIGNIFICANT_BITS = {CONFIGURATION: 0x3FFF, CALIBRATION: 0xFFFE}
CONVERSION_US = {0: 84, 1: 148, 2: 276, 3: 532}
"""By the lower two bits of the code, unless it averages (table 5)."""
SLOW_NS = 50 * MICROSECOND
"""By how much this one is slower than is usual."""


class Ina219Twin(I2cDevice):
    """The chip's other side."""

    def __init__(self, world: "World", place: str, shunt_ohms: float) -> None:
        """Args: place: of its supply in the world, such as `i2c-1 0x40`. shunt_ohms: what is soldered in."""
        self._world = world
        self._supply = world.supply(place)
        self.shunt_ohms = shunt_ohms
        self.lose_power()

    def lose_power(self) -> None:
        self._registers = dict.fromkeys(range(6), 0) | {CONFIGURATION: POWER_ON_CONFIGURATION}
        self._pointer = 0
        self._begin()

    def write(self, data: bytes) -> None:
        self._update()
        if data:
            self._pointer = data[0]
        if len(data) < 3 or self._pointer not in SIGNIFICANT_BITS:
            return
        value = int.from_bytes(data[1:3], "big")
        if self._pointer == CONFIGURATION and value & RESET_BIT:
            self.lose_power()
            return
        self._registers[self._pointer] = value & SIGNIFICANT_BITS[self._pointer]
        if self._pointer == CONFIGURATION:
            self._registers[BUS_VOLTAGE] &= ~CONVERSION_READY
            self._begin()

    def read(self, count: int) -> bytes:
        self._update()
        answer = self._registers.get(self._pointer, 0).to_bytes(2, "big")
        if self._pointer == POWER:
            self._registers[BUS_VOLTAGE] &= ~CONVERSION_READY
        return answer

    def _begin(self) -> None:
        measures = self._registers[CONFIGURATION] & 0b011
        self._ready_ns = self._now() + self._duration_ns() if measures else None

    def _duration_ns(self) -> int:
        configuration = self._registers[CONFIGURATION]
        return sum(_conversion_ns(configuration >> shift & 0b1111) for shift in (3, 7))

    def _update(self) -> None:
        if self._ready_ns is None or self._now() < self._ready_ns:
            return
        self._convert()
        continuous = self._registers[CONFIGURATION] & CONTINUOUS_BIT
        self._ready_ns = self._now() + self._duration_ns() if continuous else None

    def _convert(self) -> None:
        registers = self._registers
        reach = 4000 << (registers[CONFIGURATION] >> 11 & 0b11)
        shunt = min(reach, max(-reach, round(self._supply.amperes * self.shunt_ohms / 10e-6)))
        bus = min(8000, max(0, round(self._supply.volts / 4e-3)))
        current = int(shunt * registers[CALIBRATION] / 4096)
        overflow = not -32768 <= current <= 32767
        registers[SHUNT_VOLTAGE] = shunt & 0xFFFF
        registers[CURRENT] = current & 0xFFFF
        registers[POWER] = abs(current) * bus // 5000 & 0xFFFF
        registers[BUS_VOLTAGE] = bus << 3 | CONVERSION_READY | (OVERFLOW if overflow else 0)

    def _now(self) -> int:
        return self._world.clock.now_ns()


def _conversion_ns(code: int) -> int:
    averaged = 1 << (code & 0b111) if code & 0b1000 else 1
    usual_us = 532 if code & 0b1000 else CONVERSION_US[code & 0b11]
    return averaged * (usual_us * MICROSECOND + SLOW_NS)
