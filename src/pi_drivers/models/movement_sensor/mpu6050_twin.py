"""The MPU-6050 on the simulated bus: it lies as the world's robot does, samples at its own pace, and falls asleep.

It is as strict as its register map lets it be: what is asked too early after a reset is lost, the first samples after
waking up are junk, and a sample counts as new until INT_STATUS was read.
"""

import random
from typing import TYPE_CHECKING

from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.movement_sensor.mpu6050_chip import (
    ACCEL_LSB,
    DATA_BYTES,
    DATA_READY,
    DEVICE_RESET,
    GRAVITY,
    GYRO_LSB,
    INT_ENABLE,
    INT_STATUS,
    KINDS,
    LARGEST,
    PWR_MGMT_1,
    SMALLEST,
    SMPLRT_DIV,
    WHO_AM_I,
    Kind,
)
from pi_drivers.world.devices import I2cDevice

if TYPE_CHECKING:
    from pi_drivers.world.pose import Triple
    from pi_drivers.world.world import World

SLEEP = 0x40
CONFIG, GYRO_CONFIG, ACCEL_CONFIG = SMPLRT_DIV + 1, SMPLRT_DIV + 2, SMPLRT_DIV + 3
DATA = range(INT_STATUS + 1, INT_STATUS + 1 + DATA_BYTES)
READ_ONLY = {INT_STATUS, *DATA, WHO_AM_I}
RESETTING_NS = 50 * MILLISECOND
WAKING_NS = 50 * MILLISECOND
JUNK = b"\x12\x34" * (DATA_BYTES // 2)


class Mpu6050Twin(I2cDevice):
    """The chip's other side. `who_am_i` makes it one of its successors."""

    def __init__(self, world: "World", who_am_i: int = 0x68) -> None:
        self._world = world
        self._who_am_i = who_am_i
        self._kind: Kind = KINDS.get(who_am_i, KINDS[0x70])
        self.gyro_bias_deg_s: Triple = (0.0, 0.0, 0.0)
        """What it says about each axis while it lies still."""
        self.gyro_noise_deg_s = 0.0
        self.accel_noise_g = 0.0
        """Standard deviations."""
        self.temperature_above_air_c = 2.0
        """It warms itself."""
        self.ready_unasked = False
        """It says that a sample is new without INT_ENABLE too; the register map leaves that open."""
        self.stuck = False
        """It answers, but measures no more."""
        self._noise = random.Random(who_am_i)  # noqa: S311 - noise of a sensor, the same in every run
        self._pointer = 0
        self._busy_until_ns = 0
        self.lose_power()

    def lose_power(self) -> None:
        self.registers = bytearray(128)
        self.registers[WHO_AM_I] = self._who_am_i
        # The successors wake up measuring (RM-MPU-6500A section 3).
        self.registers[PWR_MGMT_1] = 0x01 if self._kind.second_accel_config else SLEEP
        self._restart()

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._pointer = data[0] % 128
        for value in data[1:]:
            if self._now() >= self._busy_until_ns and self._pointer not in READ_ONLY:
                self._set(self._pointer, value)
            self._pointer = (self._pointer + 1) % 128

    def read(self, count: int) -> bytes:
        if self._now() < self._busy_until_ns:
            return bytes(count)
        self._sample()
        places = [(self._pointer + i) % 128 for i in range(count)]
        answer = bytes(self.registers[place] for place in places)
        if INT_STATUS in places:
            self.registers[INT_STATUS] = 0
        self._pointer = (self._pointer + count) % 128
        return answer

    def _set(self, register: int, value: int) -> None:
        if register == PWR_MGMT_1 and value & DEVICE_RESET:
            self.lose_power()
            self._busy_until_ns = self._now() + RESETTING_NS
            return
        woken = register == PWR_MGMT_1 and self.registers[register] & SLEEP and not value & SLEEP
        self.registers[register] = value
        if woken:
            self._restart()

    def _restart(self) -> None:
        self._began_ns = self._now()
        self._taken = 0

    def _sample(self) -> None:
        """Bring the data registers up to now. They stay as they are while it sleeps."""
        if self.stuck or self.registers[PWR_MGMT_1] & SLEEP:
            return
        filtered = 1 <= self.registers[CONFIG] & 0b111 <= 6
        period_ns = (self.registers[SMPLRT_DIV] + 1) * SECOND // (1000 if filtered else 8000)
        number = (self._now() - self._began_ns) // period_ns
        if number == self._taken:
            return
        self._taken = number
        at_ns = self._began_ns + number * period_ns
        settled = at_ns - self._began_ns >= WAKING_NS
        self.registers[DATA.start : DATA.stop] = self._data(at_ns) if settled else JUNK
        if self.ready_unasked or self.registers[INT_ENABLE] & DATA_READY:
            self.registers[INT_STATUS] |= DATA_READY

    def _data(self, at_ns: int) -> bytes:
        pose = self._world.pose
        gyro_lsb = list(GYRO_LSB.values())[self.registers[GYRO_CONFIG] >> 3 & 0b11]
        accel_lsb = list(ACCEL_LSB.values())[self.registers[ACCEL_CONFIG] >> 3 & 0b11]
        rates = [
            rate + bias + self._noise.gauss(0, self.gyro_noise_deg_s)
            for rate, bias in zip(pose.rates_at(at_ns), self.gyro_bias_deg_s, strict=True)
        ]
        force = [each / GRAVITY + self._noise.gauss(0, self.accel_noise_g) for each in pose.force_at(at_ns)]
        celsius = self._world.air.temperature_at(at_ns) + self.temperature_above_air_c
        temperature = (celsius - self._kind.temperature_at_zero_c) * self._kind.temperature_lsb
        values = [each * accel_lsb for each in force] + [temperature] + [each * gyro_lsb for each in rates]
        return b"".join(_word(value) for value in values)

    def _now(self) -> int:
        return self._world.clock.now_ns()


def _word(value: float) -> bytes:
    return min(LARGEST, max(SMALLEST, round(value))).to_bytes(2, "big", signed=True)
