"""The loop that moves time instead of sleeping has patience with threads, whose time it cannot move."""

import asyncio
import threading

from pi_drivers.world.clock import HandClock
from pi_drivers.world.hand_driven import HandDrivenLoop


def test_threads_are_waited_for_at_the_end_however_short_the_limit_in_robot_time():
    ended = threading.Event()

    def work() -> None:
        threading.Event().wait(0.05)
        ended.set()

    async def leave_it_behind() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HandDrivenLoop)
        loop.run_in_executor(None, work)
        await loop.shutdown_default_executor(1)

    with asyncio.Runner(loop_factory=lambda: HandDrivenLoop(HandClock())) as runner:
        runner.run(leave_it_behind())
        assert ended.is_set()
