"""A converter as a sensor: what is on its channels, as volts or as whatever they stand for.

A potentiometer, a soil probe or a battery behind a divider gives a voltage; `scale` and `offset` make of it what it
means. Several sensors and the analogs of a board may share a chip.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.config.attributes import Part, Problem, SensorAttributes
from pi_drivers.config.example import Example
from pi_drivers.config.pace import pace_problems
from pi_drivers.config.wording import path_text
from pi_drivers.models.adc import ads1115
from pi_drivers.models.adc.attributes import ZEROS_ABSENT, AdcWiring, Channel
from pi_drivers.models.adc.opening import open_adc
from pi_drivers.models.base import Dependencies
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.models.polled import PolledModel

CHANNEL_MS = 12
"""What one channel of an ads1115 takes: 9 ms to convert, and its transactions on a bus at 100 kHz."""

LARGEST = 1e12
"""Of `scale` and `offset`: no reading can grow beyond what a number holds."""

CHIP_SELECTS: Mapping[int, str] = {8: "ce0", 7: "ce1"}
"""By GPIO, as `sensor_pin` has it."""

Sample = Mapping[str, int]
"""The counts of all channels that are read, by label."""


ALL_OF_ADS1115 = {f"a{channel}": {"channel": channel} for channel in range(ads1115.CHANNELS)}


class ChannelConfig(Part):
    """One channel, and what its voltage means."""

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"scale"})

    channel: Channel = Field(description="The channel of the chip, counted from 0.")
    scale: float = Field(
        default=1.0, ge=-LARGEST, le=LARGEST, description="The reading is volts times `scale` plus `offset`."
    )
    offset: float = Field(default=0.0, ge=-LARGEST, le=LARGEST, description="See `scale`.")
    unit: str | None = Field(
        default=None, min_length=1, description='What the reading is in, for people who look at the status: "V".'
    )


class AdcConfig(AdcWiring, SensorAttributes):
    """The attributes of `adc`."""

    EXAMPLE: ClassVar[Example] = Example(
        "inputs",
        {
            "chip": "mcp3008",
            "channels": {
                "battery": {"channel": 0, "scale": 5.7, "unit": "V"},
                "temperature": {"channel": 1, "scale": 100, "offset": -50, "unit": "°C"},
            },
        },
    )

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = ZEROS_ABSENT | {"sensor_pin"}

    channels: dict[str, ChannelConfig] | None = Field(
        default=None,
        description="What is read: a channel for each label, which is the key of its reading. Required, "
        "unless there is `channel_map`.",
    )
    channel_map: dict[str, Channel] | None = Field(
        default=None,
        description="In place of `channels`, as the mcp300x modules have it: for each label its channel. The readings "
        "are counts then.",
    )
    sensor_pin: Literal[7, 8] | None = Field(
        default=None, description="In place of `chip_select`, as the mcp300x module has it: its GPIO, 8 or 7, on bus 0."
    )

    def problems(self) -> Iterator[Problem]:
        """There is something to read, once; the chip has these channels, and time for them."""
        yield from super().problems()
        if not self.given("channels") and not self.given("channel_map"):
            yield Problem("channels", 'is required, for example {"battery": {"channel": 0}}')
        if self.given("channels") and self.given("channel_map"):
            yield Problem("channel_map", "channels says it already; leave one of them out")
        if self.given("sensor_pin") and (self.given("chip_select") or self.given("spi_bus")):
            yield Problem("sensor_pin", "spi_bus and chip_select say it already; leave it out")
        if self.given("sensor_pin") and self.chip == "ads1115":
            yield Problem("sensor_pin", "an ads1115 is on I2C: it has i2c_bus and i2c_addr")
        yield from self._label_problems()
        yield from self.channel_problems(self._channels_by_path())
        yield from self._time_problems()

    @property
    def readings(self) -> Mapping[str, ChannelConfig]:
        """What is read, by label."""
        if self.channel_map is None:
            return self.channels or {}
        return {label: ChannelConfig(channel=channel) for label, channel in self.channel_map.items()}

    @property
    def gives_counts(self) -> bool:
        """Whether readings are counts, not volts."""
        return self.channel_map is not None

    def wiring(self) -> AdcWiring:
        """The converter, with `sensor_pin` taken for the chip select it is."""
        if self.sensor_pin is None:
            return self
        return self.model_copy(update={"chip_select": CHIP_SELECTS[self.sensor_pin]})

    def _label_problems(self) -> Iterator[Problem]:
        for name, labels in (("channels", self.channels), ("channel_map", self.channel_map)):
            if labels is not None and not labels:
                yield Problem(name, "is empty: nothing would be read")
            if labels and "" in labels:
                yield Problem(name, "a label is empty; it is the key of a reading")

    def _channels_by_path(self) -> dict[str, int]:
        listed, mapped = self.channels or {}, self.channel_map or {}
        found = {path_text(("channels", label, "channel")): part.channel for label, part in listed.items() if part}
        return found | {path_text(("channel_map", label)): channel for label, channel in mapped.items()}

    def _time_problems(self) -> Iterator[Problem]:
        if self.chip == "ads1115":
            sample_ms = CHANNEL_MS * len(self.channels or self.channel_map or ())
            yield from pace_problems(self, sample_ms, "of these channels of an ads1115")


class AdcSensor(PolledModel[AdcConfig, Sample], Sensor):
    """MCP3002, MCP3004, MCP3008, MCP3208 (SPI) or ADS1115 (I2C): voltages, scaled to what they mean."""

    CONFIG = AdcConfig
    I2C_CHIP = I2cIdentity("ADS1115", ads1115.identify, {"chip": "ads1115", "channels": ALL_OF_ADS1115})

    def _open(self, settings: AdcConfig, dependencies: Dependencies) -> None:
        self._adc = open_adc(self, settings.wiring())
        self._last: Sample = {}
        self._start_polling(self._sample, self._set_up)

    async def _set_up(self) -> None:
        """Nothing: a converter sets itself up anew after each failure."""

    async def _sample(self) -> Sample:
        sample = {}
        for label, entry in self.settings.readings.items():
            (sample[label],) = await self._adc.convert(entry.channel, self.settings.gain)
        self._last = sample
        return sample

    def _readings(self, sample: Sample) -> Mapping[str, SensorReading]:
        if self.settings.gives_counts:
            return dict(sample)
        return {label: self._value(entry, sample[label]) for label, entry in self.settings.readings.items()}

    def _value(self, entry: ChannelConfig, count: int) -> float:
        return count * self.settings.volts_per_count * entry.scale + entry.offset

    def _place(self) -> dict[str, ValueTypes]:
        return self.settings.wiring().place_status()

    def _status(self) -> dict[str, ValueTypes]:
        settings, last = self.settings, self._last
        units: dict[str, ValueTypes] = {
            label: unit for label, entry in settings.readings.items() if (unit := self._unit(entry))
        }
        # There may be more on these than they say.
        full: list[ValueTypes] = [label for label, count in last.items() if count >= settings.full_scale_counts]
        return super()._status() | {"units": units, "at_full_scale": full}

    def _unit(self, entry: ChannelConfig) -> str:
        if self.settings.gives_counts:
            return "counts"
        is_volts = entry.scale == 1.0 and entry.offset == 0.0
        return entry.unit or ("V" if is_volts else "")
