"""Hobby servos: an angle for a pulse width, with one microsecond of resolution on every Pi.

A servo has no way to answer. Where it is, is reckoned from where it was and how fast it turns; before its first move
nobody knows, and nobody is told a number. What a servo does see is every single pulse: one that is cut short, or sent
for an angle it is not at, makes it jump. So widths change between two pulses, the last pulse ends whole, and a rebuild
goes on with the pulse there was.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from viam.components.servo import Servo
from viam.utils import ValueTypes

from pi_drivers.errors import ArgumentError, BusError, ClosedError, SupersededError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.pins import BoardPins, PinLoss, pins_of_board
from pi_drivers.models.servo.geometry import Travel
from pi_drivers.models.servo.servo_config import ServoConfig
from pi_drivers.runtime.kept_state import KeptState
from pi_drivers.runtime.operation import Operation
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.world.servos import ServoKind

SETTLE_NS = 100 * MILLISECOND
"""How much longer than reckoned a servo that is to go limp gets to arrive."""


class PulseServo(HardwareModel[ServoConfig], Servo):
    """Hobby servo: angles by pulse width in microseconds, on every Pi and on PCA9685 hats."""

    CONFIG = ServoConfig

    def _open(self, settings: ServoConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        self._geometry = settings.geometry()
        self._ending: asyncio.Task[None] | None = None
        self._pin = board.output(settings.pin, self.holder("pin"), self.lifecycle)
        self._pin.check_frequency(settings.frequency_hz)
        self._plug_in_twin(settings, board)
        self._kept = KeptState(self.key, on_disk=False)
        self._pulse_us = 0
        """What is sent now; 0 while the servo is limp."""
        self._pulse_before_us = 0
        """What was sent before its end was asked for."""
        self._last_pulse_over_ns = 0
        """When the pulse that ran at the newest change has come to its end."""
        self._travel: Travel | None = None
        self._operation = Operation(self.label, self.logger, self._freeze_soon)
        self._freezing: asyncio.Task[None] | None = None
        self._pin.on_lost = self._lost
        self._board_ended = False
        self.lifecycle.push("leave the safety register", SAFETY.add(self.label, self._pin.lock_safe))
        self.lifecycle.push("end its motion", self._operation.abandon, self._operation.ended)

    async def ready(self) -> None:
        """Go on with the pulse there was before a rebuild, or turn to the starting position; else do nothing."""
        kept = self._kept.load()
        if kept.get("pin") == self._place():
            pulse_us = int(kept["pulse_us"])
            # The pulse stays, whatever a changed config now calls its angle.
            self._travel = self._resting(self._geometry.angle_deg(pulse_us) if pulse_us else float(kept["angle"]))
            if pulse_us and self.settings.hold_position:
                await self._send(pulse_us)
        elif self.settings.start_deg is not None:
            start_deg = self.settings.start_deg
            await self._operation.start("the starting position", lambda: self._turn_to(start_deg))

    async def move(
        self, angle: int, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Turn to an angle in degrees; ends when the horn is there, as far as can be reckoned.

        An angle out of range becomes the nearest one, with a warning. A caller that goes away stops the servo where
        it is.

        Raises:
            ArgumentError: a number that is none.
            SupersededError: a newer command took over.
            BusError: the pin could not be written.
        """
        self.check_open()
        if not abs(angle) <= 1e6:
            raise ArgumentError(f"{self.label}: the angle must be a number of degrees, got {angle}")
        target = self._geometry.limited(angle)
        if target != angle:
            low, high = self._geometry.min_deg, self._geometry.max_deg
            self.logger.warning("%s: %g degrees is not within %g to %g", self.label, angle, low, high)
        await self._operation.run("move", lambda: self._turn_to(target))

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> int:
        """The angle in whole degrees, on the way as well, reckoned from its speed.

        Raises:
            BusError: it has not made its first move yet, or its board failed on the way, so nobody knows.
        """
        self.check_open()
        if self._travel is None or self._is_guess():
            raise BusError(
                f"{self.label}: its position is not known before the end of its first move, nor after one in which its "
                "board failed: a servo cannot be asked. Move it, or set starting_position_deg."
            )
        return round(self._travel.angle_at(self.host.now_ns()))

    async def stop(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Stay where it is now; in its first move, when nobody knows where that is, it goes limp.

        Raises:
            BusError: the pin could not be written.
        """
        if self.lifecycle.closed:
            return
        try:
            await self._operation.take_over("stop")
        except SupersededError:
            return  # a newer command came while the older one ended
        await self._freeze()

    async def is_moving(self) -> bool:
        """Whether the horn is on its way, as far as can be reckoned."""
        return self._operation.running is not None or not (
            self._travel is None or self._travel.over(self.host.now_ns())
        )

    async def close(self) -> None:
        """End the pulses behind a whole one, then let go. Idempotent, never raises; a second caller waits as well."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end_pulses(), name=f"{self.label}: last pulse")
        await asyncio.shield(self._ending)
        await super().close()

    @command("release", "End the pulses: the servo goes limp, and whoever holds it can turn it.")
    async def _release(self, _request: Arguments) -> Mapping[str, Any]:
        await self._operation.take_over("release")
        await self._let_go()
        return {"pulse_us": 0}

    def _status(self) -> dict[str, ValueTypes]:
        pulse_us = self._pulse_us or (self._pulse_before_us if self._pin.unconfirmed else 0)
        status: dict[str, ValueTypes] = {"pin": self.settings.pin, "pulse_us": pulse_us}
        if self._travel is not None and not self._is_guess():
            status["angle_deg"] = self._travel.angle_at(self.host.now_ns())
        if self._pin.unconfirmed:
            status["waits_for"] = "the board to confirm that the pulses have ended"
        elif self._pin.doubtful:
            status["waits_for"] = "the board to answer; whether there are pulses is not known"
        if self._operation.failure is not None:
            status["last_failure"] = str(self._operation.failure)
        return status

    @property
    def _period_ns(self) -> int:
        return SECOND // self.settings.frequency_hz

    async def _turn_to(self, target: float) -> None:
        travel = self._planned(target)
        if not travel.led:
            await self._send(self._geometry.pulse_us(target))
        self._travel = travel
        while travel.led and not travel.over(self.host.now_ns()):
            await self._send(self._geometry.pulse_us(travel.angle_at(self.host.now_ns() + self._period_ns)))
            await self.host.wait(self._period_ns)
        await self.host.wait(max(0, travel.began_ns + travel.lasts_ns - self.host.now_ns()))
        if not self.settings.hold_position:
            await self.host.wait(SETTLE_NS)
            await self._let_go()

    def _planned(self, target: float) -> Travel:
        now_ns = self.host.now_ns()
        settings, geometry = self.settings, self._geometry
        if self._travel is None or self._is_guess():
            # It may be anywhere: the farthest it can have to go.
            far = max((geometry.min_deg, geometry.max_deg), key=lambda end: abs(end - target))
            return Travel(far, target, now_ns, settings.slew_deg_per_s, guessed=True)
        # A limp servo jumps to its first pulse as fast as it can: its speed is for later moves.
        led = bool(self._pulse_us) and 0 < settings.speed_deg_per_s < settings.slew_deg_per_s
        speed = settings.speed_deg_per_s if led else settings.slew_deg_per_s
        return Travel(self._travel.angle_at(now_ns), target, now_ns, speed, led=led)

    def _resting(self, angle_deg: float) -> Travel:
        return Travel(angle_deg, angle_deg, self.host.now_ns(), self.settings.slew_deg_per_s)

    async def _send(self, pulse_us: int) -> None:
        try:
            await self._pin.servo(pulse_us, self.settings.frequency_hz)
        except (BusError, ClosedError):
            self._rest_if_led()
            if pulse_us == 0 and self._pulse_us:
                self._end_of_pulses()  # which is tried until it gets there
            raise
        self._pulse_us = pulse_us
        self._last_pulse_over_ns = self.host.now_ns() + self._period_ns

    def _rest_if_led(self) -> None:
        """No pulse leads it any further: it stays where the last one has put it."""
        if self._travel is not None and self._travel.led and not self._travel.over(self.host.now_ns()):
            self._travel = self._resting(self._geometry.angle_deg(self._pulse_us))

    def _forget_what_is_lost(self, loss: PinLoss) -> None:
        travel = self._travel
        if travel is None or not travel.lasts_ns:
            return
        self._rest_if_led()
        if loss.off and not travel.over(loss.since_ns):
            self._travel = None  # its pulses may have gone to a chip that had no power
        elif not travel.led:
            # Without an answer nobody knows whether it is still turning.
            self._travel = self._resting(travel.to_deg) if travel.over(self.host.now_ns()) else None

    def _end_of_pulses(self) -> None:
        self._pulse_us, self._pulse_before_us = 0, self._pulse_us

    def _lost(self, loss: PinLoss) -> None:
        """The board has failed, or ends: a move ends with the error, and no angle is told that may never be reached."""
        if isinstance(loss.error, ClosedError) and not self._board_ended:
            self._board_ended = True
            self._keep()  # the servo that follows this one goes on with its pulse
        self._forget_what_is_lost(loss)
        if self._operation.running is not None or (loss.off and self._pulse_us and not self._board_ended):
            self._operation.fail(loss.error)
        if loss.off and self._pulse_us:
            self._end_of_pulses()

    async def _let_go(self) -> None:
        if self._travel is not None:
            here = self._travel.angle_at(self.host.now_ns())
            self._travel = None if self._is_guess() else self._resting(here)
        if self._pulse_us:
            await self._send(0)

    async def _freeze(self) -> None:
        now_ns = self.host.now_ns()
        if self._travel is None or self._travel.over(now_ns) or not self._pulse_us:
            return
        if self._is_guess():
            # A pulse for a guessed angle would send it there: without pulses it stops where it is.
            await self._let_go()
            return
        angle = self._travel.angle_at(now_ns)
        await self._send(self._geometry.pulse_us(angle))
        self._travel = self._resting(angle)

    def _is_guess(self) -> bool:
        """Whether it is on its first move, so that nobody knows where it is until that has ended."""
        return self._travel is not None and self._travel.guessed and not self._travel.over(self.host.now_ns())

    async def _end_pulses(self) -> None:
        if self.lifecycle.closed:
            return
        if not self._board_ended:
            self._keep()
        self._operation.abandon()
        try:
            if self._pulse_us:
                await self._send(0)
            await self.host.wait(max(0, self._last_pulse_over_ns - self.host.now_ns()))
        except BusError as error:
            self.logger.warning("%s: its pulses could not be ended: %s", self.label, error)

    def _freeze_soon(self) -> None:
        """What makes a servo safe whose caller has gone: it stays where it is."""
        if self._ending is None and not self.lifecycle.closed:
            self._freezing = asyncio.get_running_loop().create_task(self._freeze(), name=f"{self.label}: freeze")
            self._freezing.add_done_callback(self._say_if_failed)

    def _say_if_failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.logger.error("%s: could not be stopped: %s", self.label, error)

    def _place(self) -> str:
        return f"{self.host.name} {self.settings.board} {self.settings.pin}"

    def _keep(self) -> None:
        if self._is_guess():
            self._kept.save({})
        elif self._travel is not None:
            angle = self._travel.angle_at(self.host.now_ns())
            self._kept.save({"pin": self._place(), "angle": angle, "pulse_us": self._pulse_us})

    def _plug_in_twin(self, settings: ServoConfig, board: BoardPins) -> None:
        world = getattr(self.host, "world", None)
        wire = board.wire_of(settings.pin) if board.host is not None else None
        if world is not None and wire is not None:
            kind = ServoKind(self._geometry.angle_deg, settings.slew_deg_per_s)
            with world.held():
                world.servo_on(wire, kind)
