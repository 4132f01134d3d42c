"""The simulated Pi's serial ports, standing on the world's lines.

A port is absent until something is plugged into its line. Bytes take their time in both directions, and between unequal
speeds they arrive as garbage.
"""

from typing import NoReturn

from pi_drivers.buses.serial import answers
from pi_drivers.buses.serial.contract import WRITE_MARGIN_NS, SerialPort
from pi_drivers.buses.serial.ranges import check_port, check_read, check_write
from pi_drivers.buses.serial.sending import Sending
from pi_drivers.world.serial_line import KERNEL_BUFFER, OpenPort
from pi_drivers.world.world import World

RETRY_NS = 1_000_000
"""How soon a write into a full buffer looks again."""


class MockSerial(SerialPort):
    """One simulated port."""

    def __init__(self, world: World, path: str, baud: int) -> None:
        check_port(path, baud)
        self._world = world
        self._path = path
        self._baud = baud
        self._line = world.serial(path)
        self._closed = False
        self._reading = False
        self._writing = False
        with world.held():
            self._open()

    @property
    def path(self) -> str:
        return self._path

    @property
    def baud(self) -> int:
        return self._baud

    def read(self, count: int, timeout_ns: int) -> bytes:
        check_read(self._path, count, timeout_ns)
        deadline_ns = self._world.clock.now_ns() + timeout_ns
        self._begin_reading()
        try:
            while (data := self._look(count)) == b"":
                left_ns = deadline_ns - self._world.clock.now_ns()
                if left_ns <= 0:
                    break
                self._world.clock.sleep(left_ns, self._port.bell)
            return data
        finally:
            self._reading = False

    def write(self, data: bytes) -> None:
        check_write(self._path, data)
        deadline_ns = self._begin_writing(len(data))
        try:
            rest = data
            while rest := rest[self._offer(rest, deadline_ns) :]:
                self._world.clock.sleep(RETRY_NS)
        finally:
            self._writing = False

    def drop_received(self) -> None:
        with self._world.held():
            self._sound().received.clear()

    def reopen(self) -> None:
        with self._world.held():
            self._check_open()
            if self._port.hung_up:
                self._open()

    def close(self) -> None:
        with self._world.held():
            self._closed = True
            self._port.bell.ring()
            self._line.close(self._port)

    def _open(self) -> None:
        if not self._line.present:
            raise answers.absent(self._path, self._world.serial_ports)
        if self._line.in_use:
            raise answers.in_use(self._path)
        self._port = self._line.open(self._baud)
        self._sending = Sending(self._baud)

    def _begin_reading(self) -> None:
        with self._world.held():
            self._sound()
            if self._reading:
                raise answers.second_reader(self._path)
            self._reading = True

    def _look(self, count: int) -> bytes:
        with self._world.held():
            port = self._sound()
            port.bell.clear()
            return port.take(count)

    def _begin_writing(self, count: int) -> int:
        clock = self._world.clock
        give_up_ns = clock.now_ns() + WRITE_MARGIN_NS
        while True:
            with self._world.held():
                self._sound()
                if not self._writing:
                    if self._sending.stuck(self._line.to_far_end.waiting, clock.now_ns()):
                        self._give_up_sending()
                    self._writing = True
                    return self._sending.begin(count, clock.now_ns())
                if clock.now_ns() > give_up_ns:
                    raise answers.stalled(self._path)
            clock.sleep(RETRY_NS)

    def _offer(self, data: bytes, deadline_ns: int) -> int:
        with self._world.held():
            self._sound()
            taken = data[: KERNEL_BUFFER - self._line.to_far_end.waiting]
            if taken:
                self._line.to_far_end.send(taken, self._baud)
            elif self._world.clock.now_ns() > deadline_ns:
                self._give_up_sending()
            return len(taken)

    def _give_up_sending(self) -> NoReturn:
        self._line.to_far_end.drop()
        self._sending.dropped(self._world.clock.now_ns())
        raise answers.stalled(self._path)

    def _check_open(self) -> None:
        if self._closed:
            raise answers.closed(self._path)

    def _sound(self) -> OpenPort:
        self._check_open()
        if self._port.hung_up:
            raise answers.unplugged(self._path)
        return self._port
