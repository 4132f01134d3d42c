"""What happens with every command is told once, and then now and then, with how often."""

import logging

import pytest

from pi_drivers.host.mock import MockHost
from pi_drivers.runtime.sparing_log import SparingLog
from pi_drivers.world.world import World

SECOND = 1_000_000_000


@pytest.fixture
def told(caplog):
    """The host, a log, and what has come out of it."""
    host = MockHost(World.by_hand())
    return host, SparingLog(logging.getLogger("tests.sparing"), host), caplog


def test_the_same_text_is_told_once_whatever_its_values_and_then_with_how_often(told):
    host, log, caplog = told
    for rpm in range(200):
        log.warning("%s: %d rpm is too fast", "m", rpm)
        host.world.clock.advance(SECOND // 40)
    assert caplog.messages == ["m: 0 rpm is too fast"]
    host.world.clock.advance(5 * SECOND)
    log.warning("%s: %d rpm is too fast", "m", 7)
    assert caplog.messages[1:] == ["m: 7 rpm is too fast (199 more of these since the last line)"]


def test_another_text_is_told_at_once_and_one_that_comes_seldom_each_time(told):
    host, log, caplog = told
    log.warning("one")
    log.warning("another")
    host.world.clock.advance(10 * SECOND)
    log.warning("one")
    assert caplog.messages == ["one", "another", "one"]
