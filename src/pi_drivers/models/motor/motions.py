"""The motions of a brushed motor, each a coroutine that an operation runs: by power, by time, by speed, to a position.

Whatever they raise, and however they are cancelled, the operation takes the power away; what ends by itself ends with
the motor stopped the way it is configured to stop.
"""

import logging
import math
from typing import TYPE_CHECKING

from pi_drivers.errors import UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.motor.approach import braking_distance
from pi_drivers.models.motor.closed_loop import (
    LOCAL_PERIOD_NS,
    REMOTE_PERIOD_NS,
    ClosedLoop,
    LoopSettings,
)
from pi_drivers.models.motor.guards import StallWatch
from pi_drivers.models.motor.lag import LagMeter
from pi_drivers.models.motor.power_drive import PowerDrive
from pi_drivers.models.motor.relay import Tuning
from pi_drivers.models.motor.shaft import Shaft
from pi_drivers.models.motor.speed import Gains, SpeedMeter
from pi_drivers.models.motor.tuning import KeptTuning, TuningRun

if TYPE_CHECKING:
    from pi_drivers.models.motor.dc_motor_config import DcMotorConfig

RAMP_STEPS_PER_S = 20.0
"""`ramp_rate` is the most the power may grow in one step of the built-in motor's control loop, 20 steps a second."""


class Motions:
    """The motions of one motor. Used on the event loop, one at a time."""

    def __init__(
        self,
        label: str,
        logger: logging.Logger,
        host: Host,
        settings: "DcMotorConfig",
        drive: PowerDrive,
        shaft: Shaft | None,
        tuned: KeptTuning,
        *,
        remote_pins: bool,
    ) -> None:
        """Args: as the motor has them; `remote_pins`: its board is another module's."""
        self._label = label
        self._logger = logger
        self._host = host
        self._settings = settings
        self._drive = drive
        self._shaft = shaft
        self._tuned = tuned
        self._remote = remote_pins or (shaft is not None and shaft.remote)
        self._loop: ClosedLoop | None = None
        self._lag = LagMeter()
        self.watch = StallWatch(label, settings.stall_ms * MILLISECOND)

    @property
    def shaft(self) -> Shaft:
        """The shaft with its encoder. Raises: UnsupportedError: there is no encoder."""
        return self.require_encoder("a closed loop")

    def require_encoder(self, what: str) -> Shaft:
        """The shaft with its encoder. Raises: UnsupportedError: there is none, and `what` needs one."""
        if self._shaft is None:
            raise UnsupportedError(
                f"{self._label} has no encoder, so it does not know its position ({what} Unimplemented)"
            )
        return self._shaft

    async def check_start(self, direction: float) -> float | None:
        """See whether the motor may start in a direction, and where it must end; in ticks, None for nowhere.

        Raises:
            StallError: it stalled, and nobody has cleared the fault.
            ArgumentError: it is at the end of its travel.
            BusError: its encoder cannot be read.
        """
        self.refuse_if_stalled()
        if self._shaft is None:
            return None
        end = await self._shaft.end(direction)
        self._shaft.begins_to_move()
        return end

    def refuse_if_stalled(self) -> None:
        """Raises: StallError: the motor stalled, and nobody has cleared the fault."""
        self.watch.refuse_if_stalled()
        if self._drive.power == 0.0:
            # Between motions nobody looks at the shaft; one command after another under power is one motion.
            self.watch.begin(self._host.now_ns())

    def needs_watching(self, end: float | None) -> bool:
        """Whether a power that was reached must be watched from then on."""
        return end is not None or self.watch.stall_ns > 0

    async def keep_power(self, wanted: float, end: float | None, *, there: bool) -> None:
        """Bring the power to what is wanted and watch over it; at the end of its travel the shaft comes to rest."""
        meter: SpeedMeter | None = None
        while not there or self.needs_watching(end):
            if self._shaft is not None and self.needs_watching(end):
                meter = await self._look(meter, end)
                if end is not None and self._is_near(end, wanted):
                    await self._stop_at(end)
                    return
            await self._host.wait(self._period_ns)
            if not there:
                there = await self._drive.step(wanted)

    async def run_for_time(self, power: float, free_rpm: float, revolutions: float) -> None:
        """Without an encoder: apply a power for the time that so many revolutions take at the speed it gives."""
        # Limits of power are limits of speed: what is applied is what the time is reckoned with.
        left = abs(revolutions)
        there = await self._drive.step(power)
        while not there:
            await self._host.wait(self._period_ns)
            left -= self._turned_in(self._period_ns, free_rpm)
            there = await self._drive.step(power)
        speed = abs(self._drive.power) * free_rpm / 60
        # On its way down to nothing a ramp goes through half the revolutions of the same time at speed.
        left -= self._turned_in(self._settings.ramp_ms * MILLISECOND, free_rpm) * abs(self._drive.power) / 2
        await self._host.wait(round(max(0.0, left) / speed * SECOND))
        await self._ramp_down()

    async def move_to(self, target: float, rpm: float) -> None:
        """Move to a position, in ticks, at a speed."""
        self.shaft.begins_to_move()
        await self._new_loop().move_to(target, self.ticks_per_s(rpm))
        self.shaft.has_reached(target)

    async def hold_speed(self, rpm: float, end: float | None) -> None:
        """Hold a speed until the end of the travel, or for ever."""
        self._loop = self._new_loop()
        try:
            await self._loop.hold_speed(self.ticks_per_s(rpm), end)
        finally:
            self._loop = None
        self._say_stopped()

    def change_speed(self, rpm: float, end: float | None) -> bool:
        """Hold another speed where one is held already; returns whether one is."""
        return self._loop is not None and self._loop.change_speed(self.ticks_per_s(rpm), end)

    async def tune(self, max_revolutions: float) -> Tuning:
        """Find the gains by an experiment, and use them from now on."""
        self.shaft.begins_to_move()
        run = TuningRun(self._host, self.shaft, self._drive, self._loop_settings(), self.watch, remote=self._remote)
        tuning = await run.run(max_revolutions)
        self._tuned.save(tuning)
        return tuning

    def ticks_per_s(self, rpm: float) -> float:
        """A speed in the encoder's ticks."""
        return rpm / 60 * self.shaft.ticks_per_rotation

    @property
    def _period_ns(self) -> int:
        return REMOTE_PERIOD_NS if self._remote else LOCAL_PERIOD_NS

    async def _look(self, meter: SpeedMeter | None, end: float | None) -> SpeedMeter:
        """Where the shaft is, and how fast."""
        now_ns = self._host.now_ns()
        sample = await self.shaft.sample()
        self._ticks = sample.ticks
        self._speed = 0.0 if meter is None else meter.take(sample, now_ns)
        self.watch.check(self._drive.power, sample.ticks, now_ns)
        return meter or SpeedMeter(sample, now_ns)

    def _is_near(self, end: float, direction: float) -> bool:
        """Whether the shaft must slow down now in order to stop at the end of its travel."""
        speed = abs(self._speed)
        needed = braking_distance(speed, self._free_speed() or max(2 * speed, 1.0))
        return (end - self._ticks) * math.copysign(1.0, direction) <= max(1.0, needed)

    async def _stop_at(self, end: float) -> None:
        await self._new_loop().move_to(end, max(abs(self._speed), self.ticks_per_s(1.0)))
        self._say_stopped()

    def _say_stopped(self) -> None:
        self._logger.info("%s: stopped at the end of its travel (%s)", self._label, self.shaft.travel)

    def _turned_in(self, duration_ns: int, free_rpm: float) -> float:
        return abs(self._drive.power) * free_rpm / 60 * duration_ns / SECOND

    async def _ramp_down(self) -> None:
        while not await self._drive.step(0.0):
            await self._host.wait(self._period_ns)

    def _new_loop(self) -> ClosedLoop:
        settings = self._loop_settings()
        return ClosedLoop(self._host, self.shaft, self._drive, settings, self.watch, self._lag, remote=self._remote)

    def _free_speed(self) -> float | None:
        """Ticks per second at full power; None when nobody knows."""
        max_rpm = self._settings.max_rpm
        return self.ticks_per_s(max_rpm) if max_rpm is not None else self._tuned.free_speed()

    def _loop_settings(self) -> LoopSettings:
        settings = self._settings
        chosen = settings.control_parameters
        # All zeros ask the built-in motor to find the gains by itself.
        given = Gains(chosen.p, chosen.i, chosen.d) if chosen and (chosen.p or chosen.i or chosen.d) else None
        return LoopSettings(
            self._label,
            given or self._tuned.gains() or Gains(),
            self._free_speed(),
            settings.max_power_pct,
            settings.ramp_rate * RAMP_STEPS_PER_S,
            settings.position_tolerance_ticks,
            self.shaft.follows_power,
        )
