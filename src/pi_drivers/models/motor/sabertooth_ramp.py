"""Power that grows and falls little by little, so that a heavy machine neither jerks nor asks too much of its battery.

It is done here, step by step, and not by the driver's own ramp: the older drivers have none, the newer ones would keep
it for good and in every mode, and a stop has to be at once.
"""

import math

from pi_drivers.buses.serial.contract import byte_ns
from pi_drivers.host.contract import MILLISECOND, Host
from pi_drivers.models.motor.sabertooth_channel import PACKET_BYTES, SabertoothChannel
from pi_drivers.models.motor.sabertooth_packets import FULL_POWER

FINEST_NS = 20 * MILLISECOND
SHARE = 10
"""A step takes so many times what its packet is on the wire: several motors ramp on one line, and none is late."""


class Ramp:
    """How one motor's power changes. Used on the event loop, by the motion that has the motor."""

    def __init__(self, host: Host, channel: SabertoothChannel, full_ns: int, baud: int) -> None:
        """Args: host: its clock counts. channel: the motor. full_ns: from 0 to full power. baud: of its line."""
        self._host = host
        self._channel = channel
        self._full_ns = full_ns
        self._step_ns = max(FINEST_NS, SHARE * PACKET_BYTES * byte_ns(baud))

    @property
    def is_none(self) -> bool:
        """Whether power changes at once."""
        return self._full_ns == 0

    async def to(self, power: int) -> None:
        """Change the power to -127 to 127, through all between. Raises: BusError, ClosedError: it is lost."""
        first, began_ns = self._channel.power, self._host.now_ns()
        duration_ns = self._full_ns * abs(power - first) // FULL_POWER
        while (reached_ns := self._host.now_ns() - began_ns + self._step_ns) < duration_ns:
            await self._channel.drive(first + round((power - first) * reached_ns / duration_ns))
            await self._channel.hold(self._step_ns)
        await self._channel.drive(power)

    async def run(self, power: int, full_turns_ns: int) -> None:
        """Run as far as a motor at full power would in a time, at a power or, if that is too far to reach, at less.

        Ramps count: a motor that speeds up for a second and slows down for a second goes as far in them as in one
        second at its speed.

        Raises:
            BusError, ClosedError: it is lost.
        """
        peak = min(abs(power), self._highest(full_turns_ns))
        hold_ns = full_turns_ns * FULL_POWER // peak - self._full_ns * peak // FULL_POWER
        await self.to(int(math.copysign(peak, power)))
        await self._channel.hold(max(0, hold_ns))
        await self.to(0)

    def _highest(self, full_turns_ns: int) -> int:
        """The power at which ramping up and down alone goes as far."""
        if self.is_none:
            return FULL_POWER
        return max(1, int(FULL_POWER * math.sqrt(full_turns_ns / self._full_ns)))
