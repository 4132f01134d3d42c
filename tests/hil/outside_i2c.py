"""Plays the chips on the kernel's bus "pi-drivers outside": stands the world's twins on the device /dev/i2c-outside.

The other end is drivers/i2c_outside.c, which hands over every transfer that anybody asks of that bus. This is a program
of its own, because whoever asks is held up within the kernel until the answer comes.

usage: python -m tests.hil.outside_i2c registers@0x76 sht31@0x44 ...

The words are those of tests/contract/i2c_chips.py. It writes `ok` when it is ready, and again after each command that
it reads on standard input, followed by what the command asked for; if it cannot obey, `error` and the reason. At the
end of the input it goes away, as if the whole bus were pulled out. The commands:

    clear                      take everything off the bus, and forget all that was to go wrong
    plug WORD@ADDRESS          put a new chip on the bus, in place of what was there
    unplug ADDRESS             take the chip off; nobody acknowledges its address
    replug ADDRESS             put the same chip back
    hang ADDRESS TIMES         let so many transfers hang, until the kernel gives up on them
    fail ADDRESS ERRNO         let the controller report an error, such as EAGAIN, in the next transfer
    temperature CELSIUS        of the air that the sensors feel
    pressure HPA               the same air's
    light LUX                  that falls on the sensors
    supply VOLTS AMPERES       what flows through power sensors
    turn REVOLUTIONS           the shaft that encoders look at, at once
    drive SPEED                the shaft, in revolutions per second
    pose ROLL PITCH YAW        how the robot lies from now on, in degrees
    spin X Y Z                 how it turns from now on, in degrees per second about its own axes
    volts CHANNEL VOLTS        at an input of the converter
    brown-out ADDRESS          let the chip lose its power for a moment
    seen                       every transfer since this was last asked, as an analyser on the wires shows it
"""

import errno
import os
import selectors
import struct
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pi_drivers.world.clock import PacedClock
from pi_drivers.world.devices import BusHang, I2cSegment, Nack
from pi_drivers.world.world import World
from tests.contract.i2c_chips import CHIPS, CONVERTER, SHAFT, SUPPLY

DEVICE = "/dev/i2c-outside"
RECORD_LIMIT = 8 + 42 * (8 + 8192)
"""The longest transfer that i2c-dev lets through (drivers/i2c/i2c-dev.c), as the device gives it."""

REQUEST = struct.Struct("=II")
MESSAGE = struct.Struct("=HHHxx")
ANSWER = struct.Struct("=Ii")
"""The structures of drivers/i2c_outside.c: sequence and count; address, flags and length; sequence and status."""
READS = 0x0001
"""I2C_M_RD of linux/i2c.h."""


class Message(NamedTuple):
    """One part of a transfer, from a START to the next or to the STOP."""

    address: int
    length: int
    """How many bytes go over the wires."""
    data: bytes | None
    """What is written; None where the chip is read."""

    def __str__(self) -> str:
        if self.data is None:
            return f"read 0x{self.address:02x} {self.length}"
        return f"write 0x{self.address:02x} {self.data.hex()}".rstrip()


def parse(record: bytes) -> tuple[int, list[Message]]:
    """The sequence number and the messages of one transfer."""
    sequence, count = REQUEST.unpack_from(record)
    start = REQUEST.size + count * MESSAGE.size
    messages = []
    for address, flags, length in MESSAGE.iter_unpack(record[REQUEST.size : start]):
        data = None if flags & READS else record[start : start + length]
        start += len(data or b"")
        messages.append(Message(address, length, data))
    return sequence, messages


def carry_out(segment: I2cSegment, messages: Sequence[Message]) -> bytes:
    """Let the chips take part in a transfer; gives what they answered.

    Raises:
        Nack, BusHang: as the chips and their faults have it.
    """
    answers = []
    for message in messages:
        if message.data is None:
            answer = segment.read(message.address, message.length)
            # Where a chip says nothing, the pull-up resistor says one.
            answers.append(answer.ljust(message.length, b"\xff"))
        else:
            segment.write(message.address, message.data)
    return b"".join(answers)


class Outside:
    """The chips, the device they answer on, and the commands. Used by one thread."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._world = World(PacedClock())
        self._segment = I2cSegment()
        self._failures: dict[int, int] = {}
        self._seen: list[str] = []
        self._commands: dict[str, Callable[..., str | None]] = {
            "clear": self._clear,
            "plug": self.plug,
            "unplug": self._unplug,
            "replug": self._replug,
            "hang": self._hang,
            "fail": self._fail,
            "temperature": self._temperature,
            "pressure": self._pressure,
            "light": self._light,
            "supply": self._supply,
            "turn": self._turn,
            "drive": self._drive,
            "pose": self._pose,
            "spin": self._spin,
            "volts": self._volts,
            "brown-out": self._brown_out,
            "seen": self._tell_seen,
        }

    def plug(self, place: str) -> None:
        """Put a new chip on the bus: `sht31@0x44`."""
        word, _, address = place.partition("@")
        self._segment.plug_in(int(address, 0), CHIPS[word](self._world))

    def obey(self, line: str) -> str:
        """Carry a command out; gives the line to answer with."""
        word, *arguments = line.split()
        try:
            answer = self._commands[word](*arguments)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            return f"error {line}: {error!r}"
        return f"ok {answer or ''}".rstrip()

    def serve(self) -> None:
        """Answer one transfer."""
        try:
            record = os.read(self._device, RECORD_LIMIT)
        except BlockingIOError:
            return  # whoever asked has been killed meanwhile
        sequence, messages = parse(record)
        self._seen.append(" + ".join(map(str, messages)))
        try:
            status, data = self._outcome(messages)
        except BusHang:
            return  # and the kernel waits, as it does for a line that stays low
        try:
            os.write(self._device, ANSWER.pack(sequence, status) + data)
        except OSError as error:
            if error.errno != errno.ESTALE:  # too late: the kernel has given up
                raise

    def _outcome(self, messages: Sequence[Message]) -> tuple[int, bytes]:
        failure = self._failures.pop(messages[0].address, 0)
        if failure:
            return -failure, b""
        try:
            with self._world.held():
                return 0, carry_out(self._segment, messages)
        except Nack:
            return -errno.EREMOTEIO, b""  # as i2c-bcm2835 and i2c-designware say it

    def _clear(self) -> None:
        self._segment = I2cSegment()
        self._failures.clear()
        self._seen.clear()

    def _unplug(self, address: str) -> None:
        self._segment.faults(int(address, 0)).unplugged = True

    def _replug(self, address: str) -> None:
        self._segment.faults(int(address, 0)).unplugged = False

    def _hang(self, address: str, times: str) -> None:
        self._segment.faults(int(address, 0)).hangs = int(times)

    def _fail(self, address: str, name: str) -> None:
        self._failures[int(address, 0)] = getattr(errno, name)

    def _temperature(self, celsius: str) -> None:
        self._world.air.temperature_c = float(celsius)

    def _pressure(self, hectopascals: str) -> None:
        self._world.air.pressure_hpa = float(hectopascals)

    def _light(self, lux: str) -> None:
        self._world.light.lux = float(lux)

    def _supply(self, volts: str, amperes: str) -> None:
        supply = self._world.supply(SUPPLY)
        supply.volts, supply.amperes = float(volts), float(amperes)

    def _turn(self, revolutions: str) -> None:
        with self._world.held():
            self._world.shaft(SHAFT).turn_by_hand(float(revolutions))

    def _drive(self, revolutions_per_s: str) -> None:
        with self._world.held():
            self._world.shaft(SHAFT).drive(float(revolutions_per_s), constant_s=0.01)

    def _pose(self, roll: str, pitch: str, yaw: str) -> None:
        with self._world.held():
            self._world.pose.put(float(roll), float(pitch), float(yaw))

    def _spin(self, x: str, y: str, z: str) -> None:
        with self._world.held():
            self._world.pose.turn(float(x), float(y), float(z))

    def _volts(self, channel: str, volts: str) -> None:
        self._world.voltage(CONVERTER, int(channel)).volts = float(volts)

    def _brown_out(self, address: str) -> None:
        device = self._segment.device(int(address, 0))
        if device is None:
            raise LookupError("nothing is plugged in there")
        with self._world.held():
            device.lose_power()

    def _tell_seen(self) -> str:
        seen, self._seen = self._seen, []
        return "; ".join(seen)


def main(places: Sequence[str]) -> None:
    """Play until the input ends."""
    device = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
    outside = Outside(device)
    for place in places:
        outside.plug(place)
    selector = selectors.DefaultSelector()
    selector.register(device, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ok", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fd == device:
                outside.serve()
                continue
            lines = os.read(key.fd, 4096).decode().splitlines()
            if not lines:
                return
            for line in lines:
                print(outside.obey(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
