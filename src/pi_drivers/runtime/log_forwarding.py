"""Log lines on their way to viam-server, without a line ever hurting the driver that wrote it.

The SDK sends each record by itself, from the loop of a second thread, on a connection that the main loop
owns; beside busy dependency traffic that breaks the connection now and then. Here any thread may log: a
record goes into a bounded queue, and one task on the loop that owns the connection takes it from there. A
queue that is full loses its oldest lines and says so. Nothing in here raises into a driver, and nothing in
here logs.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import viam.logging
from grpclib import GRPCError, Status
from viam.proto.common import LogEntry
from viam.proto.robot import LogRequest
from viam.robot.client import RobotClient

from pi_drivers.runtime.log_entries import entry_of, make_entry, to_stderr
from pi_drivers.runtime.stderr import say

CAPACITY = 2000
"""Records that wait at most; more than that and the oldest are dropped."""

BATCH = 100
"""Records in one request at most."""

COALESCE_S = 0.02
"""How long the first record of a batch waits for company."""

SEND_TIMEOUT_S = 2.0
"""How long viam-server may take for one request."""

BATCH_REFUSED = (Status.UNKNOWN, Status.INVALID_ARGUMENT, Status.UNIMPLEMENTED)
"""How a server says that it takes one line in a request only; viam-server answers UNKNOWN."""

Send = Callable[[Sequence[LogEntry]], Awaitable[object]]


class LogForwarder:
    """Queues log entries from any thread and sends them from the loop it was made on.

    `put` may be called from any thread and never raises; everything else belongs to the loop. At most one
    request is in flight.

    Args:
        send: delivers entries; it may raise, and then the entries go to stderr.
        capacity: entries that may wait.
        coalesce_s: seconds the first entry of a batch waits for others.
    """

    def __init__(self, send: Send, *, capacity: int = CAPACITY, coalesce_s: float = COALESCE_S) -> None:
        self._send = send
        self._coalesce_s = coalesce_s
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: deque[LogEntry] = deque()
        self._capacity = capacity
        self._dropped = 0
        self._awake = False
        self._closed = False
        self._batch = BATCH
        self._pump: asyncio.Task[None] | None = None
        self.failures = 0

    def put(self, entry: LogEntry) -> None:
        """Queue an entry; after `close`, or when the loop is gone, it goes to stderr instead."""
        with self._lock:
            if self._closed:
                wake = None
            else:
                self._enqueue(entry)
                wake = not self._awake
                self._awake = True
        if wake is None:
            to_stderr([entry])
        elif wake:
            self._wake()

    async def flush(self, budget_s: float) -> None:
        """Wait until everything queued so far was sent, `budget_s` seconds at most."""
        deadline = self._loop.time() + budget_s
        if self._waiting:
            self._start_pump()
        while self._pump is not None and (left_s := deadline - self._loop.time()) > 0:
            await asyncio.wait({self._pump}, timeout=left_s)

    def close(self) -> None:
        """Send nothing more; what still waits goes to stderr. Idempotent."""
        with self._lock:
            self._closed = True
            rest = list(self._waiting)
            self._waiting.clear()
        to_stderr(rest)
        if self._pump is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._pump.cancel()

    def _enqueue(self, entry: LogEntry) -> None:
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(entry)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._start_pump)
        except RuntimeError:  # the loop is closed: the process is on its way out
            self.close()

    def _start_pump(self) -> None:
        if self._pump is None and not self._closed:
            self._pump = self._loop.create_task(self._run(), name="pi-drivers: log forwarding")
            self._pump.add_done_callback(self._pump_ended)

    def _pump_ended(self, _pump: asyncio.Task[None]) -> None:
        self._pump = None
        with self._lock:
            self._awake = bool(self._waiting) and not self._closed
            again = self._awake
        if again:
            self._wake()

    async def _run(self) -> None:
        await asyncio.sleep(self._coalesce_s)
        while batch := self._take():
            await self._deliver(batch)
            # A full queue is sent on at once; a trickle gathers company again, where the server takes company.
            crowded = self._batch == 1 or len(self._waiting) >= self._batch
            await asyncio.sleep(0 if crowded else self._coalesce_s)

    def _take(self) -> list[LogEntry]:
        with self._lock:
            if self._dropped:
                text = f"{self._dropped} log records were dropped: they came faster than viam-server took them"
                self._waiting.appendleft(make_entry("pi_drivers", logging.WARNING, text))
                self._dropped = 0
            return [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]

    async def _deliver(self, batch: list[LogEntry]) -> None:
        """Send a batch, or its entries one by one where the server refuses batches."""
        try:
            await asyncio.wait_for(self._send(batch), SEND_TIMEOUT_S)
        except GRPCError as error:
            if len(batch) == 1 or error.status not in BATCH_REFUSED:
                self._fail(batch, error)
                return
            self._batch = 1
            for entry in batch:
                await self._deliver([entry])
        except Exception as error:  # noqa: BLE001 - see above
            self._fail(batch, error)
        except asyncio.CancelledError:
            to_stderr(batch)
            raise

    def _fail(self, batch: list[LogEntry], error: Exception) -> None:
        if not self.failures:
            say(f"WARNING: viam-server takes no log lines ({error!r}); they follow here\n")
        self.failures += len(batch)
        to_stderr(batch)


class ForwardingHandler(logging.Handler):
    """Stands where the SDK's own handler would: one for each logger, all with the same forwarder."""

    def __init__(self, forwarder: LogForwarder) -> None:
        super().__init__()
        self._forwarder = forwarder

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - the signature is logging's
        """Do nothing: the level of the logger alone decides.

        The SDK sets the handler's level along with the logger's, although it lets loggers share a handler:
        the level of one resource would silence another.
        """

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record. Never raises, whatever is wrong with it."""
        try:
            self._forwarder.put(entry_of(record))
        except Exception as error:  # noqa: BLE001 - see above
            say(f"WARNING: a log record of {record.name} was lost: {type(error).__name__}\n")


def forward_logs(parent: RobotClient) -> LogForwarder:
    """From now on, send viam-server what the SDK's loggers say. Needs the loop that owns `parent`."""

    async def send(entries: Sequence[LogEntry]) -> None:
        await parent._client.Log(LogRequest(logs=entries))  # noqa: SLF001 - the SDK offers single lines only

    forwarder = LogForwarder(send)
    # viam-sdk 0.85.1: setParent makes a _ModuleHandler for the loggers that exist and for each later one,
    # and that handler would start the second loop. No public way leads past it.
    viam.logging._ModuleHandler = lambda _parent: ForwardingHandler(forwarder)  # type: ignore[assignment,misc,return-value]  # noqa: SLF001
    viam.logging.setParent(parent)
    return forwarder
