"""The program that makes pins safe in the place of a process that died before it could: killed, crashed, out of memory.

usage: python -I -S keeper_process.py <ENTRIES

The kernel leaves the pins of a dead process as they are, so somebody else has to be there already. This program is: it
is started by `keeper`, reads from its standard input what would have to be done, and waits. Its input ends when the
other process does, however that came about. What is then still on the list it does, and ends as well. It imports next
to nothing, to be small while it waits and quick when it is needed.

A line of input is words with tabs in between: a name and what to do for it, or a name alone to forget it again. What
can be done is in `KINDS`.
"""

import errno
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time

PATIENCE_S = 1.0
"""How long to try for what is still busy: the kernel takes a moment to free the lines of a dead process."""

RETRY_S = 0.001

HOLD_S = 0.5
"""How long lines are held afterwards: a motor comes to rest, also where older kernels let a released line float."""

CONSUMER = b"pi-drivers keeper"
"""Our name in the kernel's list of line users."""

GPIO_V2_GET_LINE_IOCTL = 0xC250B407
LINE_REQUEST = struct.Struct("=I252x 32s QI20x I4xQQ 216x II20x i")
"""struct gpio_v2_line_request of linux/gpio.h with one of 64 lines and one of 10 attributes: the line; the consumer;
flags and number of attributes; the attribute's id, values and lines; number of lines, size of the buffer; descriptor.
"""
OUTPUT = 1 << 3
OUTPUT_VALUES = 2

I2C_SLAVE_FORCE = 0x0706
"""Chooses the address that is written to (linux/i2c-dev.h)."""
CHIP_TRIES = 3

STDERR = 2
PIPE_BUF = 4096
"""A pipe that is ready takes this many bytes without blocking (pipe(7))."""

Entry = list[str]
"""A word of `KINDS`, and what its function takes."""


def main() -> None:
    """Wait for the end of the input, then do what is on the list."""
    # Who ends a whole service signals all of its processes, and this one has to be the last.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    entries = read_entries(sys.stdin.fileno())
    if entries:
        say(make_safe(sorted(entries.values(), key=lambda entry: entry[0] == SLOW)))
        time.sleep(HOLD_S)


def read_entries(pipe: int) -> dict[str, Entry]:
    """What is on the list at the end of the input, by name."""
    entries: dict[str, Entry] = {}
    with os.fdopen(pipe, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # its writer died over it
            name, *entry = line.rstrip("\n").split("\t")
            entries.pop(name, None)
            if entry:
                entries[name] = entry
    return entries


def make_safe(entries: list[Entry]) -> str:
    """Do what these entries say, each as soon as it can be done; returns what came of it, for people to read."""
    done: list[str] = []
    deadline = time.monotonic() + PATIENCE_S
    while entries:
        entries = [entry for entry in entries if not attempt(entry, done, last=time.monotonic() > deadline)]
        if entries:
            time.sleep(RETRY_S)
    return f"pi-drivers: the process that drove these pins died, and they were made safe: {'; '.join(done)}\n"


def attempt(entry: Entry, done: list[str], *, last: bool) -> bool:
    """Do what an entry says, and note what came of it; False when it is busy and this was not the last time."""
    kind, *words = entry
    try:
        done.append(KINDS[kind](*words))
    except OSError as error:
        if error.errno == errno.EBUSY and not last:
            return False
        done.append(f"NOT {' '.join(words)}: {error.strerror}")
    return True


def hold_line(*words: str) -> str:
    """Make a GPIO line an output at a level, and hold it until this process ends.

    Args:
        words: the path of the chip's device, the line's number there, and 0 or 1, as a meter would show it.

    Raises:
        OSError: EBUSY, somebody else holds it; any other: it cannot be done.
    """
    chip, offset, level = words
    values, lines = int(level), 1  # a bit for each line of the request, which has one
    request = bytearray(LINE_REQUEST.pack(int(offset), CONSUMER, OUTPUT, 1, OUTPUT_VALUES, values, lines, 1, 0, 0))
    device = os.open(chip, os.O_RDWR)
    try:
        # What it opens for the line is never closed: that is what holds it.
        fcntl.ioctl(device, GPIO_V2_GET_LINE_IOCTL, request)
    finally:
        os.close(device)
    return f"line {offset} of {chip} {'high' if level == '1' else 'low'}"


def write_files(*words: str) -> str:
    """Write to files that are there.

    Args:
        words: their directory, then one after the other the name of a file and its new text.

    Raises:
        OSError: the first one that failed; those behind it were not written.
    """
    directory, *texts = words
    for name, text in zip(texts[::2], texts[1::2], strict=True):
        file = os.open(f"{directory}/{name}", os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)
    return directory


def send_bytes(*words: str) -> str:
    """Send bytes to a serial port, behind what the dead process had sent.

    Args:
        words: the path of its device, its speed, and the bytes as hexadecimal numbers.

    Raises:
        OSError: EBUSY, somebody has it for himself; any other: it cannot be done.
    """
    path, baud, numbers = words
    data = bytes.fromhex(numbers)
    # It is never closed: that would wait until all is sent, for half a minute where nothing leaves the port.
    port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        make_raw(port, baud)
        if not takes(port, data):
            termios.tcflush(port, termios.TCOFLUSH)
            os.write(port, data)
    except termios.error as error:
        raise OSError(*error.args) from error
    return f"{numbers} to {path}"


def make_raw(port: int, baud: str) -> None:
    """Let bytes through as they are, at a speed: what was set may be gone with the last one who had the port open."""
    *_, characters = termios.tcgetattr(port)
    speed = getattr(termios, f"B{baud}")
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    termios.tcsetattr(port, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])


def takes(port: int, data: bytes) -> bool:
    """Whether a port takes all of some bytes without waiting."""
    try:
        return os.write(port, data) == len(data)
    except BlockingIOError:
        return False


def write_to_chip(*words: str) -> str:
    """Write bytes to a chip on an I2C bus, whatever else of the kernel's or of another process uses its address.

    Args:
        words: the path of the bus's device, the address, and the bytes as hexadecimal numbers.

    Raises:
        OSError: it cannot be done, tried several times; a bus that hangs takes a second each.
    """
    path, address, numbers = words
    bus = os.open(path, os.O_RDWR)
    try:
        fcntl.ioctl(bus, I2C_SLAVE_FORCE, int(address, 0))
        write_often(bus, bytes.fromhex(numbers))
    finally:
        os.close(bus)
    return f"{numbers} to {address} on {path}"


def write_often(device: int, data: bytes) -> None:
    """Write until it succeeds, a few times: the transfer that the dead process had begun may have upset the bus."""
    for left in reversed(range(CHIP_TRIES)):
        try:
            os.write(device, data)
        except OSError as error:
            if left == 0 or error.errno == errno.ETIMEDOUT:
                raise
        else:
            return


KINDS = {"line": hold_line, "files": write_files, "bytes": send_bytes, "chip": write_to_chip}
"""What an entry can ask for; each function says in a few words what it did."""

SLOW = "chip"
"""A bus may hang, so these come last."""


def say(text: str) -> None:
    """Write to stderr as far as it goes in without waiting: who read it may be gone, or stand still."""
    poller = select.poll()
    poller.register(STDERR, select.POLLOUT)
    if poller.poll(0):
        try:
            os.write(STDERR, text.encode(errors="replace")[:PIPE_BUF])
        except OSError:
            return


if __name__ == "__main__":
    main()
