"""Each example does on the mock what its page says, seen from the machine as well as from what the client prints."""

import asyncio
import math
import re
from typing import Any

import pytest
from viam.components.board import Board
from viam.components.encoder import Encoder
from viam.components.motor import Motor

from tests import scene_reader
from tests.cli.machines import board, entry, file_of, sensor
from tests.cli.processes import client as connected
from tests.examples.page import EXAMPLES, is_as_on_the_page
from tests.examples.running import client, line_of, machine, rest_of, run
from tests.module.trace import Trace

SIDE_TURNS = 0.2 / (math.pi * 0.065)
CORNER_TURNS = 0.15 / 4 / 0.065


def numbers(line: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", line)]


async def test_the_rover_drives_a_square_by_its_encoders_and_stands_still(tmp_path):
    async with machine("rover", tmp_path) as (address, _):
        lines = await run(address, "rover")
        async with connected(address) as robot:
            turns = [await Motor.from_robot(robot, name).get_position() for name in ("left", "right")]
            ticks, _ = await Encoder.from_robot(robot, "left-encoder").get_position()
            moving = [await Motor.from_robot(robot, name).is_moving() for name in ("left", "right")]

    assert is_as_on_the_page("rover", lines)
    assert turns == pytest.approx([4 * (SIDE_TURNS + CORNER_TURNS), 4 * (SIDE_TURNS - CORNER_TURNS)], abs=0.01)
    assert ticks == pytest.approx(400 * turns[0], abs=1)
    assert numbers(lines[-1])[1:] == pytest.approx(turns, abs=0.006)
    assert moving == [False, False]


async def test_the_weather_station_tells_what_is_there_and_counts_rain_and_wind(tmp_path):
    async with machine("weather_station", tmp_path) as (address, _), connected(address) as robot:
        board = Board.from_robot(robot, "pi")
        for _ in range(2):
            await pulse(board, "rain")
        blowing = asyncio.create_task(blow(board))
        lines = await run(address, "weather_station")
        blowing.cancel()
        await asyncio.gather(blowing, return_exceptions=True)

    assert is_as_on_the_page("weather_station", lines)
    for air_c, humidity, pressure, lux, ground_c, rain_mm, wind_km_h, age_s in map(numbers, lines):
        assert 15 < air_c < 27
        assert ground_c == pytest.approx(air_c, abs=1)
        assert 30 < humidity < 60
        assert pressure == pytest.approx(1013.2, abs=1)
        assert lux == pytest.approx(320, abs=2)
        assert rain_mm == pytest.approx(2 * 0.2794, abs=0.05)
        assert 0 < wind_km_h < 2.4 / 0.04
        assert age_s < 20


async def pulse(board: Board, name: str) -> None:
    """A contact closes for 20 ms, and stays open for as long."""
    for kind in ("low", "high"):
        await board.do_command({"command": "fault", "target": f"signal {name}", "kind": kind})
        await asyncio.sleep(0.02)


async def blow(board: Board) -> None:
    while True:
        await pulse(board, "wind")


async def test_a_sensor_that_is_gone_says_so_in_the_place_of_its_readings(tmp_path):
    hasty = tmp_path / "weather_station.json"
    text = (EXAMPLES / hasty.name).read_text(encoding="utf-8")
    pace, hurry = '"0x76", "poll_interval_ms": 2000', '"0x76", "poll_interval_ms": 100, "max_age_ms": 1500'
    assert pace in text
    hasty.write_text(text.replace(pace, hurry))
    async with (
        machine(hasty, tmp_path) as (address, _),
        connected(address) as robot,
        client(address, "weather_station") as station,
    ):
        before = await line_of(station)
        unplug = {"command": "fault", "target": "i2c-1 0x76", "kind": "unplug"}
        await Board.from_robot(robot, "pi").do_command(unplug)
        after = (await rest_of(station))[-1]

    assert " hPa, " in before
    assert after.startswith('sensor "air": ')
    assert "hPa" not in after
    assert " lx, " in after


async def test_the_mast_looks_round_and_saves_a_new_picture_of_each_direction(tmp_path):
    folder = tmp_path / "new" / "pictures"
    async with machine("pan_tilt", tmp_path) as (address, _):
        lines = await run(address, "pan_tilt", folder)
        async with connected(address) as robot:
            channels: Any = await Board.from_robot(robot, "hat").do_command({"command": "channels"})

    assert is_as_on_the_page("pan_tilt", lines)
    seen = []
    for line in lines:
        across, up, width, height, size = numbers(line)[:5]
        path = folder / f"pan-{across:.0f}-tilt-{up:.0f}.jpg"
        picture = scene_reader.decoded(path.read_bytes())
        assert line.endswith(str(path))
        assert (picture.shape[1], picture.shape[0], path.stat().st_size) == (width, height, size)
        seen.append(scene_reader.read(picture).frame_number)
    assert sorted(set(seen)) == seen
    pulses_us = [channels[channel]["pulse_us"] for channel in ("0", "1")]
    assert pulses_us == pytest.approx([500 + 2000 * 45 / 180, 500 + 2000 * 105 / 180], abs=5)


async def test_the_conveyor_stops_where_the_parcel_breaks_the_beam_and_knows_where_it_is(tmp_path):
    async with machine("conveyor", tmp_path) as (address, _), client(address, "conveyor") as conveyor:
        lines = [await line_of(conveyor)]
        assert await run(address, "fault", "signal", "barrier", "low") == []
        lines += await rest_of(conveyor)
        async with connected(address) as robot:
            belt, board = Motor.from_robot(robot, "belt"), Board.from_robot(robot, "pi")
            switch = await board.gpio_pin_by_name("home-switch")
            stopped_turns = await belt.get_position()
            whole = math.ceil(stopped_turns)
            is_pressed = []
            for turns in (whole - 0.5, whole):
                await belt.go_to(60, turns)
                is_pressed.append(not await switch.get())

    assert is_as_on_the_page("conveyor", lines)
    assert numbers(lines[0]) == [240]
    assert 240 < numbers(lines[1])[0] == pytest.approx(120 * stopped_turns, abs=0.1)
    assert numbers(lines[1])[0] < 1200
    assert is_pressed == [False, True]


async def test_the_greenhouse_waters_the_dry_bed_for_two_seconds_and_the_other_not_at_all(tmp_path):
    trace = Trace(tmp_path / "trace.jsonl")
    async with machine("greenhouse", tmp_path, trace.path) as (address, _):
        lines = await run(address, "greenhouse")

        assert is_as_on_the_page("greenhouse", lines)
        assert trace.is_low("GPIO13", "GPIO16", "GPIO26")
        on, off = trace.of("GPIO16")[-2:]
        assert (on["level"], off["level"]) == (1, 0)
        assert (off["t_ns"] - on["t_ns"]) / 1e9 == pytest.approx(2, abs=0.4)
        assert {change.get("level") for pin in ("GPIO5", "GPIO6", "GPIO12") for change in trace.of(pin)} == {0}


async def high_since(trace: Trace, wire: str) -> int:
    for _ in range(1000):
        if trace.last(wire).get("level") == 1:
            return int(trace.last(wire)["t_ns"])
        await asyncio.sleep(0.001)
    raise AssertionError(f"{wire} was not switched on")


async def test_a_client_that_is_killed_while_it_waters_leaves_no_pump_on(tmp_path):
    trace = Trace(tmp_path / "trace.jsonl")
    async with machine("greenhouse", tmp_path, trace.path) as (address, running):
        async with client(address, "greenhouse") as greenhouse:
            for _ in range(2):
                await line_of(greenhouse)  # the second one says that it begins
            on_ns = await high_since(trace, "GPIO16")
            greenhouse.kill()
        assert await trace.low_since(["GPIO13", "GPIO16"], on_ns, 5) < 1.5
        assert running.process.returncode is None


async def test_every_sensor_is_read_and_one_that_is_gone_says_so_among_the_others(tmp_path):
    others = [entry("sensor", "bh1750", "light"), entry("servo", "servo", "arm", pin="11")]
    config = file_of(tmp_path, board(), sensor(poll_interval_ms=50, max_age_ms=300), *others)
    async with machine(config, tmp_path) as (address, _), connected(address) as robot:
        before = await run(address, "readings")
        unplug = {"command": "fault", "target": "i2c-1 0x44", "kind": "unplug"}
        await Board.from_robot(robot, "pi").do_command(unplug)
        await asyncio.sleep(0.5)
        after = await run(address, "readings")

    assert [re.sub(r"[\d.]+$", "", line) for line in before] == [
        "air: relative_humidity_pct ", "air: temperature_c ", "light: lux ",
    ]  # fmt: skip
    assert [line[:20] for line in after] == ['air: sensor "air": t', before[2][:20]]


async def test_a_vector_is_a_line_among_the_readings(tmp_path):
    config = file_of(tmp_path, board(), entry("movement_sensor", "mpu6050", "imu"))
    async with machine(config, tmp_path) as (address, _):
        lines = await run(address, "readings")

    assert {line.split()[1] for line in lines} >= {"linear_acceleration", "angular_velocity", "orientation"}
    acceleration = next(line for line in lines if "linear_acceleration" in line)
    assert re.fullmatch(r"imu: linear_acceleration x -?[\d.]+, y -?[\d.]+, z 9\.\d+", acceleration)


async def test_a_machine_without_sensors_is_told_as_such(tmp_path):
    empty = tmp_path / "empty.json"
    empty.write_text('{"components": []}', encoding="utf-8")
    async with machine(empty, tmp_path) as (address, _):
        assert await run(address, "readings") == ["this machine has no sensors"]


async def test_a_client_that_finds_nobody_says_so_in_a_line_and_not_in_a_traceback(tmp_path):
    async with client(str(tmp_path / "nobody.sock"), "rover") as rover:
        _, errors = await rover.communicate()

    assert rover.returncode == 1
    assert errors.decode().splitlines()[-1].startswith(f"Nobody answers at {tmp_path / 'nobody.sock'}.")
    assert b"Traceback" not in errors
