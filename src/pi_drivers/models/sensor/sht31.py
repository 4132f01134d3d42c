"""Sensirion SHT31 (and SHT30, SHT35): temperature and relative humidity over I2C.

Source: Sensirion, Datasheet SHT3x-DIS, version 6, February 2019. The chip takes 16-bit commands and answers in words of
two bytes with a CRC-8 each. It does not acknowledge a read while it converts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.config.attributes import Problem, SensorAttributes
from pi_drivers.config.buses import BusNumber, I2cAddress, i2c_address_field, i2c_bus_field, one_of_addresses
from pi_drivers.config.example import Example
from pi_drivers.config.pace import pace_problems
from pi_drivers.errors import CorruptDataError, NoAnswerError, OutOfRangeError, WrongChipError
from pi_drivers.host.contract import MILLISECOND, Host
from pi_drivers.models.base import Dependencies
from pi_drivers.models.commands import Arguments, command, switch_of
from pi_drivers.models.i2c_chip import join_i2c, place_of, place_status
from pi_drivers.models.polled import PolledModel
from pi_drivers.world.devices import I2cDevice, Nack

if TYPE_CHECKING:
    from pi_drivers.world.world import World

ADDRESSES = (0x44, 0x45)
"""With the ADDR pin low (the default of most boards) and high (table 8)."""

MEASURE_HIGH_REPEATABILITY = 0x2400
"""Single shot without clock stretching (table 9)."""
READ_STATUS = 0xF32D
CLEAR_STATUS = 0x3041
SOFT_RESET = 0x30A2
HEATER_ON = 0x306D
HEATER_OFF = 0x3066
"""Tables 13 to 18."""

ALERT_LIMITS = {0xE11F: (80.0, 60.0), 0xE114: (79.0, 58.0), 0xE109: (22.0, -9.0), 0xE102: (20.0, -10.0)}
"""What reads the limits of the alert pin, with what they are after a reset, in percent and °C. Only the Linux driver
asks for them (Sensirion, Alert Mode of SHT3x-DIS, version 1, May 2015)."""

MEASUREMENT_NS = 16 * MILLISECOND
"""At most 15.5 ms at high repeatability over the whole supply range (table 4)."""
SAMPLE_MS = 18
"""A measurement, and what is sent and read for it on a bus at 100 kHz."""
RESET_NS = 2 * MILLISECOND
"""At most 1.5 ms after a soft reset, and after its power came (table 4)."""

ENDS_OF_SCALE = (0x0000, 0xFFFF)
"""-45 and 130 °C: beyond what the sensor works at, -40 to 125 °C (table 2). Its humidity reaches from end to end."""

STATUS_HEATER = 1 << 13
STATUS_RESET_DETECTED = 1 << 4


@dataclass(frozen=True)
class AirSample:
    """One measurement: degrees Celsius and percent."""

    temperature_c: float
    relative_humidity_pct: float


def crc8(data: bytes) -> int:
    """The checksum of two bytes: polynomial 0x31, initial value 0xFF (table 20; of BE EF it is 92)."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ 0x31 if crc & 0x80 else crc << 1
        crc &= 0xFF
    return crc


class Sht31:
    """The chip. Blocking: used on its bus's worker thread."""

    def __init__(self, host: Host, bus: I2cBus, address: int) -> None:
        self._host = host
        self._bus = bus
        self._address = address
        self._where = place_of(bus.number, address)
        self._identified = False
        """Whether it has answered as an SHT3x before: then a bad checksum is noise."""

    def set_up(self) -> None:
        """Reset the chip and make sure it is one of the family.

        Raises:
            NoAnswerError: nobody is there.
            WrongChipError: somebody is there who does not answer as an SHT3x does.
        """
        self._command(SOFT_RESET)
        self._host.sleep(RESET_NS)
        try:
            self.status()
        except CorruptDataError:
            if self._identified:
                raise
            raise WrongChipError(
                f"{self._where}: the chip there is no SHT3x: its status has no valid checksum. "
                "Check i2c_addr: the sensor has 0x44 or 0x45."
            ) from None
        self._identified = True

    def begin(self) -> None:
        """Begin a measurement, which is ready after `MEASUREMENT_NS`. Raises: NoAnswerError: nobody is there."""
        self._command(MEASURE_HIGH_REPEATABILITY)

    def finish(self) -> AirSample:
        """What was measured.

        Raises:
            NoAnswerError: the chip does not answer, or has nothing ready.
            CorruptDataError: a checksum is wrong.
            OutOfRangeError: the temperature is at an end of its scale.
        """
        raw_temperature, raw_humidity = self._read_words(2)
        if raw_temperature in ENDS_OF_SCALE:
            raise OutOfRangeError(
                f"{self._where}: the temperature is at the end of the scale, -45 or 130 °C, where the sensor does not "
                "measure. If it is not as cold or hot as that, the sensor is broken."
            )
        # Section 4.13.
        return AirSample(-45 + 175 * raw_temperature / 65535, 100 * raw_humidity / 65535)

    def status(self) -> int:
        """The status register (table 18)."""
        self._command(READ_STATUS)
        return self._read_words(1)[0]

    def heat(self, on: bool) -> bool:
        """Switch the heater, which dries the sensor and shows that it works; returns what the chip says it is."""
        self._command(HEATER_ON if on else HEATER_OFF)
        return bool(self.status() & STATUS_HEATER)

    def cool(self) -> None:
        """Switch the heater off for good, whatever the chip is about. Raises: NoAnswerError: nobody is there."""
        try:
            self._command(HEATER_OFF)
        except NoAnswerError:
            # While it measures it takes no command.
            self._host.sleep(MEASUREMENT_NS)
            self._command(HEATER_OFF)

    def _command(self, code: int) -> None:
        self._bus.write(self._address, code.to_bytes(2, "big"))

    def _read_words(self, count: int) -> list[int]:
        data = self._bus.read(self._address, 3 * count)
        return [self._checked(data[3 * i : 3 * i + 3]) for i in range(count)]

    def _checked(self, word: bytes) -> int:
        if crc8(word[:2]) != word[2]:
            raise CorruptDataError(
                f"{self._where}: a checksum is wrong (0x{word[2]:02x} for {word[:2].hex()}); the value is not used. "
                "If it happens often, shorten the cable or slow the bus down."
            )
        return int.from_bytes(word[:2], "big")


class Sht31Config(SensorAttributes):
    """The attributes of `sht31`."""

    EXAMPLE: ClassVar[Example] = Example("air", {"i2c_bus": 1, "i2c_addr": "0x44"})

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"i2c_addr"})

    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: Annotated[I2cAddress, one_of_addresses(*ADDRESSES)] = i2c_address_field(
        ADDRESSES, '"0x45" with ADDR high'
    )

    def problems(self) -> Iterator[Problem]:
        """A measurement must be over before the next one."""
        yield from super().problems()
        yield from pace_problems(self, SAMPLE_MS, "at high repeatability")


class Sht31Sensor(PolledModel[Sht31Config, AirSample], Sensor):
    """Sensirion SHT31 temperature and humidity sensor over I2C."""

    CONFIG = Sht31Config

    def _open(self, settings: Sht31Config, dependencies: Dependencies) -> None:
        shared = join_i2c(self, settings, "sensor", Sht31Twin)
        self._worker, self._run = shared.worker, shared.worker.run
        self._chip = Sht31(self.host, shared.bus, settings.i2c_addr)
        self._heats = False
        self._may_heat = False
        """From when the heater is asked for until it is known to be off."""
        self.lifecycle.push("switch the heater off", self._cool)
        self._start_polling(self._sample, self._set_up)

    async def _set_up(self) -> None:
        await self._run(self._chip.set_up)
        self._heats = self._may_heat = False  # the chip was reset

    async def _sample(self) -> AirSample:
        await self._run(self._chip.begin)
        await self.host.wait(MEASUREMENT_NS)
        return await self._run(self._chip.finish)

    def _readings(self, sample: AirSample) -> Mapping[str, SensorReading]:
        return {"temperature_c": sample.temperature_c, "relative_humidity_pct": sample.relative_humidity_pct}

    @command("heater", "Switch the chip's heater: readings are wrong while it is on.", example={"on": True})
    async def _heater(self, request: Arguments) -> Mapping[str, Any]:
        on = switch_of(request, "on")
        async with self._alone:
            self._may_heat |= on
            self._heats = await self._run(lambda: self._chip.heat(on))
            self._may_heat = self._heats
        return {"heater": self._heats}

    def _cool(self) -> None:
        """Behind what waits for the bus, which is left after this."""
        if self._may_heat:
            self._worker.post(self._chip.cool)

    def _place(self) -> dict[str, ValueTypes]:
        return place_status(self.settings.i2c_bus, self.settings.i2c_addr)

    def _status(self) -> dict[str, ValueTypes]:
        return super()._status() | {"heater": self._heats}


class Sht31Twin(I2cDevice):
    """The chip's other side: what it answers on the bus, and when it does not."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.lose_power()
        self._busy_until_ns = 0

    def lose_power(self) -> None:
        self._answer = b""
        self._heater = False
        self._status = STATUS_RESET_DETECTED
        self._busy_until_ns = self._now() + RESET_NS - MILLISECOND // 2

    def write(self, data: bytes) -> None:
        if self._now() < self._busy_until_ns:
            raise Nack
        if len(data) < 2:
            return
        self._answer = b""
        self._execute(int.from_bytes(data[:2], "big"))

    def read(self, count: int) -> bytes:
        # Nothing measured, or not ready: the chip does not acknowledge (section 4.4).
        if not self._answer or self._now() < self._busy_until_ns:
            raise Nack
        answer, self._answer = self._answer, b""
        return answer[:count].ljust(count, b"\xff")

    def _execute(self, code: int) -> None:
        if code == MEASURE_HIGH_REPEATABILITY:
            self._measure()
        elif code == READ_STATUS:
            self._answer = _word(self._status | (STATUS_HEATER if self._heater else 0))
        elif code == SOFT_RESET:
            self.lose_power()
        elif code == CLEAR_STATUS:
            self._status = 0
        elif code in (HEATER_ON, HEATER_OFF):
            self._heater = code == HEATER_ON
        elif code in ALERT_LIMITS:
            self._answer = _limit(*ALERT_LIMITS[code])
        else:
            raise Nack

    def _measure(self) -> None:
        now_ns = self._now()
        # The heater warms the chip by some degrees (section 4.10), and warm air at the same humidity reads drier.
        warmer = 3.0 if self._heater else 0.0
        temperature = self._world.air.temperature_at(now_ns) + warmer
        humidity = self._world.air.relative_humidity_at(now_ns)
        self._answer = _word(_clamped((temperature + 45) / 175)) + _word(_clamped(humidity / 100))
        self._busy_until_ns = now_ns + MEASUREMENT_NS - MILLISECOND // 2

    def _now(self) -> int:
        return self._world.clock.now_ns()


def _limit(humidity: float, temperature: float) -> bytes:
    """The seven highest bits of a humidity and the nine highest of a temperature."""
    return _word(_clamped(humidity / 100) & 0xFE00 | _clamped((temperature + 45) / 175) >> 7)


def _clamped(share: float) -> int:
    return min(65535, max(0, round(share * 65535)))


def _word(value: int) -> bytes:
    data = value.to_bytes(2, "big")
    return data + bytes([crc8(data)])
