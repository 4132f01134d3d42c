"""A device that speaks of its own accord over a simulated serial line: a GPS receiver, an Arduino.

It has been speaking since long before anybody listens: whoever opens its port hears the rest of a line first.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pi_drivers.world.serial_line import SerialDevice

if TYPE_CHECKING:
    from pi_drivers.world.world import World

LOST_OF_THE_FIRST = 0.6
"""The share of what is being said that is over when somebody begins to listen."""


class Talker(SerialDevice):
    """Says something again and again. Used under the world's lock."""

    def __init__(self, world: "World", path: str, baud: int, interval_ns: int, say: Callable[[int], bytes]) -> None:
        """Begin to speak; plug it in at once.

        Args:
            world: its surroundings.
            path: of the port it is to be plugged into.
            baud: bits per second.
            interval_ns: from one time to the next.
            say: what it says at a time, line ends included.
        """
        self.baud = baud
        self.say = say
        self.interval_ns = interval_ns
        self.heard = bytearray()
        self._world = world
        self._line = world.serial(path)
        self._is_first = True
        world.clock.at(world.clock.now_ns(), self._speak)

    def received(self, data: bytes) -> None:
        self.heard += data

    def _speak(self) -> None:
        if self._line.device is not self:
            return  # something else was plugged in: nobody hears it ever again
        now_ns = self._world.clock.now_ns()
        said = self.say(now_ns)
        self._line.send(said[int(LOST_OF_THE_FIRST * len(said)) :] if self._is_first else said)
        self._is_first = False
        self._world.clock.at(now_ns + self.interval_ns, self._speak)
