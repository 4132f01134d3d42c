"""Steppers on a PCA9685, whose outputs change once in a period: every step shows at the pins, or is not promised."""

from typing import Any

import pytest

from pi_drivers.errors import ConfigError
from tests.models.conftest import Bench
from tests.models.steppers import SECOND, make, motor, turned

WIRINGS: dict[str, dict[str, Any]] = {
    "step/dir": {"pins": {"step": "8", "dir": "9", "en_low": "10"}},
    "coils": {"pins": {"a": "8", "b": "9", "c": "10", "d": "11"}},
    "half steps": {"pins": {"a": "8", "b": "9", "c": "10", "d": "11"}, "phases": "half"},
}
TOP_OF_PERIODS = {"step/dir": 0.4, "coils": 0.8, "half steps": 0.8}
"""Steps per period."""
HALF_A_STEP = 1 / 400 + 1e-9
"""Between where the first coil alone draws the rotor, when the current comes on, and where two draw it together."""

wirings = pytest.mark.parametrize("wiring", list(WIRINGS))
frequencies = pytest.mark.parametrize("frequency_hz", [50, 200, 1526])


@wirings
@frequencies
async def test_every_step_is_made_at_any_frequency_of_the_chip(bench: Bench, wiring, frequency_hz):
    await bench.make("pca9685", "hat", frequency_hz=frequency_hz)
    client = await bench.client(await make(bench, board="hat", **WIRINGS[wiring]))
    await client.go_for(60, 0.01)
    zero = turned(bench) - 0.01
    assert abs(zero) <= HALF_A_STEP
    for rpm, revolutions in ((600, 0.1), (3, 0.02), (-600, 0.215), (60, 0.12)):
        await client.go_for(rpm, revolutions)
        assert turned(bench) == pytest.approx(zero + await client.get_position())
    assert await client.get_position() == pytest.approx(0.035)
    assert motor(bench).lost == 0


@wirings
@frequencies
async def test_a_stop_at_any_moment_knows_where_the_shaft_is(bench: Bench, wiring, frequency_hz):
    await bench.make("pca9685", "hat", frequency_hz=frequency_hz)
    client = await bench.client(await make(bench, board="hat", acceleration_rpm_per_s=60, **WIRINGS[wiring]))
    await client.go_for(60, 0.01)
    zero = turned(bench) - 0.01
    for rpm, seconds in ((30, 0.413), (-30, 0.2), (600, 0.777), (-600, 0.531), (5, 0.09)):
        await client.set_rpm(rpm)
        await bench.wait(seconds)
        await client.stop()
        assert turned(bench) == pytest.approx(zero + await client.get_position())
    assert motor(bench).lost == 0


@wirings
async def test_the_top_speed_is_that_of_the_board_where_the_config_has_none(bench: Bench, wiring):
    await bench.make("pca9685", "hat", frequency_hz=50)
    stepper = await make(bench, board="hat", **WIRINGS[wiring])
    began_ns = bench.host.now_ns()
    await stepper.go_for(6000, 0.5)
    steps = (await stepper.get_status())["steps_per_rotation"] / 2
    speed = steps * SECOND / (bench.host.now_ns() - began_ns)
    assert speed == pytest.approx(TOP_OF_PERIODS[wiring] * 50, rel=0.05)


@pytest.mark.parametrize(
    ("wiring", "speed", "message"),
    [
        # At 50 Hz 20 steps/s are 6 rpm, and 40 coil steps/s are 12 rpm.
        ("step/dir", {"max_rpm": 30}, r"good for 6\.\d+ rpm\. Ask for less, or give it a frequency_hz of 255\."),
        ("step/dir", {"stepper_delay_usec": 10_000}, r"good for 6\.\d+ rpm"),
        ("coils", {"max_rpm": 30}, r"good for 12\.\d+ rpm\. Ask for less, or give it a frequency_hz of 128\."),
        ("half steps", {"max_rpm": 30}, r"good for 6\.\d+ rpm"),
        ("coils", {"max_rpm": 6000}, r"Ask for less, or use pins of the Pi's header\."),
    ],
)
async def test_a_speed_that_the_board_cannot_have_is_refused_and_what_would_do_is_told(
    bench: Bench, wiring, speed, message
):
    await bench.make("pca9685", "hat", frequency_hz=50)
    with pytest.raises(ConfigError, match=f'max_rpm or stepper_delay_usec asks for .*board "hat".*{message}'):
        await make(bench, board="hat", **WIRINGS[wiring], **speed)


@pytest.mark.parametrize(("wiring", "frequency_hz"), [("step/dir", 255), ("coils", 128)])
async def test_the_frequency_that_was_told_does(bench: Bench, wiring, frequency_hz):
    await bench.make("pca9685", "hat", frequency_hz=frequency_hz)
    stepper = await make(bench, board="hat", max_rpm=30, **WIRINGS[wiring])
    await stepper.go_for(30, 1)
    assert turned(bench) == pytest.approx(1, abs=HALF_A_STEP)
