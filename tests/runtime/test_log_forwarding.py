"""Log forwarding: bounded, in order, in batches, and never a burden to whoever logs."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
import viam.logging
from grpclib import GRPCError, Status
from viam.proto.common import LogEntry
from viam.proto.robot import LogRequest
from viam.robot.client import RobotClient

from pi_drivers.runtime import log_forwarding
from pi_drivers.runtime.log_entries import entry_of, make_entry
from pi_drivers.runtime.log_forwarding import ForwardingHandler, LogForwarder


class Server:
    """Takes log lines as viam-server would, or does not."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.refusal: Exception | None = None
        self.largest = 1000
        self.gate: asyncio.Event | None = None
        self.in_flight = 0

    async def __call__(self, entries: Sequence[LogEntry]) -> None:
        self.in_flight += 1
        assert self.in_flight == 1
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.refusal is not None:
                raise self.refusal
            if len(entries) > self.largest:
                raise GRPCError(Status.UNKNOWN, "batching not yet supported")
            self.batches.append([entry.message for entry in entries])
        finally:
            self.in_flight -= 1

    @property
    def lines(self) -> list[str]:
        return [line for batch in self.batches for line in batch]


@pytest.fixture
def server() -> Server:
    return Server()


def forwarder_to(server: Server, **how: Any) -> LogForwarder:
    return LogForwarder(server, **{"coalesce_s": 0, **how})


def put(forwarder: LogForwarder, *texts: str) -> None:
    for text in texts:
        forwarder.put(make_entry("a.logger", logging.INFO, text))


async def test_lines_that_come_together_travel_together(server):
    forwarder = forwarder_to(server)
    put(forwarder, "one", "two")
    await forwarder.flush(1)
    assert server.batches == [["one", "two"]]


async def test_lines_of_another_thread_arrive_in_order(server):
    forwarder = forwarder_to(server)
    texts = [str(number) for number in range(500)]
    await asyncio.to_thread(put, forwarder, *texts)
    await forwarder.flush(1)
    assert server.lines == texts


async def test_when_too_many_wait_the_oldest_are_dropped_and_counted(server):
    forwarder = forwarder_to(server, capacity=3)
    put(forwarder, *"abcde")
    await forwarder.flush(1)
    assert server.lines[1:] == ["c", "d", "e"]
    assert server.lines[0].startswith("2 log records were dropped")


async def test_a_server_that_refuses_batches_gets_single_lines(server):
    server.largest = 1
    forwarder = forwarder_to(server)
    put(forwarder, "one", "two")
    await forwarder.flush(1)
    put(forwarder, "three")
    await forwarder.flush(1)
    assert server.batches == [["one"], ["two"], ["three"]]
    assert forwarder.failures == 0


@pytest.mark.parametrize("refusal", [GRPCError(Status.UNAVAILABLE, "gone"), OSError("broken"), AttributeError("x")])
async def test_what_the_server_does_not_take_goes_to_stderr_and_hurts_nobody(server, capfd, refusal):
    server.refusal = refusal
    forwarder = forwarder_to(server)
    put(forwarder, "lost one", "lost two")
    await forwarder.flush(1)
    assert forwarder.failures == 2
    assert "lost one" in capfd.readouterr().err
    server.refusal = None
    put(forwarder, "heard")
    await forwarder.flush(1)
    assert server.lines == ["heard"]


async def test_a_server_that_does_not_answer_holds_up_the_flush_for_its_budget_only(server):
    server.gate = asyncio.Event()
    forwarder = forwarder_to(server)
    put(forwarder, "waiting")
    await forwarder.flush(0.01)
    server.gate.set()
    await forwarder.flush(1)
    assert server.lines == ["waiting"]


async def test_a_server_that_never_answers_is_given_up(server, monkeypatch, capfd):
    monkeypatch.setattr(log_forwarding, "SEND_TIMEOUT_S", 0.01)
    server.gate = asyncio.Event()
    forwarder = forwarder_to(server)
    put(forwarder, "never heard")
    await forwarder.flush(1)
    assert "never heard" in capfd.readouterr().err


async def test_after_close_lines_go_to_stderr(server, capfd):
    forwarder = forwarder_to(server)
    put(forwarder, "waits")
    forwarder.close()
    put(forwarder, "late")
    await asyncio.sleep(0)
    assert server.lines == []
    assert capfd.readouterr().err.splitlines() == ["INFO\ta/logger\twaits", "INFO\ta/logger\tlate"]


def test_a_loop_that_is_gone_is_no_reason_to_raise(server, capfd):
    async def make() -> LogForwarder:
        return forwarder_to(server)

    forwarder = asyncio.run(make())
    put(forwarder, "after the end")
    assert "after the end" in capfd.readouterr().err


async def test_nothing_stays_behind_when_all_is_said(server):
    forwarder = forwarder_to(server)
    put(forwarder, "one")
    await forwarder.flush(1)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_record_whose_arguments_do_not_fit_is_sent_as_it_is(server):
    forwarder = forwarder_to(server)
    record = logging.LogRecord("x", logging.INFO, "driver.py", 7, "%d pins", ("none",), None)
    ForwardingHandler(forwarder).handle(record)
    await forwarder.flush(1)
    assert server.lines == ["driver.py:7\t'%d pins' with arguments that do not fit: ('none',)"]


async def test_a_record_that_cannot_even_be_shown_is_no_reason_to_raise(server, capfd):
    class Nasty:
        def __repr__(self):
            raise ValueError("no")

        __str__ = __repr__

    record = logging.LogRecord("x", logging.INFO, "driver.py", 7, Nasty(), (), None)
    ForwardingHandler(forwarder_to(server)).handle(record)
    assert "a log record of x was lost" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("level", "name"), [(5, "DEBUG"), (10, "DEBUG"), (25, "INFO"), (30, "WARNING"), (40, "ERROR"), (50, "ERROR")]
)
def test_levels_are_those_that_viam_server_knows(level, name):
    assert make_entry("x", level, "text").level == name


def test_the_time_is_that_of_the_record():
    record = logging.LogRecord("x", logging.INFO, "driver.py", 7, "text", (), None)
    record.created = 1_000_000_000.25
    entry = entry_of(record)
    assert (entry.time.seconds, entry.time.nanos) == (1_000_000_000, 250_000_000)


async def test_the_sdk_still_builds_its_handlers_the_way_we_replace_them(server, monkeypatch):
    for name in ("_ModuleHandler", "_MODULE_PARENT"):
        monkeypatch.setattr(viam.logging, name, getattr(viam.logging, name))
    monkeypatch.setattr(viam.logging, "LOGGERS", {})
    old, other = (viam.logging.getLogger(f"a test's old logger {n}") for n in (1, 2))

    async def take(request: LogRequest) -> None:
        await server(request.logs)

    parent = cast("RobotClient", SimpleNamespace(_client=SimpleNamespace(Log=take)))
    threads = threading.active_count()
    forwarder = log_forwarding.forward_logs(parent)
    young = viam.logging.getLogger("a test's young logger")
    assert [type(handler) for handler in (*old.handlers, *young.handlers)] == [ForwardingHandler] * 2
    for silenced in (other, young):
        viam.logging.update_log_level(silenced, "ERROR")
    old.info("old")
    other.info("silenced")
    young.info("silenced")
    await forwarder.flush(1)
    assert [line.partition("\t")[2] for line in server.lines] == ["old"]
    assert threading.active_count() == threads
