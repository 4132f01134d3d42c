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

from pi_drivers.errors import ArgumentError, SupersededError, UnsupportedError
from pi_drivers.host.contract import SECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.board.header_pins import DEFAULT_PWM_HZ
from pi_drivers.models.encoder.port import EncoderPort, encoder_port
from pi_drivers.models.motor.bridge import Bridge, DirectionPwmBridge, TwoInputBridge, TwoInputPwmBridge
from pi_drivers.models.motor.closed_loop import ClosedLoop, LoopSettings
from pi_drivers.models.motor.dc_motor_config import DcMotorConfig
from pi_drivers.models.motor.speed import Gains
from pi_drivers.models.motor.twin import plug_in_motor
from pi_drivers.models.pins import BoardPins, OutputPin, pins_of_board
from pi_drivers.runtime.kept_state import KeptState
from pi_drivers.runtime.operation import Operation
from pi_drivers.runtime.safety import SAFETY

ZERO_POWER = 0.01
"""Power up to here means stop, as in Viam's built-in motor."""
NEARLY_ZERO_RPM = 0.1
LARGEST = 1e6
"""The most rpm or revolutions that mean anything."""
CLOSE_TO_MAX = 0.99
RAMP_STEPS_PER_S = 20.0
"""`ramp_rate` is the most the power may grow in one step of the built-in motor's control loop, 20 steps a second."""


class DcMotor(HardwareModel[DcMotorConfig], Motor):
    """Brushed DC motor on an H-bridge: power, and with an encoder speed and position."""

    CONFIG = DcMotorConfig

    def _open(self, settings: DcMotorConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        self._remote_pins = board.host is None
        self._encoder: EncoderPort | None = None
        if settings.encoder is not None:
            self._encoder = encoder_port(settings.encoder, dependencies, self.label, self.host)
        self._bridge = self._take_bridge(board, settings)
        plug_in_motor(self.host, board, settings, self.name)
        self._operation = Operation(self.label, self.logger, self._bridge.make_safe)
        self._kept = KeptState(self.key, on_disk=False)
        self._zero_ticks = float(self._kept.load().get("zero", 0.0))
        self.lifecycle.push("leave the safety register", SAFETY.add(self.label, self._bridge.lock_off))
        self.lifecycle.push("stop", self._stop_for_good, self._operation.ended)
        self._bridge.make_safe()

    async def ready(self) -> None:
        if self._remote_pins:
            await self._bridge.drive(0.0)

    async def set_power(
        self,
        power: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Apply a share of the supply voltage, -1 to 1; up to 0.01 stops.

        Raises:
            ArgumentError: NaN, or outside -1 to 1; what ran before runs on.
            BusError: a pin could not be written; the motor was switched off.
        """
        self.check_open()
        if not -1.0 <= power <= 1.0:
            raise ArgumentError(f"{self.label}: power must be between -1 and 1, got {power}")
        await self._operation.take_over("set_power")
        self.check_open()
        await self._apply(power if abs(power) > ZERO_POWER else 0.0)

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
            ArgumentError: 0 revolutions, nearly 0 rpm, or a number that is none.
            SupersededError: a newer command took over.
            StallError, MotionTimeoutError: the shaft did not follow; the motor was stopped.
            BusError: a pin or the encoder does not answer; the motor was stopped.
        """
        self.check_open()
        speed = self._checked_rpm(rpm)
        self._check_size("revolutions", revolutions)
        if revolutions == 0:
            raise ArgumentError(f"{self.label}: Cannot move motor for 0 revolutions")
        if self._encoder is None:
            await self._operation.run("go_for", lambda: self._run_for_time(speed, revolutions))
            return
        distance = math.copysign(revolutions, revolutions * speed) * self._ticks_per_rotation
        await self._operation.run("go_for", lambda: self._move_by(distance, abs(speed)))

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
        self._require_encoder("go_to")
        speed = abs(self._checked_rpm(rpm))
        self._check_size("position", position_revolutions)
        await self._operation.run("go_to", lambda: self._move_to(position_revolutions, speed))

    async def set_rpm(
        self,
        rpm: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn at a speed until told otherwise; 0 stops. With an encoder the speed is held.

        Raises:
            ArgumentError: a number that is none.
            BusError: a pin could not be written; the motor was switched off.
        """
        self.check_open()
        if rpm == 0:
            await self.stop()
            return
        speed = self._limited_rpm(rpm)
        if self._encoder is None:
            await self._operation.take_over("set_rpm")
            self.check_open()
            await self._apply(self._power_for(speed))
            return
        await self._encoder.sample()  # one that cannot be read is this caller's error, not only a line in the log
        await self._operation.start("set_rpm", lambda: self._loop().hold_speed(self._ticks_per_s(speed)))

    async def stop(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Take the power away at once and end whatever moves the motor."""
        self._bridge.make_safe()
        if self.lifecycle.closed:
            return
        try:
            await self._operation.take_over("stop")
        except SupersededError:
            return  # a newer command came while the older one ended; the motor was stopped in between
        await self._bridge.drive(0.0)

    async def reset_zero_position(
        self,
        offset: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Make the present position -`offset` revolutions.

        Raises:
            UnsupportedError: the motor has no encoder.
            ArgumentError: a number that is none.
        """
        encoder = self._require_encoder("reset_zero_position")
        self._check_size("offset", offset)
        sample = await encoder.sample()
        self._zero_ticks = sample.ticks - sample.zero + offset * self._ticks_per_rotation
        self._kept.save({"zero": self._zero_ticks})

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """Revolutions from zero.

        Raises:
            UnsupportedError: the motor has no encoder.
            BusError: the encoder does not answer.
        """
        encoder = self._require_encoder("Position")
        sample = await encoder.sample()
        return (sample.ticks - sample.zero - self._zero_ticks) / self._ticks_per_rotation

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Motor.Properties:
        """Position is reported with an encoder only."""
        return Motor.Properties(position_reporting=self._encoder is not None)

    async def is_powered(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[bool, float]:
        """Whether there is power, and how much, -1 to 1."""
        power = self._logical(self._bridge.power)
        return power != 0.0, power

    async def is_moving(self) -> bool:
        """Whether there is power, or a motion under way."""
        return self._bridge.power != 0.0 or self._operation.running is not None

    def _status(self) -> dict[str, ValueTypes]:
        pins = {name: pin for name, pin in self.settings.pins.model_dump().items() if pin is not None}
        status: dict[str, ValueTypes] = {"pins": pins, "power": self._logical(self._bridge.power)}
        status["motion"] = self._operation.running or "none"
        if self._bridge.unconfirmed:
            status["waits_for"] = "the board to confirm that the motor is off"
        if self._operation.failure is not None:
            status["last_failure"] = str(self._operation.failure)
        return status

    def _take_bridge(self, board: BoardPins, settings: DcMotorConfig) -> Bridge:
        pins = settings.pins

        def take(name: str, *, safe_high: bool = False) -> OutputPin | None:
            pin = getattr(pins, name)
            if pin is None:
                return None
            return board.output(pin, self.holder(f"pin {name}"), self.lifecycle, safe_high=safe_high)

        # An enable input that is active low is safe when it is high.
        enables = (take("en_high"), take("en_low", safe_high=True))
        kind, names = self._wiring()
        inputs = [pin for pin in map(take, names) if pin is not None]
        return kind(inputs, *enables, settings.pwm_freq or DEFAULT_PWM_HZ)

    def _wiring(self) -> tuple[type[Bridge], tuple[str, ...]]:
        """The kind of bridge, and its inputs in the order it takes them."""
        pins = self.settings.pins
        if pins.dir is not None:
            return DirectionPwmBridge, ("pwm", "dir")
        return (TwoInputBridge, ("a", "b")) if pins.pwm is None else (TwoInputPwmBridge, ("pwm", "a", "b"))

    @property
    def _ticks_per_rotation(self) -> int:
        return self.settings.ticks_per_rotation or 1

    def _ticks_per_s(self, rpm: float) -> float:
        return rpm / 60 * self._ticks_per_rotation

    async def _apply(self, power: float) -> None:
        """Drive the bridge with a power within the motor's limits; 0 is off."""
        low, high = self.settings.min_power_pct, self.settings.max_power_pct
        size = min(high, max(low, abs(power))) if power else 0.0
        await self._bridge.drive(self._logical(math.copysign(size, power)))

    async def _apply_in_loop(self, power: float) -> None:
        """Drive the bridge as a closed loop wants it: it finds the least power that moves by itself."""
        await self._bridge.drive(self._logical(power))

    def _logical(self, power: float) -> float:
        """Between the user's direction and the bridge's; `dir_flip` is its own inverse."""
        return -power if self.settings.dir_flip and power else power + 0.0  # never -0.0

    def _power_for(self, rpm: float) -> float:
        max_rpm = self.settings.max_rpm
        if max_rpm is None:
            raise UnsupportedError(f"{self.label}: a speed needs max_rpm or an encoder")
        return rpm / max_rpm

    def _checked_rpm(self, rpm: float) -> float:
        if abs(rpm) < NEARLY_ZERO_RPM:
            raise ArgumentError(f"{self.label}: Cannot move motor at an RPM that is nearly 0")
        return self._limited_rpm(rpm)

    def _limited_rpm(self, rpm: float) -> float:
        self._check_size("rpm", rpm)
        max_rpm = self.settings.max_rpm
        if max_rpm is None or abs(rpm) < CLOSE_TO_MAX * max_rpm:
            return rpm
        self.logger.warning("%s: %g rpm is close to, or above, its max_rpm of %g", self.label, rpm, max_rpm)
        return math.copysign(min(abs(rpm), max_rpm), rpm)

    def _check_size(self, what: str, value: float) -> None:
        if not abs(value) <= LARGEST:
            raise ArgumentError(f"{self.label}: {what} must be a number of at most {LARGEST:g}, got {value}")

    def _require_encoder(self, what: str) -> EncoderPort:
        if self._encoder is None:
            raise UnsupportedError(
                f"{self.label} has no encoder, so it does not know its position ({what} Unimplemented)"
            )
        return self._encoder

    async def _run_for_time(self, rpm: float, revolutions: float) -> None:
        await self._apply(math.copysign(self._power_for(abs(rpm)), rpm * revolutions))
        # Limits of power are limits of speed: what is applied is what the time is reckoned with.
        reached_rpm = abs(self._bridge.power) * (self.settings.max_rpm or 0.0)
        await self.host.wait(round(abs(revolutions) / (reached_rpm / 60) * SECOND))
        await self._bridge.drive(0.0)

    async def _move_by(self, distance: float, rpm: float) -> None:
        start = (await self._require_encoder("go_for").sample()).ticks
        await self._loop().move_to(start + distance, self._ticks_per_s(rpm))

    async def _move_to(self, position_revolutions: float, rpm: float) -> None:
        sample = await self._require_encoder("go_to").sample()
        target = position_revolutions * self._ticks_per_rotation + self._zero_ticks + sample.zero
        await self._loop().move_to(target, self._ticks_per_s(rpm))

    def _loop(self) -> ClosedLoop:
        settings = self.settings
        encoder = self._require_encoder("a closed loop")
        chosen = settings.control_parameters
        # All zeros ask the built-in motor to find the gains by itself; here the defaults fit.
        gains = Gains(chosen.p, chosen.i, chosen.d) if chosen and (chosen.p or chosen.i or chosen.d) else Gains()
        free_speed = self._ticks_per_s(settings.max_rpm) if settings.max_rpm is not None else None
        loop = LoopSettings(
            self.label,
            gains,
            free_speed,
            settings.max_power_pct,
            settings.ramp_rate * RAMP_STEPS_PER_S,
            settings.position_tolerance_ticks,
        )
        return ClosedLoop(self.host, encoder, self._apply_in_loop, loop, remote=self._remote_pins or encoder.remote)

    def _stop_for_good(self) -> None:
        self._bridge.make_safe()
        self._operation.abandon()
