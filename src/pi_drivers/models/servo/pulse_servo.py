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
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.pins import BoardPins, PinLoss, pins_of_board
from pi_drivers.models.servo.horn import Horn
from pi_drivers.models.servo.servo_config import ServoConfig
from pi_drivers.runtime.kept_state import KeptState
from pi_drivers.runtime.operation import Operation
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.runtime.sparing_log import SparingLog
from pi_drivers.world.servos import ServoKind


class PulseServo(HardwareModel[ServoConfig], Servo):
    """Hobby servo: angles by pulse width in microseconds, on every Pi and on PCA9685 hats."""

    CONFIG = ServoConfig

    def _open(self, settings: ServoConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        self._ending: asyncio.Task[None] | None = None
        self._pin = board.output(settings.pin, self.holder("pin"), self.lifecycle)
        self._pin.check_frequency(settings.frequency_hz)
        self._horn = Horn(self.host, self._pin, settings)
        self._plug_in_twin(settings, board)
        self._kept = KeptState(self.key, on_disk=False)
        self._log = SparingLog(self.logger, self.host)
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
            self._horn.stand_at(self._horn.geometry.angle_deg(pulse_us) if pulse_us else float(kept["angle"]))
            if pulse_us and self.settings.hold_position:
                await self._horn.send(pulse_us)
        elif self.settings.start_deg is not None:
            start_deg = self.settings.start_deg
            await self._operation.start("the starting position", lambda: self._horn.turn_to(start_deg))

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
        target = self._horn.geometry.limited(angle)
        if target != angle:
            low, high = self._horn.geometry.min_deg, self._horn.geometry.max_deg
            self._log.warning("%s: %g degrees is not within %g to %g", self.label, angle, low, high)
        await self._operation.run("move", lambda: self._horn.turn_to(target))

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> int:
        """The angle in whole degrees, on the way as well, reckoned from its speed.

        Raises:
            BusError: it has not made its first move yet, or its board failed on the way, so nobody knows.
        """
        self.check_open()
        angle = self._horn.angle_deg
        if angle is None:
            raise BusError(
                f"{self.label}: its position is not known before the end of its first move, nor after one in which its "
                "board failed: a servo cannot be asked. Move it, or set starting_position_deg."
            )
        return round(angle)

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
        await self._horn.freeze()

    async def is_moving(self) -> bool:
        """Whether the horn is on its way, as far as can be reckoned."""
        return self._operation.running is not None or self._horn.moving

    async def close(self) -> None:
        """End the pulses behind a whole one, then let go. Idempotent, never raises; a second caller waits as well."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end_pulses(), name=f"{self.label}: last pulse")
        await asyncio.shield(self._ending)
        await super().close()

    @command("release", "End the pulses: the servo goes limp, and whoever holds it can turn it.")
    async def _release(self, _request: Arguments) -> Mapping[str, Any]:
        await self._operation.take_over("release")
        await self._horn.let_go()
        return {"pulse_us": 0}

    def _status(self) -> dict[str, ValueTypes]:
        status: dict[str, ValueTypes] = {"pin": self.settings.pin, "pulse_us": self._horn.told_pulse_us}
        angle = self._horn.angle_deg
        if angle is not None:
            status["angle_deg"] = angle
        if self._pin.unconfirmed:
            status["waits_for"] = "the board to confirm that the pulses have ended"
        elif self._pin.doubtful:
            status["waits_for"] = "the board to answer; whether there are pulses is not known"
        if self._operation.failure is not None:
            status["last_failure"] = str(self._operation.failure)
        return status

    def _lost(self, loss: PinLoss) -> None:
        """The board has failed, or ends: a move ends with the error, and no angle is told that may never be reached."""
        if isinstance(loss.error, ClosedError) and not self._board_ended:
            self._board_ended = True
            self._keep()  # the servo that follows this one goes on with its pulse
        was_sent = self._horn.pulse_us
        self._horn.lost(loss)
        if self._operation.running is not None or (loss.off and was_sent and not self._board_ended):
            self._operation.fail(loss.error)

    async def _end_pulses(self) -> None:
        if self.lifecycle.closed:
            return
        if not self._board_ended:
            self._keep()
        self._operation.abandon()
        try:
            await self._horn.end()
        except BusError as error:
            self.logger.warning("%s: its pulses could not be ended: %s", self.label, error)

    def _freeze_soon(self) -> None:
        """What makes a servo safe whose caller has gone: it stays where it is."""
        if self._ending is None and not self.lifecycle.closed:
            self._freezing = asyncio.get_running_loop().create_task(self._horn.freeze(), name=f"{self.label}: freeze")
            self._freezing.add_done_callback(self._say_if_failed)

    def _say_if_failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.logger.error("%s: could not be stopped: %s", self.label, error)

    def _place(self) -> str:
        return f"{self.host.name} {self.settings.board} {self.settings.pin}"

    def _keep(self) -> None:
        angle = self._horn.angle_deg
        if angle is None:
            self._kept.save({})
        else:
            self._kept.save({"pin": self._place(), "angle": angle, "pulse_us": self._horn.pulse_us})

    def _plug_in_twin(self, settings: ServoConfig, board: BoardPins) -> None:
        world = getattr(self.host, "world", None)
        wire = board.wire_of(settings.pin) if board.host is not None else None
        if world is not None and wire is not None:
            kind = ServoKind(self._horn.geometry.angle_deg, settings.slew_deg_per_s)
            with world.held():
                world.servo_on(wire, kind)
