"""The register of actuators: whatever one of them does, the others are made safe."""

import threading
import time
from functools import partial

from pi_drivers.runtime.guard import MAKE_SAFE_WAIT_S
from pi_drivers.runtime.safety import SafetyRegister


def fail() -> None:
    raise OSError("the bus is gone")


def test_every_actuator_is_made_safe():
    register, safe = SafetyRegister(), list[str]()
    for name in ("left", "right"):
        register.add(name, partial(safe.append, name))
    register.make_all_safe("a test")
    assert sorted(safe) == ["left", "right"]


def test_one_that_fails_is_logged_by_name_and_does_not_stop_the_rest(caplog):
    register, safe = SafetyRegister(), list[str]()
    register.add("broken", fail)
    register.add("sound", lambda: safe.append("sound"))
    register.make_all_safe("a test")
    assert safe == ["sound"]
    assert "broken could not be made safe (a test)" in caplog.text


def test_one_that_was_taken_off_is_left_alone():
    register, safe = SafetyRegister(), list[str]()
    remove = register.add("left", lambda: safe.append("left"))
    remove()
    remove()
    register.make_all_safe("a test")
    assert (safe, len(register)) == ([], 0)


def test_two_of_the_same_name_are_two():
    register, safe = SafetyRegister(), list[str]()
    remove = register.add("left", lambda: safe.append("old"))
    register.add("left", lambda: safe.append("new"))
    remove()
    register.make_all_safe("a test")
    assert safe == ["new"]


def test_an_actuator_may_take_itself_off_while_it_is_made_safe():
    register = SafetyRegister()
    remove = register.add("left", lambda: remove())  # noqa: PLW0108 - it does not exist yet
    thread = threading.Thread(target=register.make_all_safe, args=("a test",), daemon=True)
    thread.start()
    thread.join(1)
    assert (thread.is_alive(), len(register)) == (False, 0)


def test_slow_ones_come_last_and_do_not_wait_for_each_other():
    register, safe = SafetyRegister(), list[str]()
    hangs, may_end = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        may_end.wait(2)
        safe.append("hanging")

    def second() -> None:
        hangs.wait(2)
        safe.append("slow")

    register.add("hanging", hang, slow=True)
    register.add("slow", second, slow=True)
    register.add("quick", lambda: safe.append("quick"))
    began = time.monotonic()
    register.make_all_safe("a test")
    assert time.monotonic() - began < MAKE_SAFE_WAIT_S
    assert safe == ["quick", "slow"]
    may_end.set()
    for thread in threading.enumerate():
        if thread.name.startswith("make "):
            thread.join()
    assert safe == ["quick", "slow", "hanging"]


def test_a_slow_one_that_fails_is_logged_by_name(caplog):
    register = SafetyRegister()
    register.add("broken", fail, slow=True)
    register.make_all_safe("a test")
    assert "broken could not be made safe (a test)" in caplog.text


def test_where_no_thread_can_be_started_slow_ones_are_made_safe_all_the_same(monkeypatch):
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    register, safe = SafetyRegister(), list[str]()
    register.add("slow", lambda: safe.append("slow"), slow=True)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    register.make_all_safe("a test")
    assert safe == ["slow"]
