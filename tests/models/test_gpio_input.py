"""A pin as a sensor: the level that is there, every pulse counted, a rate that is never invented."""

from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.board.board import Tick

from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.errors import BusError, ConfigError, StaleReadingError
from pi_drivers.models.sensor.pulse_record import PulseRecord
from pi_drivers.runtime import kept_state
from pi_drivers.world.pulser import Pulser
from tests.models.conftest import Bench
from tests.models.test_remote_board import esp

__all__ = ["esp"]

LINE = 25
SECOND = 1_000_000_000
REMOTE = {"board": "esp", "pin": "A"}


@pytest.fixture(autouse=True)
def fresh_memory():
    kept_state._in_process.clear()


def signal(bench: Bench) -> Pulser:
    return bench.world.pulser_on("in", LINE)


async def make(bench: Bench, **attributes: Any) -> Any:
    return await bench.make("gpio-input", "in", pin="22", **attributes)


async def reading(sensor: Any, key: str) -> Any:
    readings = await sensor.get_readings()
    assert list(readings) == [key]
    return readings[key]


async def refused(client: Any) -> tuple[Status, str]:
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    return caught.value.status, caught.value.message or ""


@pytest.mark.parametrize("active_low", [False, True])
async def test_the_level_is_that_of_now_and_true_when_the_pin_is_active(bench: Bench, active_low):
    client = await bench.client(await make(bench, active_low=active_low))
    assert await reading(client, "level") is False
    signal(bench).level(not active_low)
    assert await reading(client, "level") is True
    signal(bench).level(active_low)
    assert await reading(client, "level") is False


@pytest.mark.parametrize(("pull", "level"), [("up", True), ("down", False)])
async def test_the_pull_holds_a_pin_whose_cable_is_off(bench: Bench, pull, level):
    signal(bench).level(None)
    client = await bench.client(await make(bench, pull=pull))
    assert await reading(client, "level") is level


async def test_a_level_counts_when_it_has_held(bench: Bench):
    client = await bench.client(await make(bench, debounce_ms=20))
    signal(bench).bounce(True, times=3, gap_us=2000)
    await bench.wait(0.025)
    assert await reading(client, "level") is False
    await bench.wait(0.01)
    assert await reading(client, "level") is True


@pytest.mark.parametrize(("debounce_ms", "count"), [(0, 6), (5, 1)])
async def test_a_contact_that_bounces_counts_once_with_debouncing(bench: Bench, debounce_ms, count):
    client = await bench.client(await make(bench, measure="count", debounce_ms=debounce_ms))
    signal(bench).bounce(True, times=5, gap_us=300)
    await bench.wait(0.1)
    assert await reading(client, "count") == count


async def test_every_pulse_is_counted_however_seldom_anybody_asks(bench: Bench):
    client = await bench.client(await make(bench, measure="count"))
    signal(bench).pulses(2_000, number=20_000)
    await bench.wait(11)
    assert await reading(client, "count") == 20_000
    assert (await client.get_status())["lost_edges"] == 0


async def test_a_count_is_complete_at_the_moment_it_is_asked_for(bench: Bench):
    sensor = await make(bench, measure="count")
    signal(bench).pulses(1_000)
    bench.world.clock.advance(5_100_000)
    assert await reading(sensor, "count") == 6


async def test_edges_that_did_not_fit_the_buffer_are_told(bench: Bench):
    sensor = await make(bench, measure="count")
    signal(bench).pulses(100_000, number=2_000)
    bench.world.clock.advance(SECOND)
    assert await reading(sensor, "count") == 512
    assert (await sensor.get_status())["lost_edges"] == 4000 - 1024


async def test_reset_sets_the_count_to_zero(bench: Bench):
    client = await bench.client(await make(bench, measure="count"))
    signal(bench).pulses(100, number=7)
    await bench.wait(1)
    assert await client.do_command({"command": "reset"}) == {"was": 7}
    assert await reading(client, "count") == 0
    signal(bench).pulses(100, number=2)
    await bench.wait(1)
    assert await reading(client, "count") == 2
    assert "reset" in await client.do_command({"command": "help"})


async def test_what_counts_nothing_cannot_be_reset(bench: Bench):
    client = await bench.client(await make(bench, measure="rate"))
    with pytest.raises(GRPCError, match='counts nothing: its config says "measure": "rate"') as caught:
        await client.do_command({"command": "reset"})
    assert caught.value.status is Status.UNIMPLEMENTED


async def test_a_count_outlives_a_rebuild_unless_it_means_something_else(bench: Bench):
    sensor = await make(bench, measure="count")
    signal(bench).pulses(100, number=7)
    await bench.wait(1)
    await sensor.close()
    sensor = await make(bench, measure="count", debounce_ms=1)
    assert await reading(sensor, "count") == 7
    signal(bench).pulses(100, number=2)
    await bench.wait(1)
    assert await reading(sensor, "count") == 9
    await sensor.close()
    assert await reading(await make(bench, measure="count", active_low=True), "count") == 0


@pytest.mark.parametrize("rate_hz", [0.3, 1.0, 12.5, 60.0, 2_000.0])
async def test_slow_and_fast_rates_are_right_at_any_moment(bench: Bench, rate_hz):
    sensor = await make(bench, measure="rate")
    signal(bench).pulses(rate_hz)
    await bench.wait(2.5 / rate_hz + 1)
    for _ in range(20):
        await bench.wait(0.177)
        assert await reading(sensor, "rate_hz") == pytest.approx(rate_hz, rel=1e-6)


async def test_a_rate_falls_as_soon_as_pulses_stay_away_and_ends_at_zero(bench: Bench):
    sensor = await make(bench, measure="rate", silence_ms=3000)
    signal(bench).pulses(100)
    await bench.wait(2)
    signal(bench).level(False)
    await bench.wait(0.5)
    assert 0 < await reading(sensor, "rate_hz") <= 2.1
    await bench.wait(2.4)
    assert 0 < await reading(sensor, "rate_hz") <= 0.4
    await bench.wait(0.3)
    assert await reading(sensor, "rate_hz") == 0.0


async def test_one_pulse_is_no_rate_and_neither_is_one_behind_a_long_silence(bench: Bench):
    sensor = await make(bench, measure="rate", silence_ms=2000)
    assert await reading(sensor, "rate_hz") == 0.0
    signal(bench).pulses(10, number=5)
    await bench.wait(5)
    signal(bench).pulses(10, number=1)
    await bench.wait(0.01)
    assert await reading(sensor, "rate_hz") == 0.0


async def test_a_rate_follows_a_change_within_its_window(bench: Bench):
    sensor = await make(bench, measure="rate", window_ms=200)
    signal(bench).pulses(50)
    await bench.wait(1)
    signal(bench).pulses(400)
    await bench.wait(0.25)
    assert await reading(sensor, "rate_hz") == pytest.approx(400, rel=0.01)


def edge(rising: bool, at_ns: int) -> EdgeEvent:
    return EdgeEvent(LINE, rising, at_ns, 0)


def test_edges_at_one_moment_make_no_infinite_rate():
    record = PulseRecord(SECOND, 10 * SECOND)
    record.take([edge(True, 7), edge(True, 7), edge(True, 7)], 7)
    assert record.rate_hz(7) == 0.0
    assert record.count == 3


def test_a_clock_that_jumps_back_makes_no_rate():
    record = PulseRecord(SECOND, 10 * SECOND)
    record.take([edge(True, 2 * SECOND), edge(True, SECOND)], 0)
    assert record.rate_hz(0) == 0.0


def test_nothing_is_told_across_a_gap():
    record = PulseRecord(SECOND, 10 * SECOND)
    record.take([edge(True, 0), edge(False, 1000), edge(True, 2000)], 0)
    record.take([edge(False, 9000), edge(True, 10_000)], 0, gap=True)
    record.take([edge(False, 20_000)], 0)
    assert record.width_ns == 1000
    assert record.rate_hz(0) == 0.0
    assert record.count == 3


def test_a_flood_of_pulses_fills_no_memory():
    record = PulseRecord(60 * SECOND, 60 * SECOND)
    record.take([edge(True, 1000 * i) for i in range(50_000)], 0)
    assert len(record._rises) == 10_000
    assert record.rate_hz(0) == pytest.approx(1e6)


@pytest.mark.parametrize("width_us", [150.0, 1500.0, 40_000.0])
async def test_the_width_is_that_of_the_last_whole_pulse(bench: Bench, width_us):
    sensor = await make(bench, measure="pulse_width")
    signal(bench).pulses(20, width_us)
    await bench.wait(0.97)
    for _ in range(10):
        await bench.wait(0.013)
        assert await reading(sensor, "pulse_width_us") == pytest.approx(width_us, abs=0.001)


async def test_a_pulse_that_is_long_over_is_no_reading(bench: Bench):
    client = await bench.client(await make(bench, measure="pulse_width", max_age_ms=500))
    assert await refused(client) == (Status.UNAVAILABLE, 'sensor "in": there was no whole pulse yet')
    signal(bench).pulses(20, 1500, number=3)
    await bench.wait(0.3)
    assert await reading(client, "pulse_width_us") == pytest.approx(1500)
    await bench.wait(1)
    assert (await refused(client))[1].startswith('sensor "in": the last whole pulse was 1.')


async def test_half_a_pulse_at_the_start_is_none(bench: Bench):
    signal(bench).level(True)
    sensor = await make(bench, measure="pulse_width")
    await bench.wait(0.1)
    signal(bench).level(False)
    await bench.wait(0.1)
    with pytest.raises(StaleReadingError, match="no whole pulse yet"):
        await sensor.get_readings()


async def test_what_the_board_says_of_a_pin_holds_unless_said_otherwise_here(bench: Bench):
    await bench.make("board", "pi", pins=[{"name": "door", "pin": "22", "pull": "up", "active_low": True}])
    signal(bench).level(None)
    as_there = await bench.make("gpio-input", "in", board="pi", pin="door")
    assert await reading(as_there, "level") is False
    await as_there.close()
    otherwise = await bench.make("gpio-input", "in", board="pi", pin="door", active_low=False)
    assert await reading(otherwise, "level") is True


async def test_its_status_says_where_and_what(bench: Bench):
    client = await bench.client(await make(bench, measure="rate"))
    status = await client.get_status()
    expected = {"pin": "22", "measure": "rate", "lost_edges": 0, "backend": "mock", "closed": False}
    assert status == expected
    assert bench.host.claims.listing()["GPIO25 (pin 22)"].name == 'sensor "in"'


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"pin": "1"}, "pin: "),
        ({"pin": 22}, 'pin: write it as a string: "22"'),
        ({"pin": "22", "pull": "floating"}, "pull"),
        ({"pin": "22", "measure": "frequency"}, "measure"),
        ({"pin": "22", "window_ms": 100}, 'window_ms: is for "measure": "rate" only, which here is "level"'),
        ({"pin": "22", "max_age_ms": 100, "measure": "count"}, 'max_age_ms: is for "measure": "pulse_width" only'),
        ({"pin": "22", "debounce": 5}, 'did you mean "debounce_ms"'),
        ({}, "pin"),
    ],
)
async def test_mistakes_in_its_config_are_named(bench: Bench, attributes, message):
    with pytest.raises(ConfigError) as caught:
        await bench.make("gpio-input", "in", **attributes)
    assert message in str(caught.value)


async def test_a_pwm_chip_has_no_inputs(bench: Bench):
    await bench.make("pca9685", "hat")
    with pytest.raises(ConfigError, match="a PCA9685 has outputs only"):
        await bench.make("gpio-input", "in", board="hat", pin="3")


@pytest.mark.parametrize("active_low", [False, True])
async def test_on_another_module_s_board_the_level_is_asked_for(bench: Bench, esp, active_low):
    board, dependencies = esp
    client = await bench.client(await bench.make("gpio-input", "in", dependencies, **REMOTE, active_low=active_low))
    for high in (True, False):
        board.duty["A"] = float(high)
        assert await reading(client, "level") is (high is not active_low)
    board.broken = True
    assert "brown-out" in (await refused(client))[1]


@pytest.mark.parametrize("active_low", [False, True])
async def test_on_another_module_s_board_its_ticks_are_counted(bench: Bench, esp, active_low):
    board, dependencies = esp
    made = await bench.make("gpio-input", "in", dependencies, **REMOTE, measure="count", active_low=active_low)
    for i, high in enumerate((True, False, True, False, True)):
        board.ticks.put_nowait(Tick(pin_name="A", high=high, time=1000 * i))
    await bench.wait(0.1)
    assert await reading(made, "count") == (2 if active_low else 3)


@pytest.mark.parametrize("measure", ["count", "rate", "pulse_width"])
async def test_on_another_module_s_board_a_stream_that_broke_is_an_error_and_then_told(bench: Bench, esp, measure):
    board, dependencies = esp
    sensor = await bench.make("gpio-input", "in", dependencies, **REMOTE, measure=measure)
    client = await bench.client(sensor)
    board.ticks.put_nowait(Tick(pin_name="A", high=True, time=1000))
    board.ticks.put_nowait(Tick(pin_name="A", high=False, time=2000))
    await bench.wait(0.1)
    await client.get_readings()
    board.ticks.put_nowait(None)
    await bench.wait(0.1)
    assert await refused(client) == (Status.UNAVAILABLE, 'board "esp": it has ended its stream of ticks')
    assert (await client.get_status())["waits_for"] == "its board, to send edges again"
    await bench.wait(1)
    await client.get_readings()
    assert (await client.get_status())["stream_interruptions"] == 1


async def test_a_pulse_over_a_break_of_the_stream_is_not_whole(bench: Bench, esp):
    board, dependencies = esp
    sensor = await bench.make("gpio-input", "in", dependencies, **REMOTE, measure="pulse_width")
    board.ticks.put_nowait(Tick(pin_name="A", high=True, time=1000))
    board.ticks.put_nowait(None)
    await bench.wait(1)
    board.ticks.put_nowait(Tick(pin_name="A", high=False, time=900_000_000))
    await bench.wait(0.1)
    with pytest.raises(StaleReadingError, match="no whole pulse yet"):
        await sensor.get_readings()


async def test_a_rate_is_not_reckoned_over_lost_edges(bench: Bench):
    sensor = await make(bench, measure="rate")
    signal(bench).pulses(1000, number=3000)
    bench.world.clock.advance(3 * SECOND + 10_000_000)
    assert await reading(sensor, "rate_hz") == 0.0
    signal(bench).pulses(500)
    await bench.wait(1.0)
    assert await reading(sensor, "rate_hz") == pytest.approx(500, rel=1e-3)


async def test_on_another_module_s_board_that_is_dead_the_creation_fails(bench: Bench, esp):
    board, dependencies = esp
    board.broken = True
    with pytest.raises(BusError, match="brown-out"):
        await bench.make("gpio-input", "in", dependencies, **REMOTE)


@pytest.mark.parametrize("attributes", [{"pull": "up"}, {"debounce_ms": 5}])
async def test_what_only_a_board_of_ours_can_do_is_refused_on_another(bench: Bench, esp, attributes):
    _, dependencies = esp
    with pytest.raises(ConfigError, match="needs a board of this module"):
        await bench.make("gpio-input", "in", dependencies, **REMOTE, **attributes)
