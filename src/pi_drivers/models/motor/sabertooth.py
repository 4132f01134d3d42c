"""Motors on a Sabertooth: a driver for big motors that takes commands over a serial line and never says a word.

What is known of such a motor is what it was told, so the power reported is the power sent, in the driver's own steps of
1/127. Speeds and distances are reckoned from it and from the time. How a motor is kept from running on when nobody
commands it any more is told in `sabertooth_channel`.
"""

import math
from collections.abc import Mapping
from typing import Any, Never

from viam.components.motor import Motor
from viam.utils import ValueTypes

from pi_drivers.errors import SupersededError, UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.motor.arguments import MotorArguments
from pi_drivers.models.motor.sabertooth_channel import SabertoothChannel
from pi_drivers.models.motor.sabertooth_config import SabertoothConfig
from pi_drivers.models.motor.sabertooth_packets import FULL_POWER, stop_packets
from pi_drivers.models.motor.sabertooth_ramp import Ramp
from pi_drivers.models.motor.sabertooth_twin import plug_in_sabertooth
from pi_drivers.models.motor.watchdog import CommandWatchdog
from pi_drivers.runtime.keeper import BytesTo, Forget, keep_for
from pi_drivers.runtime.operation import Operation
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.runtime.sparing_log import SparingLog


class Sabertooth(HardwareModel[SabertoothConfig], Motor):
    """Brushed DC motor on a Sabertooth driver, commanded over a serial port."""

    CONFIG = SabertoothConfig

    def _open(self, settings: SabertoothConfig, dependencies: Dependencies) -> None:
        self._arguments = MotorArguments(self.label, SparingLog(self.logger, self.host), settings.max_rpm)
        self._take_channel(settings)
        plug_in_sabertooth(self.host, settings, self.name)
        part = self.host.serial(settings.serial_path, settings.baud_rate, self.holder("serial_path"), share=True)
        self.lifecycle.push("leave the port", part.leave)
        self._channel = SabertoothChannel(self.host, part, settings.address, settings.channel, self.label, self.logger)
        self._ramp = Ramp(self.host, self._channel, settings.ramp_ms * MILLISECOND, settings.baud_rate)
        self._operation = Operation(self.label, self.logger, self._channel.make_safe)
        self._watchdog = CommandWatchdog(
            self.label, self.logger, self.host, settings.command_timeout_ms, self._nobody_commands
        )
        self._applied = "none"
        self._keep(settings)
        self.lifecycle.push("repeat nothing", self._channel.release, self._channel.released)
        self.lifecycle.push("leave the safety register", SAFETY.add(self.label, self._channel.lock_off))
        self.lifecycle.push("stop", self._stop_for_good, self._operation.ended)
        self._channel.begin()

    async def set_power(
        self,
        power: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Apply a share of the supply voltage, -1 to 1; up to 0.01 stops. With `ramp_ms`, little by little.

        Raises:
            ArgumentError: NaN, or outside -1 to 1; what ran before runs on.
            BusError: the port fails; the driver stops its motors by itself.
        """
        self.check_open()
        await self._turn("set_power", self._step_for(self._arguments.power(power)))

    async def go_for(
        self,
        rpm: float,
        revolutions: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Run for the time that so many revolutions take, and stop. Its direction is the sign of rpm * revolutions.

        Raises:
            UnsupportedError: there is no `max_rpm`.
            ArgumentError: 0 revolutions, nearly 0 rpm, or a number that is none.
            SupersededError: a newer command took over.
            BusError: the port fails; the driver stops its motors by itself.
        """
        self.check_open()
        speed = self._arguments.move_rpm(rpm)
        revolutions = self._arguments.revolutions(revolutions)
        step = self._step_for(math.copysign(self._power_for(abs(speed)), speed * revolutions))
        full_turns_ns = round(abs(revolutions) / (self._max_rpm() / 60) * SECOND)
        self._watchdog.rest()
        await self._operation.run("go_for", lambda: self._ramp.run(step, full_turns_ns))
        self._operation.failure = None

    async def go_to(
        self,
        rpm: float,
        position_revolutions: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Raises: UnsupportedError: always; the motor does not know its position."""
        self._has_no_position("go_to")

    async def set_rpm(
        self,
        rpm: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Turn at a speed until told otherwise; 0 stops. The slowest there is, is 1/127 of `max_rpm`.

        Raises:
            UnsupportedError: there is no `max_rpm`.
            ArgumentError: a number that is none.
            BusError: the port fails; the driver stops its motors by itself.
        """
        self.check_open()
        if rpm == 0:
            await self.stop()
            return
        await self._turn("set_rpm", self._step_for(self._power_for(self._arguments.rpm(rpm))))

    async def stop(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Take the power away at once, without a ramp, and end whatever moves the motor.

        Raises:
            BusError: the port fails; the driver stops its motors by itself, and is told to once the port is back.
        """
        self._watchdog.rest()
        self._channel.make_safe()
        if self.lifecycle.closed:
            return
        try:
            await self._operation.take_over("stop")
        except SupersededError:
            return  # a newer command came while the older one ended; the motor was stopped in between
        self._channel.check_reached()

    async def reset_zero_position(
        self,
        offset: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Raises: UnsupportedError: always; the motor does not know its position."""
        self._has_no_position("reset_zero_position")

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """Raises: UnsupportedError: always; the motor does not know its position."""
        self._has_no_position("Position")

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Motor.Properties:
        """Position is never reported."""
        return Motor.Properties(position_reporting=False)

    async def is_powered(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[bool, float]:
        """Whether there is power, and how much was told, -1 to 1; while the port fails, what there may still be."""
        power = self._power()
        return power != 0.0, power

    async def is_moving(self) -> bool:
        """Whether there is power, or a motion under way."""
        return self._channel.power != 0 or self._operation.running is not None

    @command("wake", "Stop, and tell the driver its speed and timeout anew: after it alone was switched off and on.")
    async def _wake(self, request: Arguments) -> Mapping[str, Any]:
        await self.stop()
        self._channel.begin()
        return {}

    def _status(self) -> dict[str, ValueTypes]:
        settings = self.settings
        status: dict[str, ValueTypes] = {
            "serial_path": settings.serial_path,
            "baud_rate": settings.baud_rate,
            "address": settings.address,
            "channel": settings.channel,
            "power": self._power(),
            "motion": self._operation.running or (self._applied if self._channel.power else "none"),
            "failures": self._channel.failures,
            "command_timeouts": self._watchdog.expired,
        }
        if self._channel.trouble is not None:
            status["waits_for"] = f"the port, to tell the motor to stop: {self._channel.trouble}"
        if self._operation.failure is not None:
            status["last_failure"] = str(self._operation.failure)
        return status

    def _take_channel(self, settings: SabertoothConfig) -> None:
        place = self.host.serial_place(settings.serial_path)
        thing = f"channel {settings.channel} of the Sabertooth with address {settings.address} on {place}"
        self.lifecycle.push("give back the channel", self.host.claims.take(thing, self.holder("channel")))

    def _keep(self, settings: SabertoothConfig) -> None:
        """Have somebody else tell the motor to stop, should this process be killed."""
        data = stop_packets(settings.address, settings.channel)
        forget = keep_for(self.host.name)(BytesTo(settings.serial_path, settings.baud_rate, data))
        self.lifecycle.push("leave the keeper", lambda: self._forget_if_stopped(forget))

    def _forget_if_stopped(self, forget: Forget) -> None:
        if self._channel.trouble is None:
            forget()

    async def _turn(self, what: str, step: int) -> None:
        """Bring the motor to a power, for nobody who waits for its end."""
        if self._ramp.is_none:
            await self._operation.take_over(what)
            self.check_open()
            await self._channel.drive(step)
            self._applied = what
        else:
            self._channel.check()
            self._applied = what
            await self._operation.start(what, lambda: self._ramp.to(step))
        if step:
            self._watchdog.watch()
        else:
            self._watchdog.rest()

    def _step_for(self, power: float) -> int:
        """A power in the driver's steps, within the motor's limits; 0 is off, and nothing else is."""
        if power == 0.0:
            return 0
        low, high = self.settings.min_power_pct, self.settings.max_power_pct
        nearest = round(max(low, abs(power)) * FULL_POWER)
        size = max(1, min(nearest, int(high * FULL_POWER)))
        forward = (power > 0) is not self.settings.dir_flip
        return size if forward else -size

    def _power(self) -> float:
        power = self._channel.power / FULL_POWER
        return -power if self.settings.dir_flip and power else power

    def _power_for(self, rpm: float) -> float:
        return rpm / self._max_rpm()

    def _max_rpm(self) -> float:
        if self.settings.max_rpm is None:
            raise UnsupportedError(f"{self.label}: a speed needs max_rpm: set it to the motor's speed at full power")
        return self.settings.max_rpm

    def _has_no_position(self, what: str) -> Never:
        raise UnsupportedError(f"{self.label} has no encoder, so it does not know its position ({what} Unimplemented)")

    def _nobody_commands(self) -> None:
        self._channel.make_safe()
        self._operation.abandon()

    def _stop_for_good(self) -> None:
        self._watchdog.rest()
        self._channel.lock_off()
        self._operation.abandon()
