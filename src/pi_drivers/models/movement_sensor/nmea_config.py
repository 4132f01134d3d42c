"""The attributes of `nmea-gps`, and those of Viam's own models of its kind."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from pi_drivers.config.attributes import Attributes, Part, Problem
from pi_drivers.config.example import Example
from pi_drivers.config.serial import SerialPath, baud_rate_field, max_age_field, serial_path_field


class SerialAttributes(Part):
    """Where Viam's own models have the port."""

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"baud_rate"})

    serial_path: SerialPath = serial_path_field()
    baud_rate: int = baud_rate_field(9600, "the receiver")


class NmeaGpsConfig(Attributes):
    """The attributes of `nmea-gps`; those of Viam's `gps-nmea` and `viam:gps:nmea` are taken as well."""

    EXAMPLE: ClassVar[Example] = Example("gps", {"serial_path": "/dev/serial0", "baud_rate": 9600})

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"baud_rate", "max_age_ms"})

    serial_path: SerialPath | None = serial_path_field(default=None)
    baud_rate: int = baud_rate_field(9600, "the receiver")
    max_age_ms: int = max_age_field()
    min_course_speed_m_s: float = Field(
        default=0.5,
        ge=0,
        le=100,
        description="Below this speed, in m/s, the course that a receiver tells is noise, and there is no heading.",
    )
    connection_type: str | None = Field(
        default=None, description="Of Viam's models: `serial`; a receiver on I2C is not supported."
    )
    serial_attributes: SerialAttributes | None = Field(
        default=None, description="Of Viam's models: serial_path and serial_baud_rate, instead of those above."
    )

    @property
    def port(self) -> str:
        """The path of the port, wherever it was given."""
        inner = self.serial_attributes
        return (inner.serial_path if inner is not None else self.serial_path) or ""

    @property
    def speed(self) -> int:
        """Bits per second, wherever they were given."""
        return self.serial_attributes.baud_rate if self.serial_attributes is not None else self.baud_rate

    def problems(self) -> Iterator[Problem]:
        """One port, and no other kind of connection."""
        yield from super().problems()
        connection = self.connection_type
        if connection is not None and connection.lower() != "serial":
            yield Problem(
                "connection_type",
                f'must be "serial", got "{connection}": wire the receiver\'s TX to the Pi\'s RX, and name the port in '
                "serial_path",
            )
        elif self.given("serial_attributes"):
            for name in ("serial_path", "baud_rate"):
                if self.given(name):
                    yield Problem(name, "is given twice: serial_attributes has the port as well")
        elif not self.given("serial_path"):
            yield Problem("serial_path", "is missing: the port of the receiver, for example /dev/serial0")
