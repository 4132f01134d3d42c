"""Listening to a serial port: for devices that send lines of their own accord, as GPS receivers and Arduinos do.

Nobody asks such a device, so there is nothing to poll: a thread waits for bytes, cuts them into lines and reads them,
and what was in them goes to the event loop, with the time it came. A line that cannot be read is counted and
skipped. A port that was unplugged is opened again. When nothing that can be read comes any more, `cause` says why, as
far as that shows from here: silence, a wrong speed, or lines in another form.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from viam.utils import ValueTypes

from pi_drivers.buses.serial.contract import SerialPort
from pi_drivers.config.wording import shown
from pi_drivers.errors import BusAbsentError, ClosedError, DriverError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.host.serial_ports import SerialPart
from pi_drivers.models.base import HardwareModel
from pi_drivers.models.line_splitter import LineSplitter
from pi_drivers.models.serial_arrivals import LONGEST_LINE, Arrivals
from pi_drivers.runtime.poller import Sample
from pi_drivers.runtime.sparing_log import SparingLog

T = TypeVar("T")

CHUNK = 4096
LOOK_NS = SECOND
"""How often the loop hears from the thread when nothing comes."""
GAP_NS = LOOK_NS + SECOND // 2
"""Who was away for longer, because the process stood still, finds lines in the kernel's buffer that are of then."""
FIRST_BACK_OFF_NS = 250 * MILLISECOND
LONGEST_BACK_OFF_NS = 5 * SECOND


class UnfitLineError(Exception):
    """A line is not what was expected. The text says why, to the one who wrote the device's program."""


class LineReader(Generic[T]):
    """Reads the lines of one port. Used on the event loop, except for what runs on the port's thread."""

    def __init__(
        self,
        name: str,
        host: Host,
        logger: logging.Logger,
        part: SerialPart,
        *,
        parse: Callable[[bytes], T],
        hear: Callable[[Sequence[Sample[T]]], None],
        quiet_ns: int,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            name: for messages, for example `sensor "weather"`.
            host: its clock is the one that counts.
            logger: the resource's.
            part: in the port, which is the reader's alone.
            parse: reads a line, which is not empty and has no line end, on the port's thread. Raises UnfitLineError.
            hear: takes what was read, the oldest first, on the event loop.
            quiet_ns: after so long without a line that could be read, the log has a word of it.
        """
        self._name = name
        self._host = host
        self._logger = logger
        self._log = SparingLog(logger, host)
        self._port: SerialPort = part.port
        self._worker = part.worker
        self._parse = parse
        self._hear = hear
        self._quiet_ns = quiet_ns
        self._splitter = LineSplitter(LONGEST_LINE)
        self._arrivals = Arrivals(host.now_ns(), host.now_ns())
        self._looked_ns = host.now_ns()
        self._fit_ns: int | None = None
        """When the last line that could be read began to arrive."""
        self._took_ns = 0
        """How long it took."""
        self._last_unfit: tuple[str, str] | None = None
        self._error: Exception | None = None
        self._told = False
        """Whether the log has it last that nothing can be read."""
        self._failures_in_a_row = 0
        self._task: asyncio.Task[None] | None = None
        self.fit = 0
        self.unfit = 0
        self.failures = 0

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.get_running_loop().create_task(self._listen(), name=f"{self._name}: listening")

    def stop(self) -> None:
        """End it; does not wait. The thread comes back when the port is closed. Idempotent."""
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        """Wait until the background task is gone."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def is_heard(self, within_ns: int) -> bool:
        """Whether a line that could be read has begun lately, and is whole."""
        return self._fit_ns is not None and self._host.now_ns() - self._fit_ns <= within_ns

    def cause(self) -> str:
        """Why there is nothing newer, in words."""
        if self._error is not None:
            return str(self._error)
        came, port, now_ns = self._arrivals, self._port, self._host.now_ns()
        is_slow = self._took_ns > self._quiet_ns
        silent_ns = now_ns - came.last_ns
        if silent_ns > self._quiet_ns or not (came.received or is_slow):
            return (
                f"nothing has come from {port.path} for {silent_ns / SECOND:.1f} s. Is the device powered, and its TX "
                "on the Pi's RX?"
            )
        if came.is_no_text:
            return f"what comes from {port.path} at {port.baud} baud is no text: is baud_rate right?"
        if came.is_unfit and self._last_unfit is not None:
            return f"no line from {port.path} fits, the last one was {self._last_unfit[0]}: {self._last_unfit[1]}"
        if is_slow:
            return (
                f"a line from {port.path} took {self._took_ns / SECOND:.1f} s to arrive, and is older than max_age_ms "
                f"({self._quiet_ns // MILLISECOND}) once it is whole: raise that, or let the device send a line in one "
                "go"
            )
        seconds = (now_ns - came.since_ns) / SECOND
        return f"no whole line has come from {port.path} for {seconds:.1f} s, only {came.received} bytes"

    def status(self) -> dict[str, ValueTypes]:
        """The port and the counters, for `get_status`."""
        status: dict[str, ValueTypes] = {
            "serial_path": self._port.path,
            "baud_rate": self._port.baud,
            "lines": self.fit,
            "unfit_lines": self.unfit + self._splitter.overlong,
            "failures": self.failures,
        }
        if self._last_unfit is not None:
            status["last_unfit_line"], status["why_unfit"] = self._last_unfit
        return status

    async def _listen(self) -> None:
        while True:
            try:
                if self._error is not None:
                    await self._worker.run(self._reopen)
                samples = await self._worker.run(self._take)
            except ClosedError:
                return
            except Exception as error:  # noqa: BLE001 - a driver bug must not end the listening; it is logged below
                self._failed(error)
                back_off_ns = FIRST_BACK_OFF_NS << min(self._failures_in_a_row - 1, 8)
                await self._host.wait(min(back_off_ns, LONGEST_BACK_OFF_NS))
            else:
                self._succeeded(samples)

    def _failed(self, error: Exception) -> None:
        # That it was unplugged says more than that there is no such port now.
        if not (isinstance(error, BusAbsentError) and isinstance(self._error, BusAbsentError)):
            self._error = error
        self._failures_in_a_row += 1
        self.failures += 1
        if not isinstance(error, DriverError):
            self._logger.error("%s: reading a line failed", self._name, exc_info=error)
        self._tell()

    def _succeeded(self, samples: Sequence[Sample[T]]) -> None:
        self._error = None
        self._failures_in_a_row = 0
        if samples:
            self._hear(samples)
        if samples and self.is_heard(self._quiet_ns):
            if self._told:
                self._told = False
                self._logger.info("%s: lines come again", self._name)
        elif samples or self._host.now_ns() - self._arrivals.since_ns > self._quiet_ns:
            self._tell()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._log.warning("%s: no readings: %s", self._name, self.cause())

    # From here on: on the port's thread.

    def _reopen(self) -> None:
        self._port.reopen()
        self._splitter.begin_anew()
        self._looked_ns = self._host.now_ns()
        self._arrivals = Arrivals(self._looked_ns, self._looked_ns)

    def _take(self) -> list[Sample[T]]:
        """Wait for lines, up to `LOOK_NS`, and read them. The loop is not woken for less than a line."""
        give_up_ns = self._host.now_ns() + LOOK_NS
        while True:
            left_ns = max(0, give_up_ns - self._host.now_ns())
            data = self._port.read(CHUNK, left_ns)
            now_ns = self._host.now_ns()
            samples = [] if self._was_away(now_ns) else self._read(data, now_ns)
            if samples or now_ns >= give_up_ns:
                return samples

    def _was_away(self, now_ns: int) -> bool:
        gap_ns, self._looked_ns = now_ns - self._looked_ns, now_ns
        if gap_ns <= GAP_NS:
            return False
        self._port.drop_received()
        self._splitter.begin_anew()
        return True

    def _read(self, data: bytes, now_ns: int) -> list[Sample[T]]:
        self._arrivals.take(data, now_ns)
        samples = []
        for line, began_ns in self._splitter.feed(data, now_ns):
            if not line.strip():
                continue
            try:
                samples.append(Sample(self._parse(line), began_ns))
            except UnfitLineError as error:
                self.unfit += 1
                self._arrivals.unfit_at = self._arrivals.received
                self._last_unfit = (shown(line.decode("ascii", "backslashreplace")), str(error))
        if samples:
            self.fit += len(samples)
            self._fit_ns = samples[-1].taken_ns
            self._took_ns = now_ns - self._fit_ns
            self._arrivals = Arrivals(now_ns, now_ns)
        return samples


def listen(
    model: HardwareModel[Any],
    path: str,
    baud: int,
    max_age_ms: int,
    parse: Callable[[bytes], T],
    hear: Callable[[Sequence[Sample[T]]], None],
) -> tuple[LineReader[T], SerialPort]:
    """Open a port for a model alone and read its lines, until the model closes.

    Raises:
        ClaimedError: another resource, or another program, has the port; the message names the resource.
        BusAbsentError, BusPermissionError, MissingLibraryError: as opening the port does.
    """
    part = model.host.serial(path, baud, model.holder("serial_path"))
    model.lifecycle.push("leave the port", part.leave)
    reader = LineReader(
        model.label,
        model.host,
        model.logger,
        part,
        parse=parse,
        hear=hear,
        quiet_ns=max_age_ms * MILLISECOND,
    )
    reader.start()
    model.lifecycle.push("stop listening", reader.stop, reader.ended)
    return reader, part.port
