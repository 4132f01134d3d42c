"""Anything that switches one pin, as a sensor: door contacts and motion detectors, flow meters, tachometers.

Nothing here is sampled, so nothing grows old: a level is read when it is asked for, and edges are counted by the
kernel's own record of them, those included that nobody asked about in time.
"""

import asyncio
import functools
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.config.attributes import Attributes, Problem, dependency
from pi_drivers.config.example import Example
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.errors import ConfigError, StaleReadingError, UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.board.header_pins import HeaderPins
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.pins import BoardPins, InputPins, pins_of_board
from pi_drivers.models.sensor.pulse_record import PulseRecord
from pi_drivers.runtime.kept_state import KeptState

REST_NS = 15 * MILLISECOND
"""Between two looks at the kernel's buffer of 1024 edges: none is lost up to 60 000 edges a second."""


class GpioInputConfig(Attributes):
    """The attributes of `gpio-input`."""

    EXAMPLE: ClassVar[Example] = Example("flow", {"pin": "22", "pull": "up", "measure": "rate", "window_ms": 2000})

    board: ResourceNameText | None = Field(default=None, description="The board of the pin; absent: the Pi's header.")
    pin: PinName = Field(description="The pin.")
    pull: Literal["up", "down", "none"] | None = Field(
        default=None, description="The pull resistor; absent: what the board's config says of the pin, else `none`."
    )
    active_low: bool | None = Field(
        default=None,
        description="A low pin is active, as with a contact to ground; absent: what the board's config says, else no.",
    )
    debounce_ms: float = Field(
        default=0, ge=0, le=1000, description="How long a level must hold before it counts, in milliseconds."
    )
    measure: Literal["level", "count", "rate", "pulse_width"] = Field(
        default="level",
        description="What is read: whether the pin is active now, how often it became active, how often it does so in "
        "a second, or how long it was active last.",
    )
    window_ms: int = Field(default=1000, ge=10, le=60_000, description="Over how many milliseconds a rate is the mean.")
    silence_ms: int = Field(
        default=10_000, ge=10, le=3_600_000, description="Without a pulse for so many milliseconds the rate is 0."
    )
    max_age_ms: int = Field(
        default=2000, ge=10, le=3_600_000, description="A pulse that was over earlier, in milliseconds, is an error."
    )

    def problems(self) -> Iterator[Problem]:
        """A pin that exists; settings of what is measured, not of something else."""
        yield from super().problems()
        if not (self.given("board") and self.board is None):
            yield from header_pin_problems({"pin": self.pin}, self.board)
        for name, measure in (("window_ms", "rate"), ("silence_ms", "rate"), ("max_age_ms", "pulse_width")):
            if self.given(name) and self.measure not in (None, measure):
                yield Problem(name, f'is for "measure": "{measure}" only, which here is "{self.measure}"')

    def required_dependencies(self) -> list[str]:
        """The board, where one is named."""
        return [dependency("board", self.board)] if self.board else []


class GpioInputSensor(HardwareModel[GpioInputConfig], Sensor):
    """A pin as a sensor: its level, a count of pulses, their rate, or the width of the last one."""

    CONFIG = GpioInputConfig

    def _open(self, settings: GpioInputConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        self._inputs = self._take_pin(board)
        self._plug_in_twin(board)
        self._record = PulseRecord(settings.window_ms * MILLISECOND, settings.silence_ms * MILLISECOND)
        self._inputs.drain()
        self._losses = (self._inputs.lost, self._inputs.interruptions)
        self._kept = KeptState(self.key, on_disk=False)
        self._counted_before = self._kept_count()
        self.lifecycle.push("keep its count", self._keep)
        if settings.measure != "level":
            task = asyncio.get_running_loop().create_task(self._follow(), name=f"{self.label}: listening")
            self.lifecycle.push("stop listening", functools.partial(_cancel, task), lambda: asyncio.wait({task}))

    async def ready(self) -> None:
        if self.settings.measure != "level":
            await self._inputs.listening()
        await self._inputs.levels()

    async def get_readings(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Mapping[str, SensorReading]:
        """What is measured, as it is now.

        Raises:
            StaleReadingError: no whole pulse was seen for too long.
            BusError: the board of another module does not answer, or has stopped sending edges.
            ClosedError: the resource was closed.
        """
        self.check_open()
        if self.settings.measure == "level":
            self._inputs.drain()  # so that they do not pile up
            return {"level": (await self._inputs.levels())[0]}
        if self._inputs.broken is not None:
            raise self._inputs.broken
        self._take_waiting()
        if self.settings.measure == "count":
            return {"count": self._count()}
        if self.settings.measure == "rate":
            return {"rate_hz": self._record.rate_hz(self.host.now_ns())}
        return {"pulse_width_us": self._pulse_width_us()}

    @command("reset", "Set the count to 0.")
    async def _reset(self, _request: Arguments) -> Mapping[str, Any]:
        if self.settings.measure != "count":
            raise UnsupportedError(f'{self.label} counts nothing: its config says "measure": "{self.settings.measure}"')
        self._take_waiting()
        was = self._count()
        self._counted_before = -self._record.count
        return {"was": was}

    def _count(self) -> int:
        return self._counted_before + self._record.count

    def _pulse_width_us(self) -> float:
        record = self._record
        if record.width_ns is None:
            raise StaleReadingError(f"{self.label}: there was no whole pulse yet")
        age_ns = self.host.now_ns() - record.pulse_seen_ns
        if age_ns > self.settings.max_age_ms * MILLISECOND:
            raise StaleReadingError(f"{self.label}: the last whole pulse was {age_ns / SECOND:.1f} s ago")
        return record.width_ns / 1000

    async def _follow(self) -> None:
        """Empty the kernel's buffer before it runs over, however seldom anybody asks."""
        while True:
            await self._inputs.waiting()
            self._take_waiting()
            await self.host.wait(REST_NS)

    def _take_waiting(self) -> None:
        events = self._inputs.drain()
        losses = (self._inputs.lost, self._inputs.interruptions)
        self._record.take(events, self.host.now_ns(), gap=losses != self._losses)
        self._losses = losses

    def _take_pin(self, board: BoardPins) -> InputPins:
        settings = self.settings
        if board.host is None and settings.debounce_ms:
            raise ConfigError(f'{self.label}: debounce_ms needs a board of this module; "{settings.board}" is not')
        return board.inputs(
            [settings.pin],
            self.holder("pin"),
            self.lifecycle,
            glitch_filter_us=round(settings.debounce_ms * 1000),
            pull=None if settings.pull is None else Pull(settings.pull),
            active_low=settings.active_low,
        )

    def _meaning_of_count(self) -> dict[str, ValueTypes]:
        return self.settings.model_dump(include={"board", "pin", "active_low", "measure"})

    def _kept_count(self) -> int:
        kept = self._kept.load()
        return int(kept["count"]) if kept.get("meaning") == self._meaning_of_count() else 0

    def _keep(self) -> None:
        self._take_waiting()
        self._kept.save({"count": self._count(), "meaning": self._meaning_of_count()})

    def _status(self) -> dict[str, ValueTypes]:
        settings, inputs = self.settings, self._inputs
        status: dict[str, ValueTypes] = {
            "pin": settings.pin,
            "measure": settings.measure,
            "lost_edges": inputs.lost,
        }
        if settings.board is not None:
            status["board"] = settings.board
        if inputs.interruptions is not None:
            status["stream_interruptions"] = inputs.interruptions
        if inputs.broken is not None:
            status |= {"error": str(inputs.broken), "waits_for": "its board, to send edges again"}
        return status

    def _plug_in_twin(self, board: BoardPins) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is None or not isinstance(board, HeaderPins):
            return
        pin = board.resolve(self.settings.pin)
        active_low = pin.active_low if self.settings.active_low is None else self.settings.active_low
        with world.held():
            pulser = world.pulser_on(self.name, pin.offset)
            if not world.wire(pin.offset).driven_from_outside and not pulser.used:
                pulser.level(active_low)  # at rest


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
