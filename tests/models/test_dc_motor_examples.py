"""Configs that people have: the example on the model's page, and the built-in motor's with only its model changed."""

import json
import re

import pytest

from pi_drivers.cli.meta import ROOT
from tests.models.conftest import Bench
from tests.models.dc_motors import OFF


async def test_the_example_on_the_page_runs(bench: Bench):
    page = (ROOT / "docs" / "models" / "bramble_pi-drivers_dc-motor.md").read_text(encoding="utf-8")
    machines = [block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if '"components"' in block]
    assert len(machines) == 1
    (example,) = json.loads(machines[0])["components"]
    motor = await bench.make("dc-motor", example["name"], **example["attributes"])
    client = await bench.client(motor)
    await client.set_power(0.5)
    await bench.wait(0.2)
    assert await client.is_powered() == (True, 0.5)
    assert bench.duties(5, 6, 12, 16) == (1.0, 0.0, 0.5, 1.0)
    await client.stop()
    assert bench.duties(5, 6, 12, 16) == (0.0,) * 4


@pytest.mark.parametrize("gains", [{}, {"control_parameters": {"p": 0.5, "i": 2.0, "d": 0.0}}])
async def test_a_built_in_motor_s_config_with_every_attribute_runs_after_changing_its_model(bench: Bench, gains):
    await bench.make("board", "local")
    await bench.make("incremental-encoder", "enc", board="local", pins={"a": "38", "b": "40"})
    motor = await bench.make(
        "dc-motor",
        "m",
        board="local",
        pins={"a": "29", "b": "31", "pwm": "32", "dir": "", "en_high": "36", "en_low": ""},
        min_power_pct=0.1,
        max_power_pct=0.9,
        pwm_freq=1000,
        dir_flip=True,
        max_rpm=120,
        ticks_per_rotation=400,
        encoder="enc",
        ramp_rate=0.1,
        **gains,
    )
    client = await bench.client(motor)
    properties = await client.get_properties()
    assert properties.position_reporting
    await client.go_for(60, 2)
    assert await client.get_position() == pytest.approx(2, abs=1 / 400)
    await client.go_to(60, -0.5)
    assert await client.get_position() == pytest.approx(-0.5, abs=1 / 400)
    await client.set_rpm(-30)
    await bench.wait(1)
    assert await client.is_moving()
    await client.reset_zero_position(0.0)
    await client.set_power(1.0)
    assert await client.is_powered() == (True, pytest.approx(0.9))
    await client.stop()
    assert bench.duties(5, 6, 12) == OFF


async def test_every_attribute_of_ours_and_every_command_through_grpc(bench: Bench):
    await bench.make("incremental-encoder", "enc", pins={"a": "38", "b": "40"})
    motor = await bench.make(
        "dc-motor",
        "m",
        pins={"a": "29", "b": "31", "pwm": "32"},
        max_rpm=200,
        ticks_per_rotation=400,
        encoder="enc",
        ramp_ms=100,
        reverse_delay_ms=50,
        stop_mode="brake",
        stall_ms=1000,
        command_timeout_ms=500,
        position_tolerance_ticks=2,
        soft_limits={"min_rev": -100, "max_rev": 100},
    )
    client = await bench.client(motor)
    found = await client.do_command({"command": "tune", "max_revolutions": 50})
    assert await client.do_command({"command": "get_tuned_pid"}) == found
    await client.go_to(100, 0)
    assert await client.get_position() == pytest.approx(0, abs=3 / 400)
    assert (await client.get_status())["braking"] is True
    await client.set_power(-0.5)
    await bench.wait(0.45)
    assert await client.is_powered() == (True, -0.5)
    await bench.wait(0.1)
    assert (await client.get_status())["command_timeouts"] == 1
    assert await client.do_command({"command": "brake"}) == {"braking": True}
    assert await client.do_command({"command": "clear_fault"}) == {"cleared": "none"}
