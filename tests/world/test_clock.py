"""Time in the simulated Pi: whole nanoseconds, in order, by hand or paced."""

import threading
import time

from pi_drivers.world.clock import Bell, HandClock, PacedClock


def test_events_happen_in_order_at_their_own_time():
    clock = HandClock()
    seen: list[tuple[str, int]] = []
    clock.at(30, lambda: seen.append(("c", clock.now_ns())))
    clock.at(10, lambda: seen.append(("a", clock.now_ns())))
    clock.at(10, lambda: seen.append(("b", clock.now_ns())))
    clock.advance(20)
    assert seen == [("a", 10), ("b", 10)]
    assert clock.now_ns() == 20
    clock.advance_to(30)
    assert seen[-1] == ("c", 30)


def test_an_event_may_plan_another_within_the_same_stretch():
    clock = HandClock()
    seen: list[int] = []

    def tick() -> None:
        seen.append(clock.now_ns())
        clock.at(clock.now_ns() + 7, tick)

    clock.at(7, tick)
    clock.advance(70)
    assert seen == list(range(7, 71, 7))


def test_a_cancelled_event_does_not_happen_and_is_not_waited_for():
    clock = HandClock()
    seen: list[int] = []
    timer = clock.at(10, lambda: seen.append(1))
    timer.cancel()
    timer.cancel()
    assert clock.next_event_ns() is None
    clock.advance(20)
    assert seen == []


def test_time_never_goes_back():
    clock = HandClock()
    clock.advance_to(100)
    clock.advance_to(50)
    assert clock.now_ns() == 100
    clock.at(10, lambda: None)
    assert clock.next_event_ns() == 100


def test_sleeping_by_hand_moves_time_and_a_bus_worker_waits_for_it():
    clock = HandClock()
    clock.sleep(500)
    assert clock.now_ns() == 500
    woke: list[int] = []
    clock.entered()

    def work() -> None:
        clock.sleep(1000)
        woke.append(clock.now_ns())

    thread = threading.Thread(target=work, name="bus i2c-1")
    thread.start()
    while clock.running:
        time.sleep(0)
    assert woke == []
    clock.advance(999)
    assert woke == []
    clock.advance(1)
    thread.join()
    assert woke == [1500]


def test_a_bell_ends_a_sleep_at_the_moment_it_is_rung():
    clock = HandClock()
    bell = Bell()
    clock.at(300, bell.ring)
    clock.sleep(1000, bell)
    assert clock.now_ns() == 300
    clock.sleep(1000, bell)
    assert clock.now_ns() == 300

    bell.clear()
    clock.sleep(1000, bell)
    assert clock.now_ns() == 1300


def test_a_bell_wakes_a_bus_worker_once_and_its_timer_does_not_wake_it_again():
    clock = HandClock()
    bell = Bell()
    clock.entered()
    thread = threading.Thread(target=lambda: clock.sleep(1000, bell), name="bus i2c-1")
    thread.start()
    while clock.running:
        time.sleep(0)
    with clock.lock:
        bell.ring()
        bell.ring()
    thread.join()
    clock.left()
    assert clock.running == 0
    assert clock.next_event_ns() is None


def test_a_bell_wakes_a_sleeper_of_a_paced_world():
    clock = PacedClock()
    bell = Bell()
    began_ns = time.monotonic_ns()
    clock.at(clock.now_ns() + 5_000_000, bell.ring)
    clock.sleep(10_000_000_000, bell)
    assert 5_000_000 <= time.monotonic_ns() - began_ns < 5_000_000_000


def test_a_paced_world_keeps_up_with_the_wall_clock_by_itself():
    clock = PacedClock()
    happened = threading.Event()
    before = time.monotonic_ns()
    clock.at(clock.now_ns() + 5_000_000, happened.set)
    assert happened.wait(2)
    assert time.monotonic_ns() - before >= 5_000_000
    assert clock.now_ns() >= before
