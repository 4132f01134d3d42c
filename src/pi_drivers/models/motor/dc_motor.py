"""Brushed DC motors on an H-bridge: by power, and with an encoder by speed and position.

A motor must never run on after whoever started it has gone. Every motion belongs to an operation that takes the power
away when its caller is cancelled, superseded or cut off; closing, the death of the server and the end of the process do
the same, and none of them waits for anything.
"""

import math
from collections.abc import Mapping
from typing import Any

from viam.components.motor import Motor
from viam.utils import ValueTypes

from pi_drivers.errors import ArgumentError, UnsupportedError
from pi_drivers.models.base import Dependencies, HardwareModel, sibling_of
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.encoder.port import encoder_port
from pi_drivers.models.motor.arguments import MotorArguments
from pi_drivers.models.motor.control import MotorControl
from pi_drivers.models.motor.dc_motor_config import DcMotorConfig
from pi_drivers.models.motor.memory import MotorMemory
from pi_drivers.models.motor.motions import Motions
from pi_drivers.models.motor.power_drive import PowerDrive
from pi_drivers.models.motor.shaft import Shaft, Travel
from pi_drivers.models.motor.tuning import KeptTuning, as_answer
from pi_drivers.models.motor.twin import plug_in_motor
from pi_drivers.models.motor.wiring import take_bridge
from pi_drivers.models.pins import pins_of_board
from pi_drivers.runtime.kept_state import KeptState
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.runtime.sparing_log import SparingLog

MOST_TUNING_REVOLUTIONS = 50.0


class DcMotor(HardwareModel[DcMotorConfig], Motor):
    """Brushed DC motor on an H-bridge: power, and with an encoder speed and position."""

    CONFIG = DcMotorConfig

    def _open(self, settings: DcMotorConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        self._remote_pins = board.host is None
        self._shaft = self._open_shaft(settings, dependencies)
        bridge = take_bridge(board, settings, self.holder, self.lifecycle)
        plug_in_motor(self.host, board, settings, self.name)
        self._drive = PowerDrive(bridge, settings, self.host)
        self._tuned = self._kept_tuning(settings)
        self._motions = Motions(
            self.label, self.logger, self.host, settings, self._drive, self._shaft, self._tuned,
            remote_pins=self._remote_pins,
        )  # fmt: skip
        self._arguments = MotorArguments(self.label, SparingLog(self.logger, self.host), settings.max_rpm)
        self._control = MotorControl(
            self.label, self.logger, self.host, settings.command_timeout_ms, self._drive, self._motions, self.check_open
        )
        self._tell_encoder(settings, dependencies)
        memory = MotorMemory(self.key, self._drive, self._motions.watch)
        memory.restore()
        self.lifecycle.push("remember how it was left", memory.keep)
        self.lifecycle.push("leave the safety register", SAFETY.add(self.label, bridge.lock_off))
        self.lifecycle.push("stop", self._control.end, self._control.operation.ended)
        bridge.make_safe()

    async def ready(self) -> None:
        if self._remote_pins:
            await self._drive.bridge.drive(0.0)

    async def set_power(
        self, power: float, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Apply a share of the supply voltage, -1 to 1; up to 0.01 stops.

        Raises:
            ArgumentError: NaN, outside -1 to 1, or outwards at a soft limit; what ran before runs on.
            StallError: the motor stalled, and nobody has cleared the fault.
            BusError: a pin could not be written; the motor was switched off.
        """
        self.check_open()
        await self._control.apply("set_power", self._arguments.power(power))

    async def go_for(
        self,
        rpm: float,
        revolutions: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn so many revolutions and stop; ends when done. Its direction is the sign of rpm * revolutions.

        With an encoder it ends within `position_tolerance_ticks`; without, it runs for the time this takes.

        Raises:
            ArgumentError: 0 revolutions, nearly 0 rpm, a number that is none, or a target beyond a soft limit.
            SupersededError: a newer command took over.
            StallError, MotionTimeoutError: the shaft did not follow; the motor was stopped.
            BusError: a pin or the encoder does not answer; the motor was stopped.
        """
        self.check_open()
        speed = self._arguments.move_rpm(rpm)
        distance = math.copysign(self._arguments.revolutions(revolutions), revolutions * speed)
        if self._shaft is None:
            free_rpm = self._free_rpm()
            power = math.copysign(abs(speed) / free_rpm, distance)
            await self._control.run("go_for", lambda: self._motions.run_for_time(power, free_rpm, distance))
            return
        target = await self._shaft.target_after(distance)
        await self._control.run("go_for", lambda: self._motions.move_to(target, abs(speed)))

    async def go_to(
        self,
        rpm: float,
        position_revolutions: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn to a position, in revolutions from zero, whatever the sign of rpm; ends when there.

        Raises:
            UnsupportedError: the motor has no encoder.
            Others: as `go_for`.
        """
        self.check_open()
        shaft = self._motions.require_encoder("go_to")
        speed = abs(self._arguments.move_rpm(rpm))
        target = await shaft.target(self._arguments.size("position", position_revolutions))
        await self._control.run("go_to", lambda: self._motions.move_to(target, speed))

    async def set_rpm(
        self, rpm: float, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Turn at a speed until told otherwise; 0 stops. With an encoder the speed is held.

        Raises:
            ArgumentError: a number that is none, or outwards at a soft limit.
            StallError: the motor stalled, and nobody has cleared the fault.
            BusError: a pin could not be written, or the encoder not be read; the motor was switched off.
        """
        self.check_open()
        if rpm == 0:
            await self.stop()
            return
        speed = self._arguments.rpm(rpm)
        if self._shaft is None:
            await self._control.apply("set_rpm", speed / self._free_rpm())
            return
        await self._control.hold_speed(speed)

    async def stop(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Take the power away at once, and end whatever moves the motor; then brake, where `stop_mode` says so."""
        await self._control.stop(self._drive.rest)

    async def reset_zero_position(
        self, offset: float, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Make the present position -`offset` revolutions; soft limits count from the new zero.

        Raises:
            UnsupportedError: the motor has no encoder.
            ArgumentError: a number that is none.
        """
        shaft = self._motions.require_encoder("reset_zero_position")
        await shaft.reset_zero(self._arguments.size("offset", offset))

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """Revolutions from zero.

        Raises:
            UnsupportedError: the motor has no encoder.
            BusError: the encoder does not answer.
        """
        return await self._motions.require_encoder("Position").revolutions()

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Motor.Properties:
        """Position is reported with an encoder only."""
        return Motor.Properties(position_reporting=self._shaft is not None)

    async def is_powered(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[bool, float]:
        """Whether there is power, and how much, -1 to 1. A motor that brakes has none."""
        power = self._drive.power
        return power != 0.0, power

    async def is_moving(self) -> bool:
        """Whether there is power, or a motion under way."""
        return self._drive.power != 0.0 or self._control.operation.running is not None

    def direction_now(self) -> int:
        """Where the shaft is driven, or was driven last: 1 as `set_power(1)` does, -1, and 0 before any power."""
        return self._drive.direction

    @command("brake", "Stop at once and short the motor's terminals, until the next command.")
    async def _brake(self, _request: Arguments) -> Mapping[str, Any]:
        if not self._drive.bridge.can_brake:
            await self._drive.brake()  # says why it cannot; nothing was stopped
        await self._control.stop(self._drive.brake)
        return {"braking": True}

    @command("clear_fault", "Let a motor that has stalled (stall_ms) move again, and forget its last failure.")
    async def _clear_fault(self, _request: Arguments) -> Mapping[str, Any]:
        cleared = self._motions.watch.fault
        self._motions.watch.fault = None
        self._control.operation.failure = None
        return {"cleared": cleared or "none"}

    @command(
        "tune",
        "Turn at half power for some seconds, 10 at the most, and find the gains p, i and d of the speed controller; "
        "they are used where control_parameters has none. The shaft turns no further than max_revolutions "
        f"[{MOST_TUNING_REVOLUTIONS:g}].",
        example={"max_revolutions": 20},
        optional=("max_revolutions",),
    )
    async def _tune(self, request: Arguments) -> Mapping[str, Any]:
        self._motions.require_encoder("tune")
        most = request.get("max_revolutions", MOST_TUNING_REVOLUTIONS)
        if isinstance(most, bool) or not isinstance(most, int | float) or not most > 0:
            raise ArgumentError(f"{self.label}: max_revolutions must be a number above 0, got {most!r}")
        room = self._arguments.size("max_revolutions", most)
        return as_answer(await self._control.run("tune", lambda: self._motions.tune(room)))

    @command("get_tuned_pid", "The gains that `tune` found, with the ultimate gain and period (s) of its experiment.")
    async def _get_tuned_pid(self, _request: Arguments) -> Mapping[str, Any]:
        self._motions.require_encoder("get_tuned_pid")
        return self._tuned.answer()

    def _status(self) -> dict[str, ValueTypes]:
        pins = {name: pin for name, pin in self.settings.pins.model_dump().items() if pin is not None}
        bridge = self._drive.bridge
        status: dict[str, ValueTypes] = {"pins": pins, "power": self._drive.power, "braking": bridge.braking}
        status["motion"] = self._control.motion or "none"
        if self.settings.command_timeout_ms:
            status["command_timeouts"] = self._control.watchdog.expired
        if bridge.unconfirmed:
            status["waits_for"] = "the board to confirm that the motor is off"
        if self._motions.watch.fault is not None:
            status["fault"] = self._motions.watch.fault
            status["waits_for"] = "the command clear_fault"
        if self._control.operation.failure is not None:
            status["last_failure"] = str(self._control.operation.failure)
        return status

    def _open_shaft(self, settings: DcMotorConfig, dependencies: Dependencies) -> Shaft | None:
        if settings.encoder is None:
            return None
        encoder = encoder_port(settings.encoder, dependencies, self.label, self.host)
        limits = settings.soft_limits
        low, high = (limits.min_rev, limits.max_rev) if limits else (None, None)
        travel = Travel(-math.inf if low is None else low, math.inf if high is None else high)
        kept = KeptState(self.key, on_disk=False)
        return Shaft(
            self.label, encoder, settings.ticks_per_rotation or 1, kept, travel, settings.position_tolerance_ticks
        )

    def _kept_tuning(self, settings: DcMotorConfig) -> KeptTuning:
        meaning = settings.model_dump(
            include={"max_rpm", "max_power_pct", "encoder", "ticks_per_rotation", "pins", "pwm_freq"}
        )
        return KeptTuning(self.label, KeptState((self.key[0], f"{self.name} tuning"), on_disk=True), meaning)

    def _tell_encoder(self, settings: DcMotorConfig, dependencies: Dependencies) -> None:
        """An encoder of a single phase does not know the direction, and asks its motor."""
        if settings.encoder is None or self._shaft is None:
            return
        follow = getattr(sibling_of(("encoder", settings.encoder), dependencies, self.label), "follow_direction", None)
        if follow is not None:
            self._shaft.follows_power = True
            self.lifecycle.push("let the encoder go", follow(self.direction_now))

    def _free_rpm(self) -> float:
        if self.settings.max_rpm is None:
            raise UnsupportedError(f"{self.label}: a speed needs max_rpm or an encoder")
        return self.settings.max_rpm
