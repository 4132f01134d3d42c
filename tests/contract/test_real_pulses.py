"""The guard around lgpio's list of sending lines, against a model of that list.

What goes wrong without the guard lasts microseconds, or hangs a thread once in a hundred times, so it is shown here on
a model and not on pins: the newest entry must never end while others are on the list.
"""

import random
import time
from collections.abc import Callable, Iterator

import pytest

from pi_drivers.buses.gpio.contract import Pulses
from pi_drivers.buses.gpio.real_pulses import Pulser, Wave

from .pulse_sources import Endless, Listed

A, B, C = 17, 27, 22
WAVE = Wave(500, 500)


class ModelOfLgpio:
    """lgpio's list, newest first (lgPthTx.c, 0.2.2), and the levels that are written past it."""

    TX_PWM = 0
    error = OSError

    def __init__(self) -> None:
        self.list: list[tuple[int, list[tuple[int, int, int]]]] = []
        self.levels: dict[int, int] = {}
        self.harmed: list[int] = []
        """Lines that were on the list when the newest entry, another one's, ended."""

    def tx_pulse(self, handle: int, offset: int, high_us: int, low_us: int, delay_us: int = 0, count: int = 0) -> None:
        entry = self._entry(offset)
        if not high_us + low_us:
            self._remove(offset)
        elif entry is None:
            self.list.insert(0, (offset, [(high_us, low_us, count)]))
        else:
            if len(entry) > 1 and entry[-1][2] == 0:
                entry.pop()
            entry.append((high_us, low_us, count))

    def tx_room(self, handle: int, offset: int, kind: int) -> int:
        return 10 - len(self._entry(offset) or [])

    def gpio_write(self, handle: int, offset: int, level: int) -> None:
        self.levels[offset] = level

    def time_passes(self) -> None:
        """Everything that comes to an end by itself does."""
        for offset, entry in list(self.list):
            while len(entry) > 1:
                entry.pop(0)
            if entry[0][2]:
                self._remove(offset)

    def sent(self, offset: int) -> str:
        """What a meter shows after a time: `pulses`, `low`, `high`."""
        self.time_passes()
        high_us, low_us, _ = (self._entry(offset) or [(self.levels[offset], 1 - self.levels[offset], 0)])[0]
        return "pulses" if high_us and low_us else "high" if high_us else "low"

    def _entry(self, offset: int) -> list[tuple[int, int, int]] | None:
        return next((entry for at, entry in self.list if at == offset), None)

    def _remove(self, offset: int) -> None:
        assert self._entry(offset) is not None, "lgpio answers 'bad PWM micros'"
        if self.list[0][0] == offset:
            self.harmed += [at for at, _ in self.list[1:]]
        self.list = [(at, entry) for at, entry in self.list if at != offset]


@pytest.fixture
def model() -> ModelOfLgpio:
    return ModelOfLgpio()


@pytest.fixture
def pulser(model: ModelOfLgpio) -> Iterator[Pulser]:
    made = Pulser(model, 0)
    for offset in (A, B, C):
        model.gpio_write(0, offset, 0)
        made.add(offset, False)
    yield made
    made.close()


def test_the_newest_wave_ends_behind_an_idle_line(pulser: Pulser, model: ModelOfLgpio):
    pulser.send(A, WAVE)
    pulser.send(B, WAVE)
    pulser.steady(B, True)

    assert model.harmed == []
    assert [model.sent(offset) for offset in (A, B, C)] == ["pulses", "high", "low"]


def test_a_line_is_let_go_behind_the_only_other_wave(pulser: Pulser, model: ModelOfLgpio):
    pulser.remove(C)
    pulser.send(A, WAVE)
    pulser.send(B, WAVE)
    pulser.remove(B)

    assert model.harmed == []
    assert model.sent(A) == "pulses"


def test_counted_pulses_that_are_over_harm_nobody(pulser: Pulser, model: ModelOfLgpio):
    pulser.send(A, WAVE)
    run = pulser.run(B, Listed(Pulses(500, 500, 3)))
    assert run.progress() == (0, 0, True)
    model.time_passes()

    assert run.progress() == (3, 0, False)
    assert model.harmed == []
    assert [model.sent(offset) for offset in (A, B)] == ["pulses", "low"]


def test_packets_are_counted_one_by_one_as_they_leave_the_queue(pulser: Pulser, model: ModelOfLgpio):
    run = pulser.run(A, Listed(Pulses(500, 500, 3), Pulses(0, 20_000), Pulses(500, 500, 4)))
    (_, queue), *_ = model.list
    counts = [run.progress().sent]
    while len(queue) > 1:
        queue.pop(0)
        counts.append(run.progress().sent)

    assert counts == [0, 3, 3, 7]
    assert not run.progress().running


def test_a_queue_that_has_run_dry_goes_on_where_it_was(pulser: Pulser, model: ModelOfLgpio):
    source = Endless(Pulses(5000, 5000, 5))
    run = pulser.run(A, source)
    for _ in range(3):
        with pulser.lock:
            model.time_passes()
            assert run.progress() == (source.handed_out, 0, True)
        wait_until(lambda: run.progress().sent < source.handed_out)
    source.ended = True
    pulser.steady(A, False)

    assert model.sent(A) == "low"


def test_pulses_that_were_cut_off_are_not_told_as_sent(pulser: Pulser, model: ModelOfLgpio):
    run = pulser.run(A, Listed(Pulses(500, 500, 30), Pulses(500, 500, 40)))
    pulser.steady(A, True)

    assert run.progress() == (0, 30, False)
    assert model.sent(A) == "high"


def test_a_wave_that_fades_has_no_level_written_past_its_last_pulse(pulser: Pulser, model: ModelOfLgpio):
    pulser.send(A, WAVE)
    model.gpio_write(0, A, 1)  # as lgpio does in the middle of a pulse
    pulser.fade(A)
    assert model.levels[A] == 1

    pulser.remove(A)
    assert model.levels[A] == 0


def test_an_idle_high_line_stays_high_when_it_is_put_in_front(pulser: Pulser, model: ModelOfLgpio):
    pulser.steady(C, True)
    pulser.send(A, WAVE)
    pulser.send(B, WAVE)
    pulser.remove(B)

    assert model.sent(C) == "high"


@pytest.mark.parametrize("counted", [False, True], ids=["wave", "counted"])
def test_pulses_that_still_run_end_low_when_their_line_is_let_go(pulser: Pulser, model: ModelOfLgpio, counted):
    if counted:
        pulser.run(A, Listed(Pulses(500, 500, 3)))
    else:
        pulser.send(A, WAVE)
    model.gpio_write(0, A, 1)  # as lgpio does in the middle of a period
    pulser.remove(A)

    assert model.levels[A] == 0


def test_a_steady_level_stays_when_its_line_is_let_go(pulser: Pulser, model: ModelOfLgpio):
    for line in (A, B):
        pulser.send(line, WAVE)
        pulser.steady(line, True)
        pulser.remove(line)

        assert model.levels[line] == 1


@pytest.mark.parametrize("seed", range(20))
def test_whatever_lines_do_none_is_harmed_and_each_does_what_it_was_told_last(
    seed: int, pulser: Pulser, model: ModelOfLgpio
):
    chance = random.Random(seed)
    told = dict.fromkeys((A, B, C), "low")
    for _ in range(200):
        offset = chance.choice((A, B))  # C is idle or steady, as a driver's direction pin is
        match chance.randrange(6):
            case 0:
                pulser.send(offset, WAVE)
                told[offset] = "pulses"
            case 1:
                pulser.run(offset, Listed(Pulses(500, 500, 5), Pulses(0, 1000), Pulses(500, 500, 2)))
                told[offset] = "low"
            case 2:
                level = chance.random() < 0.5
                pulser.steady(offset, level)
                told[offset] = "high" if level else "low"
            case 3:
                pulser.remove(offset)
                model.gpio_write(0, offset, 0)
                pulser.add(offset, False)
                told[offset] = "low"
            case 4:
                level = chance.random() < 0.5
                pulser.steady(C, level)
                told[C] = "high" if level else "low"
            case _:
                model.time_passes()

        assert model.harmed == []
    assert {at: model.sent(at) for at in told} == told


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what the feeding thread does by itself."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)
