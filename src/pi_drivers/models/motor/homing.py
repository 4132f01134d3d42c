"""Finding a stepper's position 0 by a switch, to the very step.

A motor that runs cannot stop on a step: pulses are fixed ahead, and there may be a ramp. So the switch is passed over,
left again, and then come back to one step at a time, always from the same side, for a switch closes and opens at
different places.
"""

from pi_drivers.errors import MotionTimeoutError
from pi_drivers.models.motor.step_drive import StepDrive
from pi_drivers.models.motor.stepper_config import Home
from pi_drivers.models.pins import InputPins

SEARCH_STEPS_PER_S = 200.0
"""The pace of single steps at the end: each stands long enough for the switch to be read behind it."""


class Homing:
    """The search of one motor for its switch. Used on the event loop."""

    def __init__(self, label: str, drive: StepDrive, switch: InputPins, home: Home, steps_per_rotation: int) -> None:
        """Args: label: the motor, for messages. drive, switch: its own. home: how to. steps_per_rotation: its steps."""
        self._label = label
        self._drive = drive
        self._switch = switch
        self._home = home
        self._speed = home.rpm / 60 * steps_per_rotation
        self._limit = max(1, round(home.max_revs * steps_per_rotation))

    async def find(self) -> None:
        """Turn until the motor stands on the first step at which the switch is active.

        Raises:
            MotionTimeoutError: the switch did not change within `max_revs`.
            BusError: a pin did not answer; the motor stands.
        """
        if not await self._active():
            await self._turn_until(active=True, toward=True, speed=self._speed)
        slowly = self._speed / 2
        if not await self._active():
            await self._turn_until(active=True, toward=False, speed=slowly)  # passed over altogether
        await self._turn_until(active=False, toward=False, speed=slowly)
        await self._step_onto_it()

    async def _turn_until(self, *, active: bool, toward: bool, speed: float) -> None:
        self._switch.drain()
        # An edge shows a switch that is narrower than the way between two looks at its level.
        wanted_edge = active is not self._home.active_low

        async def reached() -> bool:
            edges = [event.rising for event in self._switch.drain()]
            return wanted_edge in edges or await self._active() is active

        await self._drive.begin(self._limit, speed, forward=self._forward(toward))
        await self._drive.finished(until=reached)
        if abs(self._drive.last_motion) >= self._limit and await self._active() is not active:
            raise self._not_found("did not come" if active else "stayed active")

    async def _step_onto_it(self) -> None:
        pace = min(self._speed, SEARCH_STEPS_PER_S)
        for _ in range(self._limit):
            await self._drive.begin(1, pace, forward=self._forward(toward=True))
            await self._drive.finished(1)
            if await self._active():
                return
        raise self._not_found("did not come again")

    def _forward(self, toward: bool) -> bool:
        return (self._home.direction == "forward") is toward

    async def _active(self) -> bool:
        (level,) = await self._switch.levels()
        return level is not self._home.active_low

    def _not_found(self, what: str) -> MotionTimeoutError:
        home = self._home
        return MotionTimeoutError(
            f"{self._label}: the home switch on pin {home.pin} {what} within {home.max_revs:g} revolutions "
            f"{home.direction}. Is it wired, active_low right, max_revs enough, and does the motor turn?"
        )
