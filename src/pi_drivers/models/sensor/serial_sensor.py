"""A sensor behind a serial line: an Arduino, an ESP or a ready-made instrument that prints what it measures.

It prints when it likes, so there is no interval: the newest line that fits is the reading, until it is too old. Lines
that do not fit are counted and skipped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field
from viam.components.sensor import Sensor
from viam.errors import NoCaptureToStoreError
from viam.utils import SensorReading, ValueTypes, from_dm_from_extra

from pi_drivers.config.attributes import Attributes, Problem
from pi_drivers.config.example import Example
from pi_drivers.config.serial import SerialPath, baud_rate_field, max_age_field, serial_path_field
from pi_drivers.errors import ArgumentError
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.sensor.line_formats import (
    Parser,
    Readings,
    csv_parser,
    from_json,
    pattern_parser,
    text_of,
)
from pi_drivers.models.sensor.serial_sensor_twin import plug_in_printer
from pi_drivers.models.serial_lines import UnfitLineError, listen
from pi_drivers.runtime.poller import Sample, fresh

LONGEST_SENT = 200
FORMATS = ("json", "csv", "pattern")
BELONGS_TO = {"columns": "csv", "text_columns": "csv", "delimiter": "csv", "pattern": "pattern"}


class SerialSensorConfig(Attributes):
    """The attributes of `serial-sensor`."""

    EXAMPLE: ClassVar[Example] = Example(
        "weather",
        {
            "serial_path": "/dev/ttyUSB0",
            "format": "csv",
            "columns": ["temperature_c", "humidity_pct"],
            "example": "21.5,45.0",
        },
    )

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"baud_rate", "max_age_ms"})

    serial_path: SerialPath = serial_path_field()
    baud_rate: int = baud_rate_field(115_200, "the device")
    format: Literal["json", "csv", "pattern"] = Field(
        default="json", description="What a line is: a JSON object, `columns` of CSV, or what fits `pattern`."
    )
    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, max_length=100, description="With csv: the key of each column, from the left."
    )
    text_columns: tuple[str, ...] = Field(
        default=(), max_length=100, description="With csv: the columns that are words; all others are numbers."
    )
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="With csv: the character between two columns."
    )
    pattern: str | None = Field(
        default=None,
        description="With pattern: a regular expression that fits the whole line, each reading in a named group, as "
        "in `T=(?P<temperature_c>\\S+) .*`.",
    )
    checksum: Literal["none", "xor"] = Field(
        default="none",
        description="With xor, a line ends in `*` and two hexadecimal digits, all bytes before it exclusive-ored; "
        "others are no readings. Without, a digit that was lost on the way cannot be noticed.",
    )
    example: str | None = Field(
        default=None,
        max_length=500,
        description="A line as the device prints it, without its checksum: checked against the format before anything "
        "is opened, and what the device on the mock prints.",
    )
    max_age_ms: int = max_age_field()
    skip_unchanged: bool = Field(
        default=False,
        description="Let data capture skip a reading that it has already, because no newer line has come since.",
    )

    @property
    def parser(self) -> Parser:
        """Reads the text of a line. Raises: ValueError: the pattern is none."""
        if self.format == "csv":
            return csv_parser(self.columns or (), self.text_columns, self.delimiter)
        if self.format == "pattern":
            return pattern_parser(self.pattern or "")
        return from_json

    def problems(self) -> Iterator[Problem]:
        """What belongs to another format, columns that are twice, a pattern that is none, an example that is none."""
        yield from super().problems()
        for name, its_format in BELONGS_TO.items():
            if self.given(name) and self.format in FORMATS and its_format != self.format:
                yield Problem(name, f"belongs to format {its_format!r}, and format is {self.format!r}")
        found = list(self._format_problems())
        yield from found
        if not found and self.format in FORMATS and self.example is not None:
            yield from self._example_problems()

    def _format_problems(self) -> Iterator[Problem]:
        if self.format == "csv":
            yield from self._column_problems()
        elif self.format == "pattern":
            if not self.given("pattern"):
                yield Problem("pattern", "is missing: format is 'pattern'")
            elif self.pattern is not None:
                try:
                    pattern_parser(self.pattern)
                except ValueError as error:
                    yield Problem("pattern", str(error))

    def _column_problems(self) -> Iterator[Problem]:
        if not self.given("columns"):
            yield Problem("columns", "is missing: format is 'csv'")
        columns, delimiter = self.columns or (), self.delimiter
        for index, name in enumerate(columns):
            if not name or name in columns[:index]:
                yield Problem(f"columns[{index}]", f"is {name!r} again" if name else "is empty")
        for index, name in enumerate(self.text_columns or ()):
            if columns and name not in columns:
                yield Problem(f"text_columns[{index}]", f"is none of columns: {name!r}")
        if delimiter is not None and delimiter in '"\r\n\0':
            yield Problem("delimiter", f"cannot be {delimiter!r}")

    def _example_problems(self) -> Iterator[Problem]:
        try:
            if not self.parser(text_of((self.example or "").encode(), with_checksum=False)):
                yield Problem("example", "has no reading in it")
        except UnfitLineError as error:
            yield Problem("example", f"does not fit the format: {error}")


class SerialSensor(HardwareModel[SerialSensorConfig], Sensor):
    """Any device that prints its readings over a serial line or USB: an Arduino, for example."""

    CONFIG = SerialSensorConfig

    def _open(self, settings: SerialSensorConfig, dependencies: Dependencies) -> None:
        self._newest: Sample[Readings] | None = None
        self._captured: Sample[Readings] | None = None
        plug_in_printer(
            self.host,
            settings.serial_path,
            settings.baud_rate,
            example=settings.example,
            columns=settings.columns if settings.format == "csv" else None,
            delimiter=settings.delimiter,
            as_json=settings.format == "json",
            with_checksum=settings.checksum == "xor",
        )
        self._sender = self.host.new_worker(f"{self.label}: sending")
        self.lifecycle.push("end its sending", self._sender.stop)
        self._reader, self._port = listen(
            self, settings.serial_path, settings.baud_rate, settings.max_age_ms, _line_parser(settings), self._hear
        )

    async def get_readings(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Mapping[str, SensorReading]:
        """The newest line that fits.

        Raises:
            StaleReadingError: it is too old, or there is none; with its age and the cause.
            NoCaptureToStoreError: data capture has it already, and the config says `skip_unchanged`.
            ClosedError: the resource was closed.
        """
        self.check_open()
        max_age_ns = self.settings.max_age_ms * MILLISECOND
        newest = fresh(self.label, self._newest, self.host.now_ns(), max_age_ns, self._reader.cause)
        if self.settings.skip_unchanged and from_dm_from_extra(dict(extra) if extra is not None else None):
            if newest is self._captured:
                raise NoCaptureToStoreError
            self._captured = newest
        return newest.value

    @command("send", "Send a line to the device, with a line feed behind it.", example={"line": "led on"})
    async def _send(self, request: Arguments) -> Mapping[str, Any]:
        line = request["line"]
        if not isinstance(line, str) or not line.isprintable() or not 0 < len(line.encode()) <= LONGEST_SENT:
            raise ArgumentError(f'"line" must be a text without line ends, of 1 to {LONGEST_SENT} bytes, got {line!r}')
        data = line.encode() + b"\n"
        # A device that does not take its bytes holds up who writes them for as long as they would take on the wire.
        await self._sender.run(lambda: self._port.write(data))
        return {}

    def _hear(self, samples: Sequence[Sample[Readings]]) -> None:
        self._newest = samples[-1]

    def _status(self) -> dict[str, ValueTypes]:
        status = self._reader.status() | {"max_age_ms": self.settings.max_age_ms}
        if self._newest is not None:
            status["sample_age_ms"] = (self.host.now_ns() - self._newest.taken_ns) / MILLISECOND
        if self._newest is None or self.host.now_ns() - self._newest.taken_ns > self.settings.max_age_ms * MILLISECOND:
            status["waits_for"] = f"a line that fits: {self._reader.cause()}"
        return status


def _line_parser(settings: SerialSensorConfig) -> Callable[[bytes], Readings]:
    parser, with_checksum = settings.parser, settings.checksum == "xor"

    def parse(line: bytes) -> Readings:
        readings = parser(text_of(line, with_checksum=with_checksum))
        if not readings:
            raise UnfitLineError("it has no reading in it")
        return readings

    return parse
