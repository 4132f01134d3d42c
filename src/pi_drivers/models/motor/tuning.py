"""The relay experiment on a shaft: paced, watched, bounded in time and travel; and what it found, kept for later."""

from collections.abc import Mapping
from typing import Any

from pi_drivers.errors import ArgumentError, MotionTimeoutError, NotFoundError, StallError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.motor.closed_loop import LOCAL_PERIOD_NS, REMOTE_PERIOD_NS, Driven, LoopSettings
from pi_drivers.models.motor.guards import StallWatch, WrongWayGuard
from pi_drivers.models.motor.relay import RelayExperiment, Tuning
from pi_drivers.models.motor.shaft import Shaft
from pi_drivers.models.motor.speed import Gains, SpeedMeter
from pi_drivers.runtime.kept_state import KeptState

LONGEST_NS = 10 * SECOND
SILENCE_NS = 500 * MILLISECOND
"""At half power a motor that is wired turns its encoder by a tick in this time."""
STOPPING_S = 0.2
"""The room kept before an end of travel, as the time that the present speed would take to reach it."""


class TuningRun:
    """One experiment on one motor. Used once, within a motion that takes the power away however it ends."""

    def __init__(
        self, host: Host, shaft: Shaft, drive: Driven, settings: LoopSettings, watch: StallWatch, *, remote: bool
    ) -> None:
        """Args: as `ClosedLoop` takes them."""
        self._host = host
        self._shaft = shaft
        self._drive = drive
        self._settings = settings
        self._watch = watch
        self._period_ns = REMOTE_PERIOD_NS if remote else LOCAL_PERIOD_NS

    async def run(self, max_revolutions: float) -> Tuning:
        """Turn the shaft, forward or where there is more room, for some seconds and find the gains.

        Args:
            max_revolutions: how far the shaft may turn at the most.

        Raises:
            ArgumentError: there is not room enough; nothing has moved, or the motor was stopped in time.
            StallError: the encoder shows no movement, or one against the power.
            MotionTimeoutError: the speed did not settle, or did not swing.
        """
        self._direction, self._room = await self._choose_direction(max_revolutions)
        now_ns = self._host.now_ns()
        first = await self._shaft.sample()
        self._start = first.ticks
        self._meter = SpeedMeter(first, now_ns)
        self._wrong_way = WrongWayGuard(self._settings.name, now_ns)
        experiment = RelayExperiment(self._settings.max_power, self._settings.free_speed, now_ns)
        speed = 0.0
        deadline_ns = now_ns + LONGEST_NS
        while not experiment.done:
            power = await self._drive.apply(self._direction * experiment.step(speed * self._direction, now_ns))
            await self._host.wait(self._period_ns)
            now_ns = self._host.now_ns()
            speed = await self._look(power, now_ns)
            if now_ns > deadline_ns:
                raise self._never_done()
        await self._drive.rest()
        return experiment.result()

    async def _choose_direction(self, max_revolutions: float) -> tuple[int, float]:
        """The direction with more room, and how far that is, in ticks."""
        position, travel = await self._shaft.revolutions(), self._shaft.travel
        forward, back = travel.high - position, position - travel.low
        direction = 1 if forward >= back else -1
        return direction, min(max(forward, back), max_revolutions) * self._shaft.ticks_per_rotation

    async def _look(self, power: float, now_ns: int) -> float:
        """The speed now, in ticks per second, once nothing speaks against going on."""
        sample = await self._shaft.sample()
        speed = self._meter.take(sample, now_ns)
        self._watch.check(power, sample.ticks, now_ns)
        self._wrong_way.check(power, speed, sample.ticks, now_ns)
        if now_ns - self._meter.last_tick_ns > SILENCE_NS:
            raise StallError(
                f"{self._settings.name}: no tick from its encoder for {SILENCE_NS / SECOND:g} s at a power of "
                f"{power:.2f} while it was tuned. Is the shaft blocked, or the encoder unplugged?"
            )
        if (sample.ticks - self._start) * self._direction + abs(speed) * STOPPING_S > self._room:
            raise ArgumentError(
                f"{self._settings.name}: it was stopped before its gains were found: it may not turn further than "
                f"{self._room / self._shaft.ticks_per_rotation:.1f} revolutions. Give it more room within its "
                "soft_limits, or max_revolutions"
            )
        return speed

    def _never_done(self) -> MotionTimeoutError:
        return MotionTimeoutError(
            f"{self._settings.name}: its speed did not settle, or did not swing, within {LONGEST_NS // SECOND} s. "
            "Is its load steady, and does its encoder give some hundred ticks a second at half power?"
        )


class KeptTuning:
    """The gains that were found, kept over a rebuild and a restart for as long as they mean the same."""

    def __init__(self, label: str, kept: KeptState, meaning: Mapping[str, Any]) -> None:
        """Args: label: the motor. kept: where they are kept. meaning: the attributes that they depend on."""
        self._label = label
        self._kept = kept
        self._meaning = dict(meaning)

    def save(self, tuning: Tuning) -> None:
        """Keep what an experiment found."""
        self._kept.save({"meaning": self._meaning, "found": as_answer(tuning), "free_speed": tuning.free_speed})

    def gains(self) -> Gains | None:
        """The gains that were found; None when there are none."""
        found = self._found()
        return Gains(found["p"], found["i"], found["d"]) if found else None

    def free_speed(self) -> float | None:
        """Ticks per second at full power, as found with the gains; None when there are none."""
        value = self._kept.load().get("free_speed")
        return float(value) if self._found() and isinstance(value, int | float) else None

    def answer(self) -> dict[str, float]:
        """What was found, for a caller. Raises: NotFoundError: the motor was never tuned as it is now."""
        found = self._found()
        if not found:
            raise NotFoundError(
                f'{self._label} was not tuned with its present attributes; the command {{"command": "tune"}} does it'
            )
        return found

    def _found(self) -> dict[str, float]:
        state = self._kept.load()
        found = state.get("found")
        if state.get("meaning") != self._meaning or not isinstance(found, dict):
            return {}
        return {str(name): float(value) for name, value in found.items()}


def as_answer(tuning: Tuning) -> dict[str, float]:
    """What an experiment found, for a caller."""
    gains = tuning.gains
    return {
        "p": gains.p,
        "i": gains.i,
        "d": gains.d,
        "ultimate_gain": tuning.ultimate_gain,
        "ultimate_period_s": tuning.ultimate_period_s,
    }
