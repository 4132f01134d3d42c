"""Stepper motors: every step counted, ramps up and down, and a position that is what was sent.

A stepper has no sensor, so its position is right as long as no step is lost and none is guessed. Whoever goes away
while it turns, it comes to a stand along its ramp, and knows where. Only the end of the process cuts it off.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from viam.components.motor import Motor
from viam.utils import ValueTypes

from pi_drivers.errors import ArgumentError, ClosedError, UnsupportedError
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.motor.arguments import MotorArguments
from pi_drivers.models.motor.homing import Homing
from pi_drivers.models.motor.step_drive import StepDrive
from pi_drivers.models.motor.step_plan import SLOWEST
from pi_drivers.models.motor.stepper_config import StepperConfig
from pi_drivers.models.motor.stepper_motions import StepperMotions
from pi_drivers.models.motor.stepper_pins import PinTaker, top_rpm_on
from pi_drivers.models.motor.stepper_position import StepperPosition
from pi_drivers.models.motor.stepper_twin import plug_in_stepper
from pi_drivers.models.motor.watchdog import CommandWatchdog
from pi_drivers.models.pins import BoardPins, InputPins, pins_of_board
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.runtime.sparing_log import SparingLog

CLOSE_WITHIN_S = 0.3
"""How long the motor may go on along its ramp while it is closed."""
CLOSE_PATIENCE_S = 0.4
"""How long closing waits for the motor to stand, before it is cut off."""


class Stepper(HardwareModel[StepperConfig], Motor):
    """Stepper motor on a step/dir driver or four coils, its steps counted."""

    CONFIG = StepperConfig

    def _open(self, settings: StepperConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        self._closing: asyncio.Task[None] | None = None
        self._position = StepperPosition(self.key, settings.steps_per_rotation)
        top_rpm = top_rpm_on(board, settings, self.label)
        self._arguments = MotorArguments(self.label, SparingLog(self.logger, self.host), top_rpm)
        self._drive = self._take_pins(board, settings)
        self._homing = self._take_switch(board, settings)
        plug_in_stepper(self.host, board, settings, self.name)
        self._motions = StepperMotions(self.label, self.logger, self._drive, self._position, self.check_open)
        self._watchdog = CommandWatchdog(
            self.label, self.logger, self.host, settings.command_timeout_ms, self._motions.halt
        )
        self.lifecycle.push("leave the safety register", SAFETY.add(self.label, self._drive.lock_off))
        self.lifecycle.push("stop", self._stop_for_good, self._motions.operation.ended)

    async def close(self) -> None:
        """Come to a stand, quickly, then let go of everything: so the position is known to the step."""
        if self._closing is None and not self.lifecycle.closed:
            self._watchdog.rest()
            self._drive.halt(CLOSE_WITHIN_S)
            self._motions.operation.abandon()
            self._closing = asyncio.get_running_loop().create_task(self._drive.stands(), name=f"{self.label}: standing")
        if self._closing is not None:
            await asyncio.wait({self._closing}, timeout=CLOSE_PATIENCE_S)
            self._closing.cancel()
        await super().close()

    def check_open(self) -> None:
        """Raises: ClosedError: the motor was closed, or is just being."""
        super().check_open()
        if self._closing is not None:
            raise ClosedError(f"{self.label} is being closed")

    async def set_power(
        self,
        power: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn at a share of the top speed, -1 to 1, until told otherwise; up to 0.01 stops.

        Raises:
            ArgumentError: NaN, or outside -1 to 1; what ran before runs on.
            UnsupportedError: the config has no top speed.
            BusError: a pin could not be written; the motor stands.
        """
        self.check_open()
        power = self._arguments.power(power)
        if power == 0.0:
            await self.stop()
            return
        max_rpm = self.settings.chosen_max_rpm
        if max_rpm is None:
            raise UnsupportedError(
                f"{self.label}: power is a share of its top speed: set max_rpm or stepper_delay_usec"
            )
        await self._spin("set_power", power * max_rpm)

    async def go_for(
        self,
        rpm: float,
        revolutions: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn so many revolutions, to the nearest step, the way rpm * revolutions has its sign; ends when it stands.

        Raises:
            ArgumentError: 0 revolutions or less than half a step, nearly 0 rpm, or a number that is none.
            SupersededError: a newer command took over; the motor came to a stand before.
            BusError: a pin could not be written; the motor stands.
        """
        self.check_open()
        speed = self._arguments.move_rpm(rpm)
        revolutions = self._arguments.revolutions(revolutions)
        steps = round(math.copysign(revolutions, speed * revolutions) * self._position.steps_per_rotation)
        if steps == 0:
            a_turn = self._position.steps_per_rotation
            raise ArgumentError(f"{self.label}: {revolutions:g} revolutions are less than half a step of 1/{a_turn}")
        self._watchdog.rest()
        await self._motions.move_by(steps, self._pace(speed))

    async def go_to(
        self,
        rpm: float,
        position_revolutions: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn to a position, in revolutions from zero, whatever the sign of rpm; ends when it stands.

        Raises: as `go_for` does, but that being there already is no error.
        """
        self.check_open()
        speed = self._pace(self._arguments.move_rpm(rpm))
        position = self._arguments.size("position", position_revolutions)
        if self._drive.unsure:
            self.logger.warning(
                "%s: its position may be off by %d steps until it is homed or zeroed", self.label, self._drive.unsure
            )
        self._watchdog.rest()
        await self._motions.move_to(position, speed)

    async def set_rpm(
        self,
        rpm: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn at a speed until told otherwise; 0 stops. A new speed in the same direction is reached without a stop.

        Raises:
            ArgumentError: a number that is none, or less than a step in an hour; what ran before runs on.
            BusError: a pin could not be written; the motor stands.
        """
        self.check_open()
        if rpm == 0:
            await self.stop()
            return
        await self._spin("set_rpm", self._arguments.rpm(rpm))

    async def stop(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Come to a stand, along the ramp if there is one; ends when it stands."""
        self._watchdog.rest()
        if not self.lifecycle.closed:
            await self._motions.stop()

    async def reset_zero_position(
        self,
        offset: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Make the present position -`offset` revolutions. Raises: ArgumentError: a number that is none."""
        self.check_open()
        self._position.zero_here(self._arguments.size("offset", offset))

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """Revolutions from zero, by the steps sent."""
        return self._position.revolutions()

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Motor.Properties:
        """Position is reported."""
        return Motor.Properties(position_reporting=True)

    async def is_powered(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[bool, float]:
        """Whether it turns or is held, and at which share of its top speed, -1 to 1; where that is unknown, ±1."""
        speed = self._drive.speed
        max_rpm = self.settings.chosen_max_rpm
        share = math.copysign(1.0, speed) if speed else 0.0
        if max_rpm is not None:
            share = max(-1.0, min(1.0, self._rpm(speed) / max_rpm))
        held = self.settings.hold_torque and self._drive.energised
        return self._drive.moving or held, share

    async def is_moving(self) -> bool:
        """Whether steps are still to come, or a motion is under way."""
        return self._drive.moving or self._motions.operation.running is not None

    @command("home", "Turn to the home switch; the step at which it becomes active is position 0.")
    async def _home(self, request: Arguments) -> Mapping[str, Any]:
        if self._homing is None:
            raise UnsupportedError(f'{self.label} has no switch to look for: set "home" with its pin')
        self._watchdog.rest()
        was = await self._motions.find_home(self._homing)
        return {"position": 0.0, "was": was}

    def _status(self) -> dict[str, ValueTypes]:
        drive = self._drive
        pins = {name: pin for name, pin in self.settings.pins.model_dump().items() if pin is not None}
        status: dict[str, ValueTypes] = {
            "pins": pins,
            "position": self._position.revolutions(),
            "steps_per_rotation": self._position.steps_per_rotation,
            "speed_rpm": self._rpm(drive.speed),
            "motion": self._motions.operation.running or "none",
            "energised": drive.energised,
            "position_unsure_by_steps": drive.unsure,
            "command_timeouts": self._watchdog.expired,
        }
        if drive.unconfirmed:
            status["waits_for"] = "the board to confirm that the motor's current is off"
        if self._motions.operation.failure is not None:
            status["last_failure"] = str(self._motions.operation.failure)
        return status

    def _take_pins(self, board: BoardPins, settings: StepperConfig) -> StepDrive:
        place = self._position.kept_steps * (-1 if settings.dir_flip else 1)
        way = PinTaker(board, settings, self.holder, self.lifecycle).way(self.host, self.name, self.logger, place)
        acceleration = self._steps_per_s(settings.acceleration_rpm_per_s or 0.0)
        drive = StepDrive(
            self.label, self.logger, self.host, way, acceleration, hold=settings.hold_torque, flip=settings.dir_flip
        )
        self._position.of(drive)
        return drive

    def _take_switch(self, board: BoardPins, settings: StepperConfig) -> Homing | None:
        if settings.home is None:
            return None
        switch: InputPins = board.inputs([settings.home.pin], self.holder("home.pin"), self.lifecycle)
        return Homing(self.label, self._drive, switch, settings.home, self._position.steps_per_rotation)

    async def _spin(self, what: str, rpm: float) -> None:
        await self._motions.spin(what, self._pace(rpm), forward=rpm > 0)
        self._watchdog.watch()

    def _pace(self, rpm: float) -> float:
        """Steps per second, whichever way. Raises: ArgumentError: hardly any."""
        steps_per_s = self._steps_per_s(abs(rpm))
        if steps_per_s < SLOWEST:
            raise ArgumentError(
                f"{self.label}: Cannot move motor at an RPM that is nearly 0: {rpm:g} is less than a step in an hour"
            )
        return steps_per_s

    def _rpm(self, steps_per_s: float) -> float:
        return steps_per_s / self._position.steps_per_rotation * 60

    def _steps_per_s(self, rpm: float) -> float:
        return rpm / 60 * self._position.steps_per_rotation

    def _stop_for_good(self) -> None:
        self._watchdog.rest()
        self._drive.rest()
        self._drive.lock_off()
        self._position.save()
        self._motions.operation.abandon()
