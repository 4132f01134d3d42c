"""The attributes of `mpu6050`: where the chip is, how it is to measure, and which attributes go together."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from pi_drivers.config.attributes import Problem, SensorAttributes, max_age_field, poll_interval_field
from pi_drivers.config.buses import BusNumber, I2cAddress, i2c_address_field, i2c_bus_field, one_of_addresses
from pi_drivers.config.example import Example
from pi_drivers.models.movement_sensor.mpu6050_chip import Ranges

ADDRESSES = (0x68, 0x69)
"""With AD0 low and high."""
SHORTEST_DEFAULT_MAX_AGE_MS = 200
"""What a balancing robot does by an older reading is wrong."""
LONGEST_ORIENTATION_INTERVAL_MS = 100
"""Polled more seldom, turns between two samples are lost."""


class Place(NamedTuple):
    """Where the chip is, with the attribute of viam-server's own model taken into account."""

    i2c_bus: int
    i2c_addr: int


class Mpu6050Config(SensorAttributes):
    """The attributes of `mpu6050`."""

    EXAMPLE: ClassVar[Example] = Example("imu", {"i2c_bus": 1, "gyro_range": 500, "accel_range": 4})

    SHORTEST_DEFAULT_MAX_AGE_MS: ClassVar[int] = SHORTEST_DEFAULT_MAX_AGE_MS
    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"i2c_addr", "gyro_range", "accel_range", "sample_hz"})

    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: Annotated[I2cAddress, one_of_addresses(*ADDRESSES)] = i2c_address_field(ADDRESSES, '"0x69" with AD0 high')
    use_alt_i2c_address: bool = Field(
        default=False, description="Another way to say that i2c_addr is 0x69, which viam-server's own model has."
    )
    gyro_range: Literal[250, 500, 1000, 2000] = Field(
        default=250, description="The fastest turn it can measure, in degrees per second."
    )
    accel_range: Literal[2, 4, 8, 16] = Field(
        default=2, description="The largest acceleration it can measure, in g; lying still takes one of them."
    )
    sample_hz: float = Field(
        default=100.0,
        ge=4,
        le=200,
        description="How often the chip samples. Not more seldom than it is polled, so that every poll finds a new "
        "sample.",
    )
    poll_interval_ms: int = poll_interval_field(20)
    max_age_ms: int | None = max_age_field(SHORTEST_DEFAULT_MAX_AGE_MS)

    @property
    def place(self) -> Place:
        """Where the chip is."""
        return Place(self.i2c_bus, ADDRESSES[1] if self.use_alt_i2c_address else self.i2c_addr)

    @property
    def ranges(self) -> Ranges:
        """How the chip is to measure."""
        return Ranges(self.gyro_range, self.accel_range, self.sample_hz, 1000 / self.poll_interval_ms)

    @property
    def gives_orientation(self) -> bool:
        """Whether it is polled often enough for that."""
        return self.poll_interval_ms <= LONGEST_ORIENTATION_INTERVAL_MS

    def problems(self) -> Iterator[Problem]:
        """Two addresses, or fewer samples than polls."""
        yield from super().problems()
        if self.use_alt_i2c_address and self.given("i2c_addr") and self.i2c_addr not in {None, ADDRESSES[1]}:
            other = f"says 0x69, and i2c_addr says 0x{self.i2c_addr:02x}"
            yield Problem("use_alt_i2c_address", f"{other}: give one of them")
        interval, rate = self.poll_interval_ms, self.sample_hz
        if interval is not None and rate is not None and rate * interval < 1000:
            polls = f"poll_interval_ms ({interval}) is {1000 / interval:g} polls a second"
            yield Problem("sample_hz", f"must not be below that of the polls, got {rate:g}: {polls}")
