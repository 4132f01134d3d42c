"""Sources of counted pulses for tests."""

from pi_drivers.buses.gpio.contract import Pulses


class Listed:
    """A source of counted pulses that is known from the beginning."""

    def __init__(self, *packets: Pulses) -> None:
        self._packets = list(packets)

    def next_pulses(self) -> Pulses | None:
        return self._packets.pop(0) if self._packets else None


class Endless:
    """A source that goes on until it is told to end."""

    def __init__(self, packet: Pulses) -> None:
        self._packet = packet
        self.ended = False
        self.handed_out = 0

    def next_pulses(self) -> Pulses | None:
        if self.ended:
            return None
        self.handed_out += self._packet.number
        return self._packet
