"""Opening and closing: in reverse, once, whatever fails."""

import asyncio
import functools
import logging

import pytest

from pi_drivers.runtime import lifecycle as lifecycle_module
from pi_drivers.runtime.lifecycle import Lifecycle

LOGGER = logging.getLogger("pi_drivers.test")


def scene() -> tuple[Lifecycle, list[str]]:
    return Lifecycle('motor "m"', LOGGER), []


async def test_steps_run_in_reverse_and_only_once():
    lifecycle, log = scene()
    for name in ("bus", "pins", "motion"):
        lifecycle.push(name, functools.partial(log.append, name))
    await lifecycle.close()
    await lifecycle.close()
    assert log == ["motion", "pins", "bus"]
    assert lifecycle.closed


async def test_everything_is_let_go_before_anything_is_waited_for():
    lifecycle, log = scene()

    async def finish() -> None:
        log.append("finished")

    lifecycle.push("pins", lambda: log.append("pins"))
    lifecycle.push("task", lambda: log.append("told to end"), finish)
    closing = lifecycle.close()
    closing_task = asyncio.ensure_future(closing)
    await asyncio.sleep(0)
    assert log[:2] == ["told to end", "pins"]
    await closing_task
    assert log == ["told to end", "pins", "finished"]


async def test_a_failing_step_stops_no_other_and_close_does_not_raise(caplog):
    lifecycle, log = scene()

    def fail() -> None:
        raise OSError("the bus is gone")

    async def fail_later() -> None:
        raise ValueError("what now")

    lifecycle.push("pins", lambda: log.append("pins"))
    lifecycle.push("bus", fail, fail_later)
    lifecycle.push("motion", lambda: log.append("motion"))
    await lifecycle.close()
    assert log == ["motion", "pins"]
    assert "closing: bus failed" in caplog.text
    assert "the bus is gone" in caplog.text
    assert "what now" in caplog.text


async def test_a_second_caller_waits_for_the_first():
    lifecycle, _ = scene()
    over = asyncio.Event()
    lifecycle.push("task", lambda: None, over.wait)
    first, second = (asyncio.ensure_future(lifecycle.close()) for _ in range(2))
    await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    over.set()
    await asyncio.gather(first, second)


async def test_close_ends_in_its_budget_although_a_task_does_not(monkeypatch, caplog):
    monkeypatch.setattr(lifecycle_module, "CLOSE_BUDGET_S", 0.01)
    lifecycle, _ = scene()
    lifecycle.push("task", lambda: None, asyncio.Event().wait)
    await lifecycle.close()
    assert "did not end within" in caplog.text


async def test_a_cancelled_close_goes_on():
    lifecycle, log = scene()
    over = asyncio.Event()

    async def finish() -> None:
        await over.wait()
        log.append("finished")

    lifecycle.push("task", lambda: None, finish)
    closing = asyncio.ensure_future(lifecycle.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    over.set()
    await lifecycle.close()
    assert log == ["finished"]


def test_releasing_needs_no_event_loop():
    lifecycle, log = scene()
    lifecycle.push("pins", lambda: log.append("pins"))
    lifecycle.release_now()
    assert log == ["pins"]
