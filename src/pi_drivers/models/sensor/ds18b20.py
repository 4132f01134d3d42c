"""Maxim DS18B20 and its relatives: temperature over 1-Wire, which the kernel speaks.

Sources: Maxim, DS18B20 datasheet 19-7487 rev 6, July 2019; DS18S20 datasheet 19-5474, 2015; DS1825 datasheet 19-5475.
The kernel lets a sensor convert and hands over its scratchpad, whose checksum the bus has checked. What it does not
know is whether the sensor has measured: one that had no power meanwhile answers with the 85 degrees that it wakes up
with, and the checksum of those is right.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import AliasChoices, Field, field_validator
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.buses.onewire.contract import SENSOR_ID, THERMOMETERS, OneWireBus, crc8
from pi_drivers.config.attributes import Problem, SensorAttributes, max_age_field, poll_interval_field
from pi_drivers.config.example import Example
from pi_drivers.config.pace import pace_problems
from pi_drivers.errors import BusError, ConfigError, CorruptDataError, NoAnswerError, WrongChipError
from pi_drivers.host.contract import MICROSECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.polled import PolledModel
from pi_drivers.world.onewire import POWER_ON, OneWireDevice

if TYPE_CHECKING:
    from pi_drivers.world.world import World

FAMILIES = {"10": "DS18S20", "22": "DS1822", "28": "DS18B20", "3b": "DS1825", "42": "DS28EA00"}
"""The kinds of sensors, by how their numbers begin."""
SERIAL_NUMBER_DIGITS = 12
SAMPLE_MS = 800
"""A conversion at 12 bits, to which sensors are set as they are sold, and a little."""

SHORTEST_DEFAULT_MAX_AGE_MS = 20_000
"""A sensor waits for all others twice, for a sample and for the next one: with the default interval this does for
ten on one bus, which need 15 s."""

COLDEST_C, HOTTEST_C = -55.0, 125.0

POWER_ON_RAW = 0x0550
"""+85 °C (DS18B20 datasheet, table 1 and figure 9)."""
RESERVED_AFTER_85 = 0x10
"""Byte 6 after a conversion is 16 less the sixteenths of a degree; a sensor that woke up has 0x0C there (figure 9)."""
S20_POWER_ON = bytes.fromhex("aa 00")
"""+85 °C (DS18S20 datasheet, table 1 and figure 6)."""
S20_COUNT_PER_C = 0x10

FIRST_CONVERSION_NS = 93_750 * MICROSECOND
"""At 9 bits; each further bit doubles it (DS18B20 datasheet, table 2)."""

EXAMPLE_ID = "28-000005e2fdc3"
"""The sensor on the simulated Pi where the config names none."""


@dataclass(frozen=True)
class Measured:
    """One measurement of one sensor."""

    sensor_id: str
    temperature_c: float
    resolution_bits: int


def decode(sensor_id: str, scratchpad: bytes) -> Measured:
    """What a scratchpad says, whose checksum is right.

    Raises:
        BusError: the sensor has not converted.
        CorruptDataError: it says what no sensor can measure.
        WrongChipError: this is no thermometer of its own, but a thermocouple's converter.
    """
    family = sensor_id.partition("-")[0]
    if family == "10":
        measured = Measured(sensor_id, _s20_temperature(sensor_id, scratchpad), 9)
    else:
        measured = _b20(sensor_id, scratchpad)
    if not COLDEST_C <= measured.temperature_c <= HOTTEST_C:
        raise CorruptDataError(
            f"1-Wire {sensor_id}: {measured.temperature_c:g} °C ({scratchpad.hex(' ')}) is outside of what the sensor "
            "can measure; the value is not used. Is it the sensor it says it is?"
        )
    return measured


def _b20(sensor_id: str, scratchpad: bytes) -> Measured:
    raw, configuration = int.from_bytes(scratchpad[:2], "little", signed=True), scratchpad[4]
    # Only a MAX31850 has this bit set; its family is the DS1825's (MAX31850 datasheet, configuration register).
    if sensor_id.startswith("3b") and configuration & 0x80:
        raise WrongChipError(
            f"1-Wire {sensor_id}: this is a MAX31850 thermocouple converter, whose values mean something else; "
            "the model is for thermometers: " + ", ".join(FAMILIES.values())
        )
    if raw == POWER_ON_RAW and scratchpad[6] != RESERVED_AFTER_85:
        raise not_converted(sensor_id)
    bits = 9 + (configuration >> 5 & 0b11)
    # Below 12 bits the last ones are undefined (DS18B20 datasheet, page 6).
    undefined = (1 << 12 - bits) - 1
    return Measured(sensor_id, (raw & ~undefined) / 16, bits)


def _s20_temperature(sensor_id: str, scratchpad: bytes) -> float:
    """Half degrees, made finer by the counter that was left over (DS18S20 datasheet, page 6)."""
    count_remain, count_per_c = scratchpad[6], scratchpad[7]
    # Its 85.0 °C look the same whether measured or not: a value that is in doubt is none.
    if scratchpad[:2] == S20_POWER_ON and count_remain == POWER_ON[6]:
        raise not_converted(sensor_id)
    if count_per_c != S20_COUNT_PER_C or count_remain > count_per_c:
        raise CorruptDataError(
            f"1-Wire {sensor_id}: no DS18S20 answers {scratchpad.hex(' ')}; the value is not used. If it happens "
            "often, shorten the cable."
        )
    whole = int.from_bytes(scratchpad[:2], "little", signed=True) >> 1
    return whole - 0.25 + (count_per_c - count_remain) / count_per_c


def not_converted(sensor_id: str) -> BusError:
    """The sensor answered with what it woke up with."""
    return BusError(
        f"1-Wire {sensor_id}: the sensor has not measured: it answers with the 85 °C it wakes up with. It lost its "
        "power: check its supply; with two wires connect the third to 3.3 V."
    )


def only_one(sensor_ids: list[str]) -> str:
    """The one thermometer among what is on the bus.

    Raises:
        NoAnswerError: there is none.
        ConfigError: there are several; the message lists them.
    """
    found = [sensor_id for sensor_id in sensor_ids if sensor_id.partition("-")[0] in THERMOMETERS]
    if not found:
        raise NoAnswerError(
            "1-Wire: there is no thermometer on the bus. One that was just plugged in is found within ten seconds; "
            "check its wiring, its power and the pull-up resistor (4.7 kΩ to 3.3 V)."
        )
    if len(found) > 1:
        raise ConfigError(f"1-Wire: there are several thermometers; set sensor_id to one of {', '.join(found)}")
    return found[0]


class Ds18b20Config(SensorAttributes):
    """The attributes of `ds18b20`."""

    EXAMPLE: ClassVar[Example] = Example("tank", {"sensor_id": "28-000005e2fdc3"})

    SHORTEST_DEFAULT_MAX_AGE_MS: ClassVar[int] = SHORTEST_DEFAULT_MAX_AGE_MS

    poll_interval_ms: int = poll_interval_field(2000)
    max_age_ms: int | None = max_age_field(SHORTEST_DEFAULT_MAX_AGE_MS)
    sensor_id: str | None = Field(
        default=None,
        validation_alias=AliasChoices("sensor_id", "unique_id"),
        description=f"The sensor's number as the kernel writes it: {EXAMPLE_ID}; 28- may be left out. Absent: the only "
        "thermometer that is there.",
    )

    @field_validator("sensor_id")
    @classmethod
    def _as_the_kernel_writes_it(cls, text: str | None) -> str | None:
        if text is None:
            return None
        text = text.strip().lower()
        return f"28-{text}" if len(text) == SERIAL_NUMBER_DIGITS and "-" not in text else text

    def problems(self) -> Iterator[Problem]:
        """The number must be one that a thermometer can have; a conversion must be over before the next one."""
        yield from super().problems()
        yield from pace_problems(self, SAMPLE_MS, "at 12 bits")
        if self.sensor_id is None:
            return
        if not SENSOR_ID.fullmatch(self.sensor_id):
            text = f"must be written as {EXAMPLE_ID}: family, dash and twelve digits, got {self.sensor_id[:40]!r}"
            yield Problem("sensor_id", f"{text}; ls /sys/bus/w1/devices shows what is there")
        elif self.sensor_id.partition("-")[0] not in FAMILIES:
            known = ", ".join(f"{family} {name}" for family, name in FAMILIES.items())
            yield Problem("sensor_id", f"this is no thermometer; their numbers begin with {known}")


class Ds18b20Sensor(PolledModel[Ds18b20Config, Measured], Sensor):
    """Maxim DS18B20 (and DS18S20, DS1822, DS1825, DS28EA00) thermometer over 1-Wire."""

    CONFIG = Ds18b20Config
    WAITS_FOR = "its sensor to answer"

    def _open(self, settings: Ds18b20Config, dependencies: Dependencies) -> None:
        self._plug_in_twin(settings.sensor_id)
        self._sensor_id: str | None = None
        self._give_back: Callable[[], None] = lambda: None
        self.lifecycle.push("give back the sensor", self._let_go)
        if settings.sensor_id is not None:
            self._take(settings.sensor_id)
        shared = self.host.onewire()
        self.lifecycle.push("leave the bus", shared.leave)
        self._run = shared.worker.run
        self._bus: OneWireBus = shared.bus
        self._start_polling(self._sample, self._find)

    async def _find(self) -> None:
        """Take the only sensor there is, where the config names none: after a failure it may be another one.

        Its first answer is thrown away: a sensor that did not hear the command to convert, because the line was shorted
        until a moment ago, answers with what it measured before that.
        """
        if self.settings.sensor_id is None:
            self._take(only_one(await self._run(self._bus.scan)))
        await self._answer()

    async def _sample(self) -> Measured:
        return decode(str(self._sensor_id), await self._answer())

    async def _answer(self) -> bytes:
        sensor_id = str(self._sensor_id)
        return await self._run(lambda: self._read(sensor_id))

    def _read(self, sensor_id: str) -> bytes:
        """On the bus's thread, when the others have had their turns; by then nobody may want it any more."""
        self.check_open()
        return self._bus.read(sensor_id)

    def _readings(self, sample: Measured) -> Mapping[str, SensorReading]:
        return {"temperature_c": sample.temperature_c}

    def _take(self, sensor_id: str) -> None:
        """Claim a sensor, in place of the one before. Raises: ClaimedError: another resource has it."""
        if sensor_id != self._sensor_id:
            self._let_go()
            self._give_back = self.host.claims.take(f"1-wire {sensor_id}", self.holder("sensor"))
            self._sensor_id = sensor_id

    def _let_go(self) -> None:
        self._give_back()
        self._sensor_id = None

    def _place(self) -> dict[str, ValueTypes]:
        sensor_id = self._sensor_id
        if sensor_id is None:
            return {"bus": "1-wire"}
        return {"bus": "1-wire", "sensor_id": sensor_id, "chip": FAMILIES[sensor_id.partition("-")[0]]}

    def _plug_in_twin(self, sensor_id: str | None) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is None:
            return
        with world.held():
            if sensor_id is not None or not world.onewire.listed():
                sensor_id = sensor_id or EXAMPLE_ID
                world.onewire.plug_in_if_free(sensor_id, Ds18b20Twin(world, sensor_id))


class Ds18b20Twin(OneWireDevice):
    """The sensor's other side: it converts for a while, forgets without power, and fills what is undefined."""

    def __init__(self, world: "World", sensor_id: str = EXAMPLE_ID, resolution_bits: int = 12) -> None:
        self._world = world
        self._is_s20 = sensor_id.startswith("10")
        self._bits = resolution_bits
        self._coming: tuple[int, bytes] | None = None
        self._known = self._power_on()

    def power_up(self) -> None:
        self._known = self._power_on()
        self._coming = None

    def convert(self) -> None:
        now_ns = self._world.clock.now_ns()
        temperature = min(HOTTEST_C, max(COLDEST_C, self._world.air.temperature_at(now_ns)))
        measured = self._s20(temperature) if self._is_s20 else self._b20(temperature)
        # A DS18S20 always takes as long as a DS18B20 at 12 bits.
        doublings = 3 if self._is_s20 else self._bits - 9
        self._coming = (now_ns + (FIRST_CONVERSION_NS << doublings), measured)

    def scratchpad(self) -> bytes:
        if self._coming is not None and self._coming[0] <= self._world.clock.now_ns():
            self._known = self._coming[1]
            self._coming = None
        return self._known + bytes([crc8(self._known)])

    def _power_on(self) -> bytes:
        if self._is_s20:
            return bytes.fromhex("aa 00 4b 46 ff ff 0c 10")
        return POWER_ON[:4] + bytes([self._configuration()]) + POWER_ON[5:]

    def _configuration(self) -> int:
        return (self._bits - 9) << 5 | 0x1F

    def _b20(self, temperature_c: float) -> bytes:
        undefined = (1 << 12 - self._bits) - 1
        raw = round(temperature_c * 16) & ~undefined
        reserved = 0x10 - (raw & 0xF)
        shown = (raw | undefined).to_bytes(2, "little", signed=True)
        return shown + bytes([0x4B, 0x46, self._configuration(), 0xFF, reserved, 0x10])

    @staticmethod
    def _s20(temperature_c: float) -> bytes:
        sixteenths = round((temperature_c + 0.25) * 16)
        whole, over = divmod(sixteenths, 16)
        half = 1 if over >= 8 else 0
        raw = (whole * 2 + half).to_bytes(2, "little", signed=True)
        return raw + bytes([0x4B, 0x46, 0xFF, 0xFF, 0x10 - over, 0x10])
