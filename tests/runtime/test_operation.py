"""One motion at a time, and nobody left running when its caller has gone."""

import asyncio
import logging

import pytest

from pi_drivers.errors import BusError, SupersededError
from pi_drivers.runtime.operation import Operation


class Actuator:
    def __init__(self) -> None:
        self.power = 0.0
        self.made_safe = 0
        self.ends = 0
        self.operation = Operation('motor "m"', logging.getLogger("pi_drivers.test"), self.make_safe)

    def make_safe(self) -> None:
        self.power = 0.0
        self.made_safe += 1

    async def run(self, power: float) -> None:
        self.power = power
        await asyncio.Event().wait()

    async def run_and_end_slowly(self, power: float) -> None:
        try:
            await self.run(power)
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.ends += 1

    async def end(self, power: float) -> str:
        self.power = power
        await asyncio.sleep(0)
        self.power = 0.0
        return "done"

    async def fail(self) -> None:
        self.power = 1.0
        await asyncio.sleep(0)
        raise OSError("a wire broke")


async def started(actuator: Actuator, power: float = 0.5) -> asyncio.Task[None]:
    task = asyncio.ensure_future(actuator.operation.run("go_for", lambda: actuator.run(power)))
    async with asyncio.timeout(5):
        while actuator.power != power:  # noqa: ASYNC110 - a turn of the loop, not a pause
            await asyncio.sleep(0)
    return task


async def test_a_motion_that_ends_gives_its_result():
    actuator = Actuator()
    assert await actuator.operation.run("go_for", lambda: actuator.end(0.5)) == "done"
    assert actuator.operation.running is None
    assert actuator.made_safe == 0


async def test_a_caller_who_is_cancelled_leaves_the_actuator_safe_in_that_moment():
    actuator = Actuator()
    task = await started(actuator)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert actuator.power == 0.0


async def test_a_caller_who_is_cancelled_does_not_leave_the_power_on_until_the_motion_has_ended():
    actuator = Actuator()
    task = asyncio.ensure_future(actuator.operation.run("go_for", lambda: actuator.run_and_end_slowly(0.5)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert actuator.power == 0.5
    task.cancel()
    await asyncio.wait({task})
    assert (actuator.power, actuator.ends) == (0.0, 0)
    await actuator.operation.ended()


async def test_two_cancellations_in_a_row_make_no_difference():
    actuator = Actuator()
    task = await started(actuator)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert actuator.power == 0.0


async def test_a_newer_command_waits_for_the_older_to_end_and_the_older_is_told():
    actuator = Actuator()
    older = await started(actuator, 0.5)
    newer = await started(actuator, 0.8)
    with pytest.raises(SupersededError, match='motor "m": go_for was superseded by go_for'):
        await older
    assert actuator.power == 0.8
    assert actuator.made_safe == 0
    newer.cancel()
    await asyncio.wait({newer})
    assert actuator.power == 0.0


async def test_a_newer_command_begins_only_when_an_older_one_that_is_slow_to_end_has_ended():
    actuator = Actuator()
    older = asyncio.ensure_future(actuator.operation.run("go_for", lambda: actuator.run_and_end_slowly(0.5)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert actuator.power == 0.5
    await actuator.operation.take_over("set_power")
    assert actuator.ends == 1
    await asyncio.wait({older})


async def test_the_cancelled_caller_of_a_superseded_motion_stops_nobody_else():
    actuator = Actuator()
    older = await started(actuator, 0.5)
    newer = await started(actuator, 0.8)
    older.cancel()
    await asyncio.wait({older})
    assert actuator.power == 0.8
    newer.cancel()
    await asyncio.wait({newer})


async def test_a_newer_command_cancelled_while_it_takes_over_leaves_the_actuator_safe():
    actuator = Actuator()

    async def slow_to_end() -> None:
        actuator.power = 0.5
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    older = asyncio.ensure_future(actuator.operation.run("go_for", slow_to_end))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    newer = asyncio.ensure_future(actuator.operation.take_over("set_power"))
    await asyncio.sleep(0)
    newer.cancel()
    await asyncio.wait({older, newer})
    assert actuator.power == 0.0


async def test_of_two_that_take_over_at_once_the_newest_wins():
    actuator = Actuator()
    older = await started(actuator, 0.5)
    second = asyncio.ensure_future(actuator.operation.take_over("set_power"))
    third = asyncio.ensure_future(actuator.operation.take_over("stop"))
    await asyncio.wait({older, second, third})
    with pytest.raises(SupersededError):
        second.result()
    assert third.result() is None
    with pytest.raises(SupersededError):
        older.result()


async def test_a_failing_motion_makes_safe_and_its_caller_gets_the_error():
    actuator = Actuator()
    with pytest.raises(OSError, match="a wire broke"):
        await actuator.operation.run("go_for", actuator.fail)
    assert actuator.power == 0.0
    assert isinstance(actuator.operation.failure, OSError)


async def test_a_failing_motion_nobody_waits_for_is_made_safe_and_logged(caplog):
    actuator = Actuator()
    await actuator.operation.start("set_rpm", actuator.fail)
    await actuator.operation.ended()
    await asyncio.sleep(0)
    assert actuator.power == 0.0
    assert "set_rpm failed, and was stopped: a wire broke" in caplog.text


async def test_abandoning_ends_the_motion():
    actuator = Actuator()
    task = await started(actuator)
    actuator.make_safe()
    actuator.operation.abandon()
    await actuator.operation.ended()
    await asyncio.wait({task})
    assert actuator.power == 0.0
    actuator.operation.abandon()


async def test_nothing_to_take_over_does_not_suspend():
    actuator = Actuator()
    taking_over = actuator.operation.take_over("set_power")
    with pytest.raises(StopIteration):
        taking_over.send(None)


async def test_an_error_from_outside_is_the_caller_s_and_the_actuator_safe_at_once(caplog):
    actuator = Actuator()
    task = await started(actuator)
    actuator.operation.fail(BusError("its board is gone"))
    actuator.operation.fail(BusError("told once more"))
    assert actuator.power == 0.0
    with pytest.raises(BusError, match="its board is gone"):
        await task
    assert str(actuator.operation.failure) == "its board is gone"
    assert actuator.operation.running is None
    assert caplog.text == ""


async def test_an_error_from_outside_is_logged_where_nobody_waits(caplog):
    actuator = Actuator()
    await actuator.operation.start("set_power", lambda: actuator.run(0.5))
    await asyncio.sleep(0)
    actuator.operation.fail(BusError("its board is gone"))
    await actuator.operation.ended()
    await asyncio.sleep(0)
    assert actuator.power == 0.0
    assert 'motor "m": set_power failed, and was stopped: its board is gone' in caplog.text
    caplog.clear()
    actuator.operation.fail(BusError("and once more"))
    assert 'motor "m" was stopped: and once more' in caplog.text
