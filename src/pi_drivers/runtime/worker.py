"""One thread for each bus: chips are plain synchronous code, and a whole reading is atomic on its bus.

Python's own executors join their threads when the interpreter exits, so a bus that hangs would hang the exit. These
threads are daemons and are left behind when they do not come back.
"""

import asyncio
import functools
import logging
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from pi_drivers.errors import ClosedError, DriverError

LOGGER = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[], None]


class BusWorker:
    """Runs jobs one after the other on a thread of its own. Used on the event loop, but `post` from any thread."""

    def __init__(self, name: str, *, entered: Job = lambda: None, left: Job = lambda: None) -> None:
        """Start the thread.

        Args:
            name: for the thread and for messages, for example `i2c-1`.
            entered: called when the thread gets something to do, so that a simulated clock can wait for it.
            left: called when it has nothing more to do, and the last result is on its way back.
        """
        self._name = name
        self._entered = entered
        self._left = left
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._stopped = False
        self._over = False
        self._thread = threading.Thread(target=self._work, name=f"bus {name}", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job on the thread and wait for its result; a cancelled wait leaves the job to end by itself.

        Raises:
            ClosedError: the worker was stopped.
        """
        if self._stopped:
            raise ClosedError(f"{self._name}: the bus was closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._hand_over(functools.partial(self._execute, job, future, loop))
        try:
            return await future
        finally:
            del future  # an error's traceback leads here, and back to the error: it would stay in memory

    def post(self, job: Job) -> None:
        """Run a job on the thread and forget it, from any thread; what it raises is logged. A stopped worker does not.

        It waits for nobody, and nobody has to wait for it: for making things safe while the event loop stands still.
        """
        if not self._stopped:
            self._hand_over(lambda: self._execute_alone(job))

    def stop(self, last_job: Job = lambda: None) -> None:
        """Take no more jobs; those queued before still run, then `last_job`. Idempotent, does not wait."""
        if not self._stopped:
            self._stopped = True
            self._hand_over(lambda: self._execute_alone(last_job))
            self._hand_over(None)

    async def ended(self) -> None:
        """Wait until the thread has done its last job."""
        while not self._over:  # noqa: ASYNC110 - a thread cannot set an event of a loop that may be gone
            await asyncio.sleep(0.001)

    def _hand_over(self, job: Job | None) -> None:
        with self._lock:
            self._unfinished += 1
            is_first = self._unfinished == 1
        if is_first:
            self._entered()
        self._jobs.put(job)

    def _finished(self) -> None:
        with self._lock:
            self._unfinished -= 1
            was_last = self._unfinished == 0
        if was_last:
            self._left()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # and with it the result, until somebody has another job
        self._over = True
        self._finished()

    def _execute_alone(self, job: Job) -> None:
        try:
            job()
        except DriverError as error:
            LOGGER.warning("%s", error)
        except Exception:
            LOGGER.exception("%s: a job failed", self._name)
        finally:
            self._finished()

    def _execute(self, job: Callable[[], T], future: asyncio.Future[T], loop: asyncio.AbstractEventLoop) -> None:
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001 - every failure belongs to the caller, none to the thread
            self._answer(loop, future, future.set_exception, _bearable(error))
        else:
            self._answer(loop, future, future.set_result, result)
        finally:
            del future  # as in `run`
            self._finished()

    @staticmethod
    def _answer(
        loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], settle: Callable[..., None], value: object
    ) -> None:
        def settle_if_wanted() -> None:
            if not future.done():
                settle(value)

        if not loop.is_closed():
            loop.call_soon_threadsafe(settle_if_wanted)


def _bearable(error: BaseException) -> BaseException:
    """An error that a future takes. It refuses StopIteration, and who waits for it would wait for ever."""
    if not isinstance(error, StopIteration):
        return error
    bearable = RuntimeError("a job on a bus ended with StopIteration: next() was called where there is no next one")
    bearable.__cause__ = error
    return bearable
