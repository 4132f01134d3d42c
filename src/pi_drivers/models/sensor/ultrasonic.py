"""Ultrasonic distance sensors with a trigger and an echo pin: HC-SR04, US-100, JSN-SR04T and their relatives.

The width of the echo is the time sound takes to the next thing and back. That there is nothing within reach is an
answer, too: it takes the place of the distance at once, so that a wall that is gone is not seen any more.
"""

import math
import statistics
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.config.attributes import Problem, SensorAttributes, dependency, max_age_field, poll_interval_field
from pi_drivers.config.example import Example
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.errors import BusError, OutOfRangeError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.board.header_pins import HeaderPins
from pi_drivers.models.pins import BoardPins, pins_of_board
from pi_drivers.models.polled import PolledModel
from pi_drivers.models.sensor.echo import EchoMeter, EchoTimes

NEAREST_M = 0.02
"""What is nearer is heard while the sensor still sends (HC-SR04 data sheet, page 1: 2 cm to 400 cm)."""
SHORTEST_DEFAULT_MAX_AGE_MS = 1000


def speed_of_sound(temperature_c: float) -> float:
    """In dry air, in m/s: 331.3 at 0 °C, and proportional to the root of the absolute temperature."""
    return 331.3 * math.sqrt(1 + temperature_c / 273.15)


class UltrasonicConfig(SensorAttributes):
    """The attributes of `ultrasonic`."""

    EXAMPLE: ClassVar[Example] = Example(
        "front", {"trigger_pin": "16", "echo_interrupt_pin": "18", "samples": 3, "temperature_c": 22}
    )

    SHORTEST_DEFAULT_MAX_AGE_MS: ClassVar[int] = SHORTEST_DEFAULT_MAX_AGE_MS
    ZERO_MEANS_ABSENT = frozenset({"timeout_ms", "samples", "min_interval_ms", "max_distance_m"})

    board: ResourceNameText | None = Field(default=None, description="The board of the pins; absent: the Pi's header.")
    trigger_pin: PinName = Field(description="The pin that is wired to Trig.")
    echo_interrupt_pin: PinName = Field(
        description="The pin that is wired, through a voltage divider, to Echo; or a digital interrupt of the board."
    )
    timeout_ms: int = Field(
        default=1000, ge=5, le=10_000, description="The longest wait for the echo to begin, or to end, in milliseconds."
    )
    samples: int = Field(default=1, ge=1, le=25, description="Pings for a reading, which is their median.")
    temperature_c: float = Field(
        default=20.0, ge=-60, le=85, description="The temperature of the air in °C: 10 °C more are 2 % of the distance."
    )
    min_interval_ms: int = Field(
        default=60, ge=10, le=10_000, description="Time between two pings, in milliseconds, for the sound to die away."
    )
    max_distance_m: float = Field(
        default=4.0, ge=0.1, le=10, description="What is farther away than this, in metres, counts as not there."
    )
    poll_interval_ms: int = poll_interval_field(200)
    max_age_ms: int | None = max_age_field(SHORTEST_DEFAULT_MAX_AGE_MS)

    def problems(self) -> Iterator[Problem]:
        """Two pins, time enough for the pings, and for the sound."""
        yield from super().problems()
        if not (self.given("board") and self.board is None):
            paths = {"trigger_pin": self.trigger_pin, "echo_interrupt_pin": self.echo_interrupt_pin}
            yield from header_pin_problems(paths, self.board)
        yield from self._time_problems()

    def required_dependencies(self) -> list[str]:
        """The board, where one is named."""
        return [dependency("board", self.board)] if self.board else []

    def echo_ns(self, distance_m: float) -> int:
        """How long sound takes to something and back, in nanoseconds."""
        return round(2 * distance_m / speed_of_sound(self.temperature_c) * SECOND)

    def _time_problems(self) -> Iterator[Problem]:
        pause, samples, interval = self.min_interval_ms, self.samples, self.poll_interval_ms
        reach, temperature = self.max_distance_m, self.temperature_c
        if None not in (pause, samples, interval) and samples * pause > interval:
            message = f"must not be below samples times min_interval_ms ({samples * pause}), got {interval}"
            yield Problem("poll_interval_ms", message)
        shortest = 0 if None in (reach, temperature) else math.ceil(self.echo_ns(reach) / MILLISECOND)
        if pause is not None and pause < shortest:
            message = f"must not be below {shortest}, got {pause}"
            yield Problem("min_interval_ms", f"{message}: sound takes so long over max_distance_m and back")


class UltrasonicSensor(PolledModel[UltrasonicConfig, float], Sensor):
    """Ultrasonic distance sensor with trigger and echo pins, such as the HC-SR04."""

    CONFIG = UltrasonicConfig
    WAITS_FOR = "an echo of its ping"

    def _open(self, settings: UltrasonicConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        patience_ns = settings.timeout_ms * MILLISECOND
        longest_ns = min(settings.echo_ns(settings.max_distance_m), patience_ns)
        self._reach_m = self._distance_m(longest_ns)
        self._meter = self._take_pins(board, EchoTimes(longest_ns, patience_ns, settings.min_interval_ms * MILLISECOND))
        self._plug_in_twin(board)
        self._start_polling(self._sample, self._set_up)

    async def _set_up(self) -> None:
        """Nothing: every ping stands for itself."""

    async def _sample(self) -> float:
        """The median of the pings, in metres.

        Raises:
            OutOfRangeError: there is nothing within reach, or it is too near.
            BusError: half of the pings failed.
        """
        distances: list[float] = []
        failed = 0
        while len(distances) + failed < self.settings.samples:
            try:
                width_ns = await self._meter.ping()
            except BusError:
                failed += 1
                if 2 * failed >= self.settings.samples:
                    raise
            else:
                distances.append(math.inf if width_ns is None else self._distance_m(width_ns))
        return self._within_reach(statistics.median_low(distances))

    def _within_reach(self, distance_m: float) -> float:
        if distance_m > self._reach_m:
            raise OutOfRangeError(f"{self.label}: nothing within {self._reach_m:.3g} m")
        if distance_m < NEAREST_M:
            raise OutOfRangeError(
                f"{self.label}: something is nearer than {100 * NEAREST_M:g} cm, which is too near to be measured"
            )
        return distance_m

    def _readings(self, sample: float) -> Mapping[str, SensorReading]:
        return {"distance": sample, "distance_m": sample}

    def _distance_m(self, width_ns: int) -> float:
        return speed_of_sound(self.settings.temperature_c) * width_ns / SECOND / 2

    def _take_pins(self, board: BoardPins, times: EchoTimes) -> EchoMeter:
        settings = self.settings
        # Pulled down, so that a line whose cable is off is no noise. Of another module's board that is its own affair.
        pull = None if board.host is None else Pull.DOWN
        echo = board.inputs([settings.echo_interrupt_pin], self.holder("echo_interrupt_pin"), self.lifecycle, pull=pull)
        self._echo = echo
        trigger = board.output(settings.trigger_pin, self.holder("trigger_pin"), self.lifecycle)
        return EchoMeter(self.label, self.host, trigger, echo, times)

    def _place(self) -> dict[str, ValueTypes]:
        settings, echo = self.settings, self._echo
        place: dict[str, ValueTypes] = {
            "pins": {"trigger_pin": settings.trigger_pin, "echo_interrupt_pin": settings.echo_interrupt_pin},
            "discarded_pings": self._meter.discarded,
            "lost_edges": echo.lost,
        }
        place |= {} if settings.board is None else {"board": settings.board}
        return place if echo.interruptions is None else place | {"stream_interruptions": echo.interruptions}

    def _plug_in_twin(self, board: BoardPins) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is None or not isinstance(board, HeaderPins):
            return
        trigger, echo = (
            board.resolve(name).offset for name in (self.settings.trigger_pin, self.settings.echo_interrupt_pin)
        )
        with world.held():
            world.echo_on(self.name, trigger, echo)
