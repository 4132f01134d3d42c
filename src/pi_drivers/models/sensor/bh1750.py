"""ROHM BH1750FVI: the brightness over I2C.

Source: ROHM, Technical Note BH1750FVI, 10046EDT01, 2010.04 rev. C. The chip has no registers: it takes commands of one
byte, and every read gives what it measured last, 0 after it came to power. It has no id and no checksum, and does not
say whether it has finished. So each sample is a measurement of its own with settings of its own; its two bytes are read
until they agree; and where the chip may have lost its power on the way, the light is measured once more.
"""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.config.attributes import Problem, SensorAttributes
from pi_drivers.config.buses import BusNumber, I2cAddress, i2c_address_field, i2c_bus_field, one_of_addresses
from pi_drivers.config.example import Example
from pi_drivers.config.pace import TRANSFERS_MS, pace_problems
from pi_drivers.errors import BusError, CorruptDataError, OutOfRangeError, WrongChipError
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.i2c_chip import agreed, join_i2c, place_of, place_status
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.models.polled import PolledModel
from pi_drivers.world.devices import I2cDevice

if TYPE_CHECKING:
    from pi_drivers.world.world import World

ADDRESSES = (0x23, 0x5C)
"""With ADDR low or open, and high (page 10)."""

POWER_DOWN = 0x00
POWER_ON = 0x01
RESET = 0x07
"""Clears what was measured; only while the power is on."""
TIME_HIGH, TIME_LOW = 0b01000_000, 0b011_00000
"""The measurement time, which is the sensitivity: its upper three bits and its lower five."""
ONE_TIME = {"high": 0x20, "high2": 0x21, "low": 0x23}
"""Measure once, and power down. All commands: page 5."""

USUAL_SENSITIVITY = 69
COUNTS_PER_LUX = 1.2
"""At the usual sensitivity (page 2); twice that in high2 (page 11)."""
FULL_SCALE = 0xFFFF
MEASUREMENTS = 3
"""The most that are made for one sample where they are doubtful; at the usual sensitivity it takes no more than two."""


class Way(NamedTuple):
    """How it is measured."""

    resolution: str
    sensitivity: int

    @property
    def measurement_ns(self) -> int:
        """The longest a measurement takes (page 2), which grows with the sensitivity (page 11)."""
        longest_ms = 24 if self.resolution == "low" else 180
        return math.ceil(longest_ms * MILLISECOND * self.sensitivity / USUAL_SENSITIVITY)

    def lux(self, counts: int) -> float:
        """What so many counts mean (page 11)."""
        halves = 2 if self.resolution == "high2" else 1
        return counts / COUNTS_PER_LUX / halves * USUAL_SENSITIVITY / self.sensitivity


class Bh1750:
    """The chip. Blocking: used on its bus's worker thread."""

    def __init__(self, bus: I2cBus, address: int, way: Way) -> None:
        self._bus = bus
        self._address = address
        self._way = way
        self.where = place_of(bus.number, address)
        self._identified = False
        """Whether it has answered as a BH1750 before: then what cannot be is noise."""

    def set_up(self) -> None:
        """Make sure that it can be a BH1750: what it has measured is gone after a reset, whatever it was sent last.

        A chip with registers takes these commands for their numbers, and has something in one of them.

        Raises:
            NoAnswerError: nobody is there.
            WrongChipError: somebody is there who does not answer as a BH1750 does.
        """
        # Once may be noise.
        answer = self._after_reset() and self._after_reset()
        if answer and self._identified:
            raise CorruptDataError(f"{self.where}: the chip has 0x{answer:04x} after a reset, where 0 belongs")
        if answer:
            raise WrongChipError(
                f"{self.where}: the chip there is no BH1750: it has 0x{answer:04x} after a reset, which makes a "
                "BH1750 forget. Check i2c_addr: port expanders (MCP23017, PCF8574) can have 0x23 too."
            )
        self._identified = True

    def begin(self) -> bool:
        """Begin a measurement, which is ready after `Way.measurement_ns`.

        Returns:
            Whether it is certain that the chip measures with this sensitivity.

        Raises:
            NoAnswerError: nobody is there.
        """
        self._command(TIME_HIGH | self._way.sensitivity >> 5)
        self._command(TIME_LOW | self._way.sensitivity & 0x1F)
        self._command(ONE_TIME[self._way.resolution])
        # A chip that lost its power between these has the usual sensitivity again, which cannot be read back; but it
        # has lost with it what it measured before.
        return self._way.sensitivity == USUAL_SENSITIVITY or self._read_once() != 0

    def finish(self) -> int:
        """The counts that were measured. 0 may also be that the chip has lost its power meanwhile.

        Raises:
            NoAnswerError: the chip does not answer.
            CorruptDataError: readings in a row do not agree.
        """
        return int.from_bytes(agreed(self._answer, self.where), "big")

    def lux(self, counts: int) -> float:
        """What so many counts mean. Raises: OutOfRangeError: it is brighter than the chip can count."""
        if counts == FULL_SCALE:
            raise OutOfRangeError(
                f"{self.where}: it is too bright, above {self._way.lux(FULL_SCALE):.0f} lx. "
                + ("Choose a lower sensitivity." if self._way.sensitivity > 31 else "Put a filter over the sensor.")
            )
        return self._way.lux(counts)

    def _after_reset(self) -> int:
        """What the chip has after a reset, and then after another command; 0 if it has nothing both times."""
        for commands in ((POWER_DOWN, POWER_ON, RESET), (POWER_DOWN,)):
            for command in commands:
                self._command(command)
            answer = self._read_once()
            if answer:
                return answer
        return 0

    def _command(self, code: int) -> None:
        # One in a transaction: the chip takes no second one before the STOP (page 10).
        self._bus.write(self._address, bytes([code]))

    def _read_once(self) -> int:
        return int.from_bytes(self._answer(), "big")

    def _answer(self) -> bytes:
        return self._bus.read(self._address, 2)


class Bh1750Config(SensorAttributes):
    """The attributes of `bh1750`."""

    EXAMPLE: ClassVar[Example] = Example("light", {"i2c_bus": 1, "resolution": "low", "poll_interval_ms": 100})

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"i2c_addr", "sensitivity"})

    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: Annotated[I2cAddress, one_of_addresses(*ADDRESSES)] = i2c_address_field(
        ADDRESSES, '"0x5c" with ADDR high'
    )
    resolution: Literal["high", "high2", "low"] = Field(
        default="high",
        description="`high`: steps of 0.83 lx, a measurement takes up to 180 ms. `high2`: steps of 0.42 lx, up to "
        "27,306 lx. `low`: steps of about 4 lx, up to 24 ms.",
    )
    sensitivity: int = Field(
        default=USUAL_SENSITIVITY,
        ge=31,
        le=254,
        description="The chip's measurement time register. Half of it measures twice as bright a light in half of the "
        "time; more of it makes up for a dark window.",
    )

    @property
    def way(self) -> Way:
        """How it is measured."""
        return Way(self.resolution, self.sensitivity)

    def problems(self) -> Iterator[Problem]:
        """A measurement must be over before the next one."""
        yield from super().problems()
        if self.resolution is not None and self.sensitivity is not None:
            sample_ms, low_ms = sample_time_ms(self.way), sample_time_ms(Way("low", self.sensitivity))
            way = f'at resolution "{self.resolution}" and sensitivity {self.sensitivity} (at "low" it is {low_ms})'
            most = 2 if self.sensitivity == USUAL_SENSITIVITY else MEASUREMENTS
            yield from pace_problems(self, sample_ms, way, most * sample_ms)


def sample_time_ms(way: Way) -> int:
    """The time of a sample, in milliseconds."""
    return math.ceil(way.measurement_ns / MILLISECOND) + TRANSFERS_MS


class Bh1750Sensor(PolledModel[Bh1750Config, float], Sensor):
    """ROHM BH1750 light sensor over I2C."""

    CONFIG = Bh1750Config
    I2C_CHIP = I2cIdentity("BH1750", obeys_any_byte=True)

    def _open(self, settings: Bh1750Config, dependencies: Dependencies) -> None:
        shared = join_i2c(self, settings, "sensor", Bh1750Twin)
        self._run = shared.worker.run
        self._chip = Bh1750(shared.bus, settings.i2c_addr, settings.way)
        self._start_polling(self._sample, lambda: self._run(self._chip.set_up))

    async def _sample(self) -> float:
        counts, before = 0, -1
        for _ in range(MEASUREMENTS):
            certain, counts = await self._measure()
            if (certain and counts) or counts == before == 0:
                return self._chip.lux(counts)
            # Darkness, or a chip that lost its power on the way, or its first measurement: the next one tells.
            before = counts
        if not counts:
            raise BusError(f"{self._chip.where}: the chip seems to lose its power again and again: look at its supply")
        return self._chip.lux(counts)

    async def _measure(self) -> tuple[bool, int]:
        certain = await self._run(self._chip.begin)
        await self.host.wait(self.settings.way.measurement_ns)
        return certain, await self._run(self._chip.finish)

    def _readings(self, sample: float) -> Mapping[str, SensorReading]:
        return {"lux": sample}

    def _place(self) -> dict[str, ValueTypes]:
        return place_status(self.settings.i2c_bus, self.settings.i2c_addr)


class Bh1750Twin(I2cDevice):
    """The chip's other side: read too early, it has what it measured before."""

    def __init__(self, world: "World", *, slow: bool = True) -> None:
        """Args: slow: it takes the longest time that the datasheet has; else the usual one, which is two thirds."""
        self._world = world
        self._slow = slow
        self.lose_power()

    def lose_power(self) -> None:
        self._on = False
        self._sensitivity = USUAL_SENSITIVITY
        self._counts = 0
        self._ready_ns: int | None = None
        self._resolution = "high"

    def write(self, data: bytes) -> None:
        self._update()
        if data:
            self._execute(data[0])

    def read(self, count: int) -> bytes:
        self._update()
        return self._counts.to_bytes(2, "big")

    def _execute(self, code: int) -> None:
        resolutions = {command: resolution for resolution, command in ONE_TIME.items()}
        if code in (POWER_DOWN, POWER_ON):
            self._on = code == POWER_ON
            self._ready_ns = None
        elif code == RESET:
            self._counts = 0 if self._on else self._counts
        elif code >> 3 == TIME_HIGH >> 3:
            self._sensitivity = self._sensitivity & 0x1F | (code & 0b111) << 5
        elif code >> 5 == TIME_LOW >> 5:
            self._sensitivity = self._sensitivity & 0xE0 | code & 0x1F
        elif code in resolutions:
            self._on, self._resolution = True, resolutions[code]
            longest_ns = Way(self._resolution, self._sensitivity).measurement_ns
            self._ready_ns = self._now() + (longest_ns - MILLISECOND // 2 if self._slow else longest_ns * 2 // 3)

    def _update(self) -> None:
        if self._ready_ns is None or self._now() < self._ready_ns:
            return
        way = Way(self._resolution, self._sensitivity)
        counts = round(self._world.light.lux / way.lux(1))
        if self._resolution == "low":
            counts -= counts % 4
        self._counts = min(FULL_SCALE, max(0, counts))
        self._on, self._ready_ns = False, None

    def _now(self) -> int:
        return self._world.clock.now_ns()
