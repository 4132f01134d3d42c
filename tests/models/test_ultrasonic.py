"""Ultrasonic sensors: what is in front of them, or why nobody knows; never an old echo as a new one."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpclib import GRPCError, Status
from grpclib.testing import ChannelFor
from viam.components.board.board import Tick
from viam.components.board.client import BoardClient
from viam.rpc.server import Server

from pi_drivers import registry
from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.errors import ClaimedError, ConfigError, NoAnswerError, OutOfRangeError, StaleReadingError
from pi_drivers.models.sensor.ultrasonic import speed_of_sound
from pi_drivers.world.wall import UltrasonicTwin
from tests.models.conftest import Bench
from tests.models.test_remote_board import EspBoard, EspPin

TRIGGER, ECHO = 23, 24
PINS = {"trigger_pin": "16", "echo_interrupt_pin": "18"}
FAULTS = ["missing", "stuck_high", "spikes", "dropouts", "late"]


def twin(bench: Bench, name: str = "front") -> UltrasonicTwin:
    return bench.world.echo_on(name, TRIGGER, ECHO)


async def make(bench: Bench, **attributes: Any) -> Any:
    return await bench.make("ultrasonic", "front", **(PINS | attributes))


async def distance(sensor: Any) -> float:
    readings = await sensor.get_readings()
    assert readings["distance"] == readings["distance_m"]
    return float(readings["distance"])


async def refused(client: Any) -> tuple[Status, str]:
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    return caught.value.status, caught.value.message or ""


@pytest.mark.parametrize(("temperature_c", "metres_per_s"), [(0, 331.3), (20, 343.2), (-20, 318.9), (40, 354.7)])
def test_the_speed_of_sound_is_that_of_the_tables(temperature_c, metres_per_s):
    # Dry air at 1013 hPa, as tables print it, to a tenth.
    assert speed_of_sound(temperature_c) == pytest.approx(metres_per_s, abs=0.06)


async def test_an_echo_of_580_us_is_10_cm(bench: Bench):
    # HC-SR04 data sheet, page 2: µs / 58 = cm. That is exact at 344.83 m/s, which is air of 22.8 °C.
    bench.world.air.temperature_c = 22.8
    twin(bench).wall.distance_m = 0.580e-3 * speed_of_sound(22.8) / 2
    edges: list[int] = []
    bench.world.wire(ECHO).on_level(lambda _level, now_ns: edges.append(now_ns))
    sensor = await make(bench, temperature_c=22.8)
    assert edges[1] - edges[0] == pytest.approx(580_000, abs=1)
    assert await distance(sensor) == pytest.approx(0.10, abs=0.0001)


@pytest.mark.parametrize("distance_m", [0.021, 0.1, 0.75, 2.0, 3.99])
async def test_readings_are_the_distance_of_the_wall_and_come_without_waiting(bench: Bench, distance_m):
    bench.world.air.temperature_c = 20.0
    twin(bench).wall.distance_m = distance_m
    client = await bench.client(await make(bench))
    before_ns = bench.host.now_ns()
    readings = await client.get_readings()
    there = pytest.approx(distance_m, abs=1e-6)
    assert readings == {"distance": there, "distance_m": there}
    assert bench.host.now_ns() == before_ns


async def test_the_temperature_of_the_air_is_in_the_distance(bench: Bench):
    bench.world.air.temperature_c = -10.0
    sensor = await make(bench, temperature_c=-10.0)
    assert await distance(sensor) == pytest.approx(1.0, abs=1e-6)
    wrong = await bench.make("ultrasonic", "back", trigger_pin="11", echo_interrupt_pin="13")
    assert await distance(wrong) == pytest.approx(speed_of_sound(20) / speed_of_sound(-10), abs=1e-6)


async def test_a_wall_that_moves_is_followed(bench: Bench):
    twin(bench).wall.distance_m = lambda now_ns: 3.0 - now_ns / 1e9 * 0.5
    sensor = await make(bench, poll_interval_ms=60, temperature_c=21)
    for _ in range(20):
        await bench.wait(0.2)
        truth = 3.0 - bench.host.now_ns() / 1e9 * 0.5
        assert truth <= await distance(sensor) <= truth + 0.5 * 0.13


async def test_the_trigger_is_long_enough_comes_once_a_ping_and_rests_low(bench: Bench):
    sensor = await make(bench, poll_interval_ms=100)
    await bench.wait(2)
    assert 18 <= twin(bench).pings <= 22
    assert twin(bench).refused == 0
    assert (await sensor.get_status())["overruns"] == 0
    await bench.wait(0.05)
    assert bench.duties(TRIGGER) == (0.0,)


async def test_a_wall_that_is_gone_is_not_seen_any_more_at_once(bench: Bench):
    client = await bench.client(await make(bench, poll_interval_ms=100))
    assert (await client.get_readings())["distance_m"] == pytest.approx(1.0, abs=0.01)
    twin(bench).wall.distance_m = None
    await bench.wait(0.2)
    assert await refused(client) == (Status.OUT_OF_RANGE, 'sensor "front": nothing within 4 m')
    twin(bench).wall.distance_m = 0.5
    await bench.wait(0.2)
    assert (await client.get_readings())["distance_m"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("attributes", "reach"), [({"max_distance_m": 1.5}, "1.5"), ({"timeout_ms": 10}, "1.72")])
async def test_what_is_beyond_the_limit_counts_as_not_there(bench: Bench, attributes, reach):
    twin(bench).wall.distance_m = 2.0
    sensor = await make(bench, **attributes)
    with pytest.raises(OutOfRangeError, match=rf"nothing within {reach} m"):
        await sensor.get_readings()


async def test_what_is_too_near_is_an_error_that_says_so(bench: Bench):
    twin(bench).wall.distance_m = 0.012
    client = await bench.client(await make(bench))
    assert await refused(client) == (
        Status.OUT_OF_RANGE,
        'sensor "front": something is nearer than 2 cm, which is too near to be measured',
    )


async def test_a_sensor_without_power_fails_at_once_and_works_once_it_has_it(bench: Bench):
    twin(bench).faults.unplugged = True
    with pytest.raises(NoAnswerError, match=r'sensor "front": no echo began. Is the sensor wired'):
        await make(bench)
    await bench._built.pop().close()
    assert bench.host.claims.listing() == {}
    twin(bench).faults.unplugged = False
    assert await distance(await make(bench)) == pytest.approx(1.0, abs=0.01)


async def test_a_sensor_that_is_pulled_out_tells_age_and_cause_and_recovers(bench: Bench):
    sensor = await make(bench)
    client = await bench.client(sensor)
    twin(bench).faults.unplugged = True
    await bench.wait(3)
    status, message = await refused(client)
    assert status is Status.UNAVAILABLE
    assert "the last good reading is" in message
    assert "no echo began" in message
    assert (await client.get_status())["waits_for"] == "an echo of its ping"
    twin(bench).faults.unplugged = False
    await bench.wait(2)
    assert await distance(sensor) == pytest.approx(1.0, abs=0.01)


async def test_an_echo_line_that_is_high_for_ever_is_never_a_distance(bench: Bench):
    twin(bench).faults.stuck_high = 1_000_000
    client = await bench.client(await bench.make("ultrasonic", "front", **PINS))
    assert (await refused(client))[0] is Status.OUT_OF_RANGE
    await bench.wait(2.5)
    assert "the echo line has been high for 1 s without a ping" in (await refused(client))[1]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("skip", [0, 1, 2])
@pytest.mark.parametrize("number", [1, 2, 7])
@pytest.mark.parametrize("poll_interval_ms", [60, 200])
async def test_every_fault_at_every_ping_is_an_error_or_the_truth_and_is_survived(
    bench: Bench, fault, skip, number, poll_interval_ms
):
    bench.world.air.temperature_c = 20.0
    there = twin(bench)
    max_age_ms = 2 * poll_interval_ms + 50
    sensor = await make(bench, poll_interval_ms=poll_interval_ms, max_age_ms=max_age_ms)
    there.wall.distance_m = lambda now_ns: 1.0 + (now_ns % 3_000_000_000) / 3e9
    there.faults.skip = skip
    setattr(there.faults, fault, number)
    errors = 0
    await bench.wait(0.2)
    for _ in range(400):
        await bench.wait(0.013)
        try:
            seen = await distance(sensor)
        except (StaleReadingError, OutOfRangeError):
            errors += 1
            continue
        ages_ms = range(max_age_ms + 1)
        truths = [there.wall.distance_at(bench.host.now_ns() - age_ms * 1_000_000) or 0 for age_ms in ages_ms]
        assert min(abs(truth - seen) for truth in truths) < 0.001
    assert errors + (await sensor.get_status())["failures"] > 0
    await bench.wait(30)
    await distance(sensor)


async def test_edges_from_before_a_ping_are_not_its_echo(bench: Bench):
    """A pulse from before the trigger leaves the queue behind it, and the sensor is silent: as if at 5 cm."""
    sensor = await make(bench)
    await bench.wait(0.15)
    drain, calls = sensor._echo.drain, iter(range(1000))
    at_ns = bench.host.now_ns()
    stale = [EdgeEvent(ECHO, True, at_ns, 0), EdgeEvent(ECHO, False, at_ns + 291_000, 0)]
    sensor._echo.drain = lambda: [*(stale if next(calls) == 1 else []), *drain()]
    twin(bench).faults.missing = 1
    await bench.wait(0.2)
    assert next(calls) > 2
    assert await distance(sensor) == pytest.approx(1.0, abs=0.01)
    assert "no echo began" in (await sensor.get_status())["error"]


async def test_edges_that_pile_up_between_two_pings_poison_nothing(bench: Bench):
    sensor = await make(bench, poll_interval_ms=200, temperature_c=21)
    for _ in range(20):
        await bench.wait(0.1)
        wire, clock = bench.world.wire(ECHO), bench.world.clock
        for _ in range(3):  # an odd one out, and pulses that look like echoes
            wire.drive_from_outside(True, twin(bench)._name)
            clock.advance(700_000)
            wire.drive_from_outside(False, twin(bench)._name)
            clock.advance(300_000)
        await bench.wait(0.1)
        assert await distance(sensor) == pytest.approx(1.0, abs=1e-6)
    assert (await sensor.get_status())["failures"] == 0


async def test_lost_edges_discard_the_ping(bench: Bench):
    sensor = await make(bench, max_age_ms=200)
    drain = sensor._echo.drain

    def lossy() -> list[EdgeEvent]:
        sensor._echo.lost += 1
        events: list[EdgeEvent] = drain()
        return events

    sensor._echo.drain = lossy
    await bench.wait(1)
    with pytest.raises(StaleReadingError, match="edges of the echo were lost"):
        await sensor.get_readings()
    assert (await sensor.get_status())["discarded_pings"] > 0


async def test_the_median_of_several_pings_is_no_outlier(bench: Bench):
    there = twin(bench)
    pings = iter([1.0, 3.0, 1.0, 0.3, 1.1] * 100)
    there.wall.distance_m = lambda _now_ns: next(pings)
    sensor = await make(bench, samples=5, poll_interval_ms=300, temperature_c=21)
    for _ in range(5):
        assert await distance(sensor) == pytest.approx(1.0, abs=1e-6)
        await bench.wait(0.3)
    assert there.pings == pytest.approx(30, abs=5)


async def test_most_of_the_pings_decide_whether_anything_is_there(bench: Bench):
    pings = iter([1.0, None, None, 1.0, 1.0, None] * 100)
    twin(bench).wall.distance_m = lambda _now_ns: next(pings)
    sensor = await make(bench, samples=3, poll_interval_ms=200, temperature_c=21)
    with pytest.raises(OutOfRangeError):
        await sensor.get_readings()
    await bench.wait(0.2)
    assert await distance(sensor) == pytest.approx(1.0, abs=1e-6)


async def test_a_few_pings_of_many_may_fail(bench: Bench):
    twin(bench).faults.spikes = 2
    sensor = await make(bench, samples=5, poll_interval_ms=500)
    assert (await sensor.get_status())["discarded_pings"] == 2
    assert await distance(sensor) == pytest.approx(1.0, abs=0.01)


async def test_pings_keep_their_distance_whatever_happens(bench: Bench):
    times: list[int] = []
    bench.world.wire(TRIGGER).on_level(lambda level, now_ns: times.append(now_ns) if level else None)
    there = twin(bench)
    there.faults.skip, there.faults.missing = 5, 3
    await make(bench, samples=3, poll_interval_ms=300, min_interval_ms=80)
    await bench.wait(5)
    assert len(times) > 40
    assert min(after - before for before, after in itertools.pairwise(times)) >= 80_000_000


async def test_a_cancelled_ping_leaves_the_trigger_low(bench: Bench):
    sensor = await make(bench, poll_interval_ms=60_000)
    ping = asyncio.create_task(sensor._meter.ping())
    while not bench.world.wire(TRIGGER).level():
        await bench.wait(0.000005)
    ping.cancel()
    await asyncio.wait({ping})
    assert bench.duties(TRIGGER) == (0.0,)


@pytest.mark.parametrize("after_s", [0.0, 0.00001, 0.00003, 0.0006, 0.003, 0.01])
async def test_closing_in_the_middle_of_a_ping_leaves_the_trigger_low_and_the_pins_free(bench: Bench, after_s):
    sensor = await make(bench, poll_interval_ms=100)
    pings = twin(bench).pings
    while twin(bench).pings == pings and not bench.world.wire(TRIGGER).level():
        await bench.wait(0.000005)
    await bench.wait(after_s)
    await sensor.close()
    assert bench.duties(TRIGGER) == (0.0,)
    assert bench.host.claims.listing() == {}
    assert await distance(await make(bench)) == pytest.approx(1.0, abs=0.01)


async def test_on_a_board_with_names_of_its_own_the_pins_have_them(bench: Bench):
    await bench.make("board", "pi", pins=[{"name": "ping", "pin": "16"}, {"name": "pong", "pin": "18"}])
    sensor = await bench.make("ultrasonic", "front", board="pi", trigger_pin="ping", echo_interrupt_pin="pong")
    assert await distance(sensor) == pytest.approx(1.0, abs=0.01)
    status = await (await bench.client(sensor)).get_status()
    assert status["pins"] == {"trigger_pin": "ping", "echo_interrupt_pin": "pong"}
    assert (status["board"], status["backend"], status["lost_edges"]) == ("pi", "mock", 0)


async def test_a_config_of_the_built_in_model_works_with_its_listed_interrupt(bench: Bench):
    board = await bench.make("board", "local", digital_interrupts=[{"name": "echo", "pin": "18"}])
    config = {"board": "local", "trigger_pin": "16", "echo_interrupt_pin": "echo", "timeout_ms": 0}
    sensor = await bench.make("ultrasonic", "front", **config)
    assert registry.load("ultrasonic").validate_config(bench.config("ultrasonic", "front", config)) == (
        ["rdk:component:board/local"],
        [],
    )
    assert await distance(sensor) == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ClaimedError, match=r'GPIO24 .* is held by sensor "front"'):
        await board.digital_interrupt_by_name("echo")
    await sensor.close()
    await board.digital_interrupt_by_name("echo")


async def test_an_interrupt_that_somebody_streams_is_not_taken_away(bench: Bench):
    board = await bench.make("board", "local", digital_interrupts=[{"name": "echo", "pin": "18"}])
    stream = await board.stream_ticks([await board.digital_interrupt_by_name("echo")])
    await anext(aiter(stream))
    with pytest.raises(ClaimedError, match='is held by board "local"'):
        await bench.make("ultrasonic", "front", board="local", trigger_pin="16", echo_interrupt_pin="echo")


async def test_a_pwm_chip_has_no_input_for_the_echo(bench: Bench):
    await bench.make("pca9685", "hat")
    with pytest.raises(ConfigError, match="a PCA9685 has outputs only"):
        await bench.make("ultrasonic", "front", board="hat", trigger_pin="1", echo_interrupt_pin="2")


async def test_a_pin_somebody_holds_is_refused_with_their_name(bench: Bench):
    await make(bench)
    with pytest.raises(ClaimedError, match=r'GPIO24 \(pin 18\) is held by sensor "front" \(echo_interrupt_pin\)'):
        await bench.make("ultrasonic", "back", trigger_pin="11", echo_interrupt_pin="18")
    assert len(bench.host.claims.listing()) == 2


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"trigger_pin": "18"}, 'echo_interrupt_pin: "18" is used by trigger_pin already'),
        ({"trigger_pin": "2"}, "trigger_pin"),
        ({"trigger_pin": 16}, "trigger_pin: write it as a string"),
        ({"samples": 4}, "poll_interval_ms: must not be below samples times min_interval_ms (240), got 200"),
        ({"min_interval_ms": 20}, "min_interval_ms: must not be below 24, got 20"),
        ({"temperature_c": 200}, "temperature_c"),
        ({"max_distance_m": 50}, "max_distance_m"),
        ({"timeout": 100}, 'did you mean "timeout_ms"'),
        ({"max_age_ms": 100}, "max_age_ms: must not be below poll_interval_ms"),
    ],
)
async def test_mistakes_in_its_config_are_named(bench: Bench, attributes, message):
    with pytest.raises(ConfigError) as caught:
        await make(bench, **attributes)
    assert message in str(caught.value)


async def test_data_capture_skips_what_it_has_where_the_config_says_so(bench: Bench):
    client = await bench.client(await make(bench, skip_unchanged=True))
    capture = {"fromDataManagement": True}
    assert "distance_m" in await client.get_readings(extra=capture)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings(extra=capture)
    assert caught.value.message == "no capture from filter module"


class SonarPin(EspPin):
    """The trigger pin of another module's board, with a sensor and its wires behind it."""

    def __init__(self, name: str, board: "SonarBoard") -> None:
        super().__init__(name, board)
        self._sonar = board

    async def set(self, high: bool, **kwargs: Any) -> None:
        await super().set(high, **kwargs)
        for level, time_ns in [] if high else self._sonar.echo:
            self._sonar.ticks.put_nowait(Tick(pin_name="E", high=level, time=time_ns))


class SonarBoard(EspBoard):
    """A board of another module that has a sensor; its clock is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.echo = [(True, 7), (False, 7 + 5_827_000)]

    async def gpio_pin_by_name(self, name: str) -> EspPin:
        return SonarPin(name, self)


REMOTE = {"board": "esp", "trigger_pin": "DT", "echo_interrupt_pin": "E"}


@pytest.fixture
async def sonar(bench: Bench) -> AsyncIterator[tuple[SonarBoard, dict[Any, Any]]]:
    """The board, and the dependencies a module would hand over: its client."""
    board = SonarBoard()
    server = Server([board])

    class Services:
        def __mapping__(self) -> Any:
            return server._server._mapping

    async with ChannelFor([Services()]) as channel:
        yield board, {SonarBoard.get_resource_name("esp"): BoardClient("esp", channel)}
        for resource in bench._built:
            await resource.close()
        board.broken = False
        await bench.wait(5)


async def test_on_another_module_s_board_both_edges_come_from_its_clock(bench: Bench, sonar):
    board, dependencies = sonar
    sensor = await bench.make("ultrasonic", "front", dependencies, **REMOTE)
    assert await distance(sensor) == pytest.approx(speed_of_sound(20) * 5.827e-3 / 2)
    board.echo = [(False, 3), (True, 7), (False, 7 + 2_000_000)]  # behind the end of an old echo
    await bench.wait(0.5)
    for level in (True, False, True):
        board.ticks.put_nowait(Tick(pin_name="E", high=level, time=5))  # and behind pulses between two pings
    await bench.wait(0.3)
    assert await distance(sensor) == pytest.approx(speed_of_sound(20) * 2e-3 / 2)
    status = await sensor.get_status()
    assert (status["stream_interruptions"], status["discarded_pings"], status["failures"]) == (0, 0, 0)


async def test_on_another_module_s_board_a_stream_that_breaks_is_no_distance(bench: Bench, sonar):
    board, dependencies = sonar
    sensor = await bench.make("ultrasonic", "front", dependencies, **REMOTE, max_age_ms=200)
    board.broken = True
    board.ticks.put_nowait(None)
    await bench.wait(2)
    with pytest.raises(StaleReadingError, match=r"brown-out|stream of ticks"):
        await sensor.get_readings()
    board.broken = False
    await bench.wait(3)
    assert math.isfinite(await distance(sensor))
    assert (await sensor.get_status())["stream_interruptions"] == 1


async def test_on_another_module_s_board_a_cancelled_ping_ends_its_trigger(bench: Bench, sonar):
    board, dependencies = sonar
    sensor = await bench.make("ultrasonic", "front", dependencies, **REMOTE)
    while board.duty["DT"] == 0.0:
        await bench.wait(0.0002)
    closing = asyncio.create_task(sensor.close())
    await bench.wait(0.1)
    await closing
    assert board.duty["DT"] == 0.0
