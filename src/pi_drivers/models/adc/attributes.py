"""The attributes that say which converter it is, where it is, and in what range it measures.

They stand in the config of the sensor `adc` and in every entry of a board's `analogs`. A chip has one bus and not the
other, and a range by its reference or by its gain: what does not belong to it is a mistake, unless it is a 0.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from viam.utils import ValueTypes

from pi_drivers.buses.spi.ranges import place_of as spi_place
from pi_drivers.config.attributes import Part, Problem
from pi_drivers.config.buses import (
    BusNumber,
    ChipSelect,
    I2cAddress,
    SpiBusNumber,
    chip_select_field,
    chip_select_index,
    chip_select_problems,
    i2c_bus_field,
    spi_bus_field,
)
from pi_drivers.models.adc import ads1115
from pi_drivers.models.adc.mcp3xxx import FRAMINGS
from pi_drivers.models.i2c_chip import place_of as i2c_place
from pi_drivers.models.i2c_chip import place_status as i2c_place_status

ChipName = Literal["mcp3002", "mcp3004", "mcp3008", "mcp3208", "ads1115"]

CHANNELS = {**{chip: framing.channels for chip, framing in FRAMINGS.items()}, "ads1115": ads1115.CHANNELS}
"""How many there are, by chip."""

TWO_THIRDS = 2 / 3
NEARLY = 0.01
"""How exactly 2/3 has to be written."""

ONLY_OF_ADS1115 = ("i2c_bus", "i2c_addr", "gain")
ONLY_OF_MCP = ("spi_bus", "chip_select", "vref")
ZEROS_ABSENT = frozenset({"i2c_addr", "gain", "vref"})


def _gain(value: object) -> object:
    if value == "2/3" or (isinstance(value, float) and abs(value - TWO_THIRDS) < NEARLY):
        return TWO_THIRDS
    number = float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(number, float) and number not in ads1115.FULL_SCALE_VOLTS:
        raise PydanticCustomError("gain", 'must be "2/3", 1, 2, 4, 8 or 16, got {number}', {"number": f"{number:g}"})
    return number


def _channel(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Gain = Annotated[float, BeforeValidator(_gain, json_schema_input_type=float | Literal["2/3"])]
"""The gain of an ADS1115: 2/3, 1, 2, 4, 8 or 16."""

Channel = Annotated[int, BeforeValidator(_channel, json_schema_input_type=int | str), Field(ge=0, le=7)]
"""A channel: 3, or "3" as viam-server's boards have it."""


class AdcWiring(Part):
    """The converter, and where it is."""

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = ZEROS_ABSENT

    chip: ChipName = Field(default="mcp3008", description="The converter.")
    spi_bus: SpiBusNumber = spi_bus_field()
    chip_select: ChipSelect = chip_select_field()
    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: I2cAddress = Field(
        default=0x48,
        ge=ads1115.ADDRESSES.start,
        le=ads1115.ADDRESSES.stop - 1,
        description='The address of an ads1115: 72, or "0x48"; "0x49" with ADDR on the supply, "0x4a" on SDA, '
        '"0x4b" on SCL.',
    )
    vref: float = Field(
        default=3.3, ge=0.25, le=5.5, description="The voltage at the VREF pin of an mcp chip, in volts: its range."
    )
    gain: Gain = Field(
        default=1.0,
        description='The gain of an ads1115, by its range: "2/3" for 6.144 V, 1 for 4.096 V, 2 for 2.048 V, 4 for '
        "1.024 V, 8 for 0.512 V, 16 for 0.256 V. No input may be above the chip's supply, whatever the range.",
    )

    @property
    def is_mcp(self) -> bool:
        """Whether it is on SPI, with a reference from outside."""
        return self.chip in FRAMINGS

    @property
    def used_as(self) -> str:
        """What its users have to agree on: the chip, and its reference where that comes from outside."""
        return f"{self.chip} with vref {self.vref:g}" if self.is_mcp else self.chip

    @property
    def place(self) -> str:
        """The chip's place as claims have it."""
        if self.is_mcp:
            return spi_place(self.spi_bus, chip_select_index(self.spi_bus, self.chip_select))
        return i2c_place(self.i2c_bus, self.i2c_addr)

    @property
    def known_place(self) -> str | None:
        """The chip's place, or None where the attributes that say it are broken."""
        if self.chip not in CHANNELS:
            return None
        parts = (self.spi_bus, self.chip_select) if self.is_mcp else (self.i2c_bus, self.i2c_addr)
        broken = None in parts or (self.is_mcp and any(chip_select_problems(self.spi_bus, self.chip_select)))
        return None if broken else self.place

    def wiring(self) -> "AdcWiring":
        """The same, with what only other names say in its place."""
        return self

    def place_status(self) -> dict[str, ValueTypes]:
        """The chip and its place, for `get_status`."""
        if self.is_mcp:
            index = chip_select_index(self.spi_bus, self.chip_select)
            return {"chip": self.chip, "spi_bus": self.spi_bus, "chip_select": index}
        return {"chip": self.chip, **i2c_place_status(self.i2c_bus, self.i2c_addr)}

    @property
    def full_scale_volts(self) -> float:
        """The end of the range, in volts; it begins at 0."""
        return self.vref if self.is_mcp else ads1115.FULL_SCALE_VOLTS[self.gain]

    @property
    def full_scale_counts(self) -> int:
        """The largest count, one step below the end of the range: more volts give the same."""
        bits = FRAMINGS[self.chip].bits if self.is_mcp else ads1115.BITS - 1
        return (1 << bits) - 1

    @property
    def volts_per_count(self) -> float:
        """One step, in volts."""
        return self.full_scale_volts / (self.full_scale_counts + 1)

    def problems(self) -> Iterator[Problem]:
        """Only what belongs to the chip is given, and its chip select is one of its bus."""
        yield from super().problems()
        if self.chip not in CHANNELS:
            return
        for name in ONLY_OF_ADS1115 if self.is_mcp else ONLY_OF_MCP:
            if self.given(name) and getattr(self, name) not in {0, "ce0"}:
                yield Problem(name, self._foreign(name))
        if self.is_mcp:
            yield from chip_select_problems(self.spi_bus, self.chip_select)

    def channel_problems(self, channels: Mapping[str, int | None]) -> Iterator[Problem]:
        """A line for each channel, by its path, that the chip does not have; None is passed over."""
        there = CHANNELS.get(self.chip)
        for path, channel in channels.items():
            if there is not None and channel is not None and channel >= there:
                yield Problem(path, f"an {self.chip} has the channels 0 to {there - 1}, got {channel}")

    def _foreign(self, name: str) -> str:
        reasons: dict[str, Any] = {
            "gain": "has no gain: its range is 0 V to vref",
            "vref": "has its own reference: its range is chosen by gain",
        }
        has = "SPI: it has spi_bus and chip_select" if self.is_mcp else "I2C: it has i2c_bus and i2c_addr"
        return f"an {self.chip} {reasons.get(name, f'is on {has}')}. Leave it out, or name the right chip"
