"""Bus workers: jobs one after the other, errors to their callers, no thread left."""

import asyncio
import contextlib
import functools
import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from pi_drivers.errors import ClosedError
from pi_drivers.runtime.worker import BusWorker


async def test_jobs_run_on_one_thread_in_their_order():
    worker = BusWorker("i2c-1")
    seen: list[tuple[int, str]] = []

    def note(i: int) -> None:
        seen.append((i, threading.current_thread().name))

    jobs = [worker.run(functools.partial(note, i)) for i in range(20)]
    await asyncio.gather(*jobs)
    assert seen == [(i, "bus i2c-1") for i in range(20)]
    worker.stop()
    await worker.ended()


async def test_the_result_and_the_error_of_a_job_are_its_caller_s():
    worker = BusWorker("i2c-1")
    assert await worker.run(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: "still here") == "still here"
    worker.stop()
    await worker.ended()


async def test_a_caller_who_gave_up_disturbs_nobody():
    worker = BusWorker("i2c-1")
    may_end = threading.Event()
    waiting = asyncio.ensure_future(worker.run(may_end.wait))
    await asyncio.sleep(0)
    waiting.cancel()
    may_end.set()
    assert await worker.run(lambda: 1) == 1
    worker.stop()
    await worker.ended()


async def test_a_stopped_worker_takes_no_jobs_and_runs_its_last_one_last():
    worker = BusWorker("i2c-1")
    log: list[str] = []
    job = asyncio.ensure_future(worker.run(lambda: log.append("job")))
    await asyncio.sleep(0)
    worker.stop(last_job=lambda: log.append("closed"))
    worker.stop()
    await job
    with pytest.raises(ClosedError):
        await worker.run(lambda: 1)
    await worker.ended()
    assert log == ["job", "closed"]


def test_a_result_for_a_loop_that_is_gone_is_dropped():
    worker = BusWorker("i2c-1")
    may_end = threading.Event()

    async def leave() -> None:
        waiting = asyncio.ensure_future(worker.run(may_end.wait))
        await asyncio.sleep(0)
        assert not waiting.done()

    asyncio.run(leave())
    may_end.set()
    worker.stop()
    worker._thread.join(2)
    assert not worker._thread.is_alive()


async def test_what_is_posted_from_any_thread_runs_behind_what_was_there(caplog):
    worker = BusWorker("i2c-1")
    may_end, seen = threading.Event(), list[str]()
    first = asyncio.ensure_future(worker.run(may_end.wait))
    await asyncio.sleep(0)

    def post() -> None:
        worker.post(lambda: seen.append("posted"))
        worker.post(lambda: seen.append(str(1 // 0)))

    thread = threading.Thread(target=post)
    thread.start()
    thread.join()
    assert seen == []
    may_end.set()
    await first
    assert await worker.run(lambda: list(seen)) == ["posted"]
    assert "i2c-1: a job failed" in caplog.text
    worker.stop()
    worker.post(lambda: seen.append("too late"))
    await worker.ended()
    assert seen == ["posted"]


async def test_a_worker_with_jobs_that_wait_behind_one_that_sleeps_is_at_rest():
    at_work: list[int] = [0]
    worker = BusWorker("i2c-1", entered=lambda: at_work.append(1), left=lambda: at_work.append(-1))
    may_end = threading.Event()

    def sleep() -> None:
        at_work.append(-1)  # as a simulated clock does
        may_end.wait()
        at_work.append(1)

    jobs = [asyncio.ensure_future(worker.run(job)) for job in (sleep, lambda: None)]
    async with asyncio.timeout(2):
        while sum(at_work) != 0 or len(at_work) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    may_end.set()
    await asyncio.gather(*jobs)
    worker.stop()
    await worker.ended()
    assert sum(at_work) == 0


async def test_a_job_that_ends_with_stop_iteration_fails_like_any_other():
    worker = BusWorker("i2c-1")
    nothing: Iterator[int] = iter(())
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="StopIteration") as caught:
            await worker.run(lambda: next(nothing))
    assert isinstance(caught.value.__cause__, StopIteration)
    worker.stop()
    await worker.ended()


class Memory:
    """Something that can be watched."""


@pytest.fixture
def no_collection() -> Iterator[None]:
    """What is in a circle stays in memory."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
async def test_nothing_of_a_failed_job_stays_in_memory():
    worker = BusWorker("i2c-1")
    watched: list[weakref.ref[Memory]] = []

    def fail() -> None:
        memory = Memory()
        watched.append(weakref.ref(memory))
        raise ZeroDivisionError

    with contextlib.suppress(ZeroDivisionError):
        await worker.run(fail)
    await worker.run(lambda: None)
    assert [memory() for memory in watched] == [None]
    worker.stop()
    await worker.ended()


async def test_a_result_does_not_stay_in_memory_until_there_is_another_job():
    worker = BusWorker("i2c-1")
    seen = weakref.ref(await worker.run(Memory))
    async with asyncio.timeout(5):
        while seen() is not None:  # noqa: ASYNC110 - the thread is about to let it go
            await asyncio.sleep(0.001)
    worker.stop()
    await worker.ended()
