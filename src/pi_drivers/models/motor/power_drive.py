"""A motor's bridge as its motions see it: power in the user's direction, within the limits, shaped as configured.

Everything that powers the motor comes through here, so that no motion can forget a limit. On a board of this process
nothing here ever suspends: the pins have changed when a call returns.
"""

import math
from typing import TYPE_CHECKING

from pi_drivers.host.contract import MILLISECOND, Host
from pi_drivers.models.motor.bridge import Bridge
from pi_drivers.models.motor.power_shaper import PowerShaper

if TYPE_CHECKING:
    from pi_drivers.models.motor.dc_motor_config import DcMotorConfig


class PowerDrive:
    """The power of one motor. `make_safe` may be called from any thread, all else belongs to the event loop."""

    def __init__(self, bridge: Bridge, settings: "DcMotorConfig", host: Host) -> None:
        """Args: bridge: what is driven. settings: the limits. host: its clock times the ramp and the delay."""
        self.bridge = bridge
        self._settings = settings
        self._host = host
        self._shaper = PowerShaper(settings.ramp_ms * MILLISECOND, settings.reverse_delay_ms * MILLISECOND)

    @property
    def power(self) -> float:
        """The power that is on, -1 to 1."""
        return self._flipped(self.bridge.power)

    @property
    def direction(self) -> int:
        """Where the shaft is driven, or was driven last: 1, -1, and 0 before there was any power."""
        last = self._flipped(self.bridge.last_power)
        return (last > 0) - (last < 0)

    @property
    def last_turn(self) -> tuple[float, int]:
        """Where the pins drove last, 1 or -1, or 0 before there was any power; and since when it is off, in ns."""
        direction, off_since_ns = self._shaper.last_turn
        return self._flipped(direction), off_since_ns

    def resume(self, direction: float, off_since_ns: int) -> None:
        """Take over a shaft that another one drove last, as `last_turn` has it."""
        self._shaper.resume(self._flipped(direction), off_since_ns)

    async def step(self, power: float) -> bool:
        """Go towards a power as far as ramp and delay allow now; returns whether it is reached.

        Raises: BusError, SupersededError: as `Bridge.drive` does.
        """
        wanted = self.limited(power)
        shaped = self._shaper.step(wanted, self._now_ns())
        if wanted == shaped == 0.0:
            await self.rest()
        else:
            await self.bridge.drive(self._flipped(self.limited(shaped)))
        return shaped == wanted

    async def apply(self, power: float) -> float:
        """Apply what a closed loop wants, which finds the least power that moves by itself; returns what was applied.

        Raises: BusError, SupersededError: as `Bridge.drive` does.
        """
        allowed = self._shaper.allowed(power, self._now_ns())
        await self.bridge.drive(self._flipped(allowed))
        return allowed

    async def rest(self) -> None:
        """Take the power away, and brake if that is how this motor stops. Raises: as `Bridge.drive` does."""
        if self._settings.stop_mode == "brake" and not self.bridge.locked:
            await self.brake()
            return
        self._shaper.off(self._host.now_ns())
        await self.bridge.drive(0.0)

    async def brake(self) -> None:
        """Short the motor's terminals. Raises: UnsupportedError, BusError, SupersededError: as `Bridge.brake` does."""
        await self.bridge.brake()
        self._shaper.off(self._host.now_ns())

    def make_safe(self) -> None:
        """Take the power away at once; synchronous, idempotent, never raises."""
        self.bridge.make_safe()
        self._shaper.off(self._host.now_ns())

    def limited(self, power: float) -> float:
        """A power within the motor's limits: lifted to the least, cut at the most, and 0 stays 0."""
        if power == 0.0:
            return 0.0
        size = min(self._settings.max_power_pct, max(self._settings.min_power_pct, abs(power)))
        return math.copysign(size, power)

    def _now_ns(self) -> int:
        now_ns = self._host.now_ns()
        if self.bridge.power == 0.0:
            self._shaper.off(now_ns)  # a failure, or make-safe, may have taken the power away
        return now_ns

    def _flipped(self, power: float) -> float:
        """Between the user's direction and the bridge's; `dir_flip` is its own inverse."""
        return -power if self._settings.dir_flip and power else power + 0.0  # never -0.0
