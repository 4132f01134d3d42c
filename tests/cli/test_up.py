"""`up` serves a machine config to SDK clients and ends well, whoever is still connected."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable

import pytest
from grpclib import GRPCError
from viam.components.board import Board
from viam.components.camera import Camera
from viam.components.encoder import Encoder
from viam.components.motor import Motor
from viam.components.sensor import Sensor
from viam.utils import ValueTypes

from pi_drivers import registry
from pi_drivers.cli.commands import main
from pi_drivers.cli.up import ClientServer, address_of, is_open_to_others
from pi_drivers.errors import ArgumentError
from tests import scene_reader
from tests.cli.machines import board, entry, file_of, motor, sensor
from tests.cli.processes import PATIENCE_S, client, rover, up
from tests.hand_driven import SECOND


class FakeSensor(Sensor):
    async def get_readings(self, **_kwargs: object) -> dict[str, ValueTypes]:
        return {}


async def test_a_client_drives_the_machine_over_tcp_and_it_ends_on_sigterm_with_the_client_connected(tmp_path):
    async with up(rover(tmp_path), "--listen", "localhost:0") as machine:
        address = await machine.address()
        assert address.startswith("127.0.0.1:")
        assert not address.endswith(":0")
        async with client(address) as robot:
            await Motor.from_robot(robot, "wheel").go_for(rpm=60, revolutions=0.5)
            ticks, _ = await Encoder.from_robot(robot, "turns").get_position()
            readings = await Sensor.from_robot(robot, "air").get_readings()
            machine.process.send_signal(signal.SIGTERM)
            status, errors = await machine.end()

    assert ticks == pytest.approx(200, abs=20)
    assert set(readings) == {"temperature_c", "relative_humidity_pct"}
    assert (status, errors) == (0, "")


async def test_a_client_sees_through_a_camera_and_it_ends_while_pictures_are_asked_for(tmp_path):
    eye = entry("camera", "webcam", "eye", backend="mock", video_path=0, width_px=1280, height_px=720, rotate=180)
    async with (
        up(file_of(tmp_path, eye, sensor()), "--listen", "localhost:0") as machine,
        client(await machine.address()) as robot,
    ):
        camera = Camera.from_robot(robot, "eye")
        [image], _ = await camera.get_images()
        asking = asyncio.create_task(_for_ever(camera.get_images))
        await asyncio.sleep(0.1)
        machine.process.send_signal(signal.SIGTERM)
        status, errors = await machine.end()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    seen = scene_reader.read(scene_reader.decoded(image.data))
    assert (image.name, image.width, image.height, seen.rotated) == ("color", 1280, 720, 180)
    assert time.monotonic() - seen.taken_ms / 1e3 < PATIENCE_S
    assert (status, errors) == (0, "")


async def _for_ever(call: Callable[[], Awaitable[object]]) -> None:
    while True:
        await call()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_at_once_while_a_component_is_still_being_built(tmp_path, number):
    slow = entry("camera", "webcam", "eye", backend="mock", frame_rate=0.1)
    async with up(file_of(tmp_path, sensor(poll_interval_ms=50), slow), "--listen", "localhost:0") as machine:
        await machine.line('sensor "air" is up')
        await asyncio.sleep(1)
        machine.process.send_signal(number)
        asked_s = time.monotonic()
        status, errors = await machine.end()

    assert (status, errors) == (0, "")
    assert time.monotonic() - asked_s < 2  # the guard would end it after 2.5


async def test_a_log_that_nobody_takes_any_more_leaves_no_traceback(tmp_path):
    reads, writes = os.pipe()
    path = tmp_path / "m.sock"
    eye = entry("camera", "webcam", "eye", backend="mock", video_path=0)
    async with up(file_of(tmp_path, board(), eye), "--listen", path, stdout=writes) as machine:
        os.close(writes)
        with os.fdopen(reads) as lines:
            while not (await asyncio.to_thread(lines.readline)).startswith("listening"):
                pass
        async with client(str(path)) as robot:
            break_it = {"command": "fault", "target": "camera /dev/video0", "kind": "unplug"}
            await Board.from_robot(robot, "pi").do_command(break_it)  # the log tells of it
            camera = Camera.from_robot(robot, "eye")
            with pytest.raises(GRPCError, match="unplugged"):
                await _for_ever(camera.get_images)
        machine.process.terminate()
        assert await machine.end() == (0, "")


def test_a_log_that_nobody_takes_leaves_no_traceback_while_it_closes_either(tmp_path, capfd, run_up, monkeypatch):
    reads, writes = os.pipe()
    os.close(reads)
    logger, model = logging.getLogger("a board"), registry.load("board")
    close = model.close

    async def close_and_tell(board):
        logger.warning("it closes")
        await close(board)

    monkeypatch.setattr(model, "close", close_and_tell)
    with os.fdopen(writes, "w") as nobody:
        logger.addHandler(logging.StreamHandler(nobody))
        assert run_up(file_of(tmp_path, board()), "--listen", "127.0.0.1:0", "--duration", "1") == 0
        logger.handlers.clear()

    assert capfd.readouterr().err == ""


async def test_a_client_reaches_it_over_a_unix_socket_and_the_socket_is_gone_at_the_end(tmp_path):
    path = tmp_path / "m.sock"
    async with up(rover(tmp_path), "--listen", path) as machine:
        assert await machine.address() == str(path)
        async with client(str(path)) as robot:
            assert {name.name for name in robot.resource_names} == {"pi", "turns", "wheel", "air"}
        machine.process.send_signal(signal.SIGINT)
        status, _ = await machine.end()

    assert status == 0
    assert not path.exists()


async def test_a_second_up_on_a_socket_is_refused_and_the_first_goes_on(tmp_path):
    path = tmp_path / "m.sock"
    config = file_of(tmp_path, board())
    async with up(config, "--listen", path) as first:
        await first.address()
        async with up(config, "--listen", path) as second:
            status, errors = await second.end()
        assert (status, errors) == (1, f"error: cannot listen on {path}: Address already in use\n")
        async with client(str(path)) as robot:
            assert {name.name for name in robot.resource_names} == {"pi"}


async def test_a_socket_left_by_a_killed_up_is_taken_over(tmp_path):
    path = tmp_path / "m.sock"
    config = file_of(tmp_path, board())
    async with up(config, "--listen", path) as first:
        await first.address()
        first.process.kill()
        await first.end()
    assert path.exists()

    async with up(config, "--listen", path) as second:
        assert await second.address() == str(path)


async def test_the_end_of_one_leaves_the_socket_of_another_alone(tmp_path):
    path = tmp_path / "m.sock"
    async with up(file_of(tmp_path, board()), "--listen", path) as first:
        await first.address()
        path.rename(tmp_path / "moved.sock")
        path.touch()
        first.process.terminate()
        await first.end()

    assert path.exists()


async def test_lines_that_nobody_takes_do_not_end_it(tmp_path):
    path = tmp_path / "m.sock"
    reads, writes = os.pipe()
    os.close(reads)
    try:
        async with up(rover(tmp_path), "--listen", path, stdout=writes) as machine:
            async with asyncio.timeout(PATIENCE_S):
                while not path.exists():  # noqa: ASYNC110 - another process makes it
                    await asyncio.sleep(0.05)
            async with client(str(path)) as robot:
                while len(robot.resource_names) < 4:
                    await robot.refresh()  # type: ignore[no-untyped-call]
            machine.process.terminate()
            assert await machine.end() == (0, "")
    finally:
        os.close(writes)


async def test_a_component_that_cannot_be_built_leaves_the_others_alone(tmp_path):
    # Nothing simulates a chip on the real Pi's bus, so this one fails where the tests run.
    config = file_of(tmp_path, sensor("absent", backend="real", i2c_bus=250), sensor("air", poll_interval_ms=50))
    async with up(config, "--listen", "localhost:0") as machine:
        async with client(await machine.address()) as robot:
            assert {name.name for name in robot.resource_names} == {"air"}
        machine.process.terminate()
        status, errors = await machine.end()

    assert status == 0
    assert errors.startswith('error: sensor "absent": ')
    assert errors.rstrip().endswith("trying again every 5 s")


def test_it_stops_by_itself_after_the_duration(tmp_path, capfd, run_up):
    assert run_up(rover(tmp_path), "--listen", "127.0.0.1:0", "--duration", "60") == 0

    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == 'board "pi" is up (bramble:pi-drivers:board)'
    assert lines[-1].startswith("listening on 127.0.0.1:")


def test_the_duration_is_over_while_it_is_still_being_built(tmp_path, capfd, run_up, clock):
    slow = [entry("camera", "webcam", f"eye{number}", backend="mock", frame_rate=0.1) for number in range(3)]
    began_ns = clock.now_ns()
    assert run_up(file_of(tmp_path, sensor(), *slow), "--listen", "127.0.0.1:0", "--duration", "3") == 0

    assert clock.now_ns() - began_ns < 5 * SECOND
    out, errors = capfd.readouterr()
    assert out == 'sensor "air" is up (bramble:pi-drivers:sht31)\n'
    assert errors == ""


def test_problems_of_the_config_are_told_all_at_once_and_nothing_is_opened(tmp_path, capfd):
    config = file_of(tmp_path, motor(), sensor(i2c_bus="x"), entry("arm", "x", "arm") | {"model": "acme:arms:six"})

    assert main(["up", str(config)]) == 1
    out, errors = capfd.readouterr()
    assert out == ""
    assert [line.partition(": ")[2].partition(":")[0] for line in errors.splitlines()] == [
        'components[0] motor "wheel"', 'components[1] sensor "air"', 'components[2] arm "arm"',
    ]  # fmt: skip
    assert "only viam-server can run it" in errors


def test_the_backend_of_the_command_line_wins_and_says_so(tmp_path, capfd, run_up):
    config = file_of(tmp_path, board(backend="real"), sensor(backend=None, poll_interval_ms=50))

    assert run_up(config, "--listen", "127.0.0.1:0", "--backend", "mock", "--duration", "1") == 0
    out, errors = capfd.readouterr()
    assert errors == 'warning: board "pi" asks for backend "real", but --backend mock wins\n'
    assert 'board "pi" is up' in out


def test_listening_to_other_computers_is_warned_about(tmp_path, capfd, run_up):
    assert run_up(file_of(tmp_path, board()), "--listen", "0.0.0.0:0", "--duration", "1") == 0

    assert "can be reached from other computers, and there is no authentication" in capfd.readouterr().err


def test_an_address_that_cannot_be_had_is_told(tmp_path, capfd, run_up):
    assert run_up(file_of(tmp_path, board()), "--listen", str(tmp_path / "none" / "m.sock")) == 1

    said = f"error: cannot listen on {tmp_path}/none/m.sock: No such file or directory\n"
    assert capfd.readouterr() == ("", said)


async def test_a_wisher_that_is_built_anew_is_served_once(clock):
    server = ClientServer(print)
    first, second = FakeSensor("air"), FakeSensor("air")

    server.admit(first)
    server.dismiss(first)
    server.admit(second)

    assert set(server._server.resources.values()) == {second}


@pytest.mark.parametrize(
    ("text", "shown", "is_open"),
    [
        (":80", ("127.0.0.1", 80), False),
        ("localhost:0", ("127.0.0.1", 0), False),
        ("[::1]:80", ("::1", 80), False),
        ("0.0.0.0:80", ("0.0.0.0", 80), True),
        ("raspberrypi.local:80", ("raspberrypi.local", 80), True),
    ],
)
def test_an_address_is_read_and_judged_by_who_can_reach_it(text, shown, is_open):
    address = address_of(text)

    assert (address.host, address.port) == shown
    assert is_open_to_others(address) is is_open


def test_a_sockets_path_is_not_open_to_others():
    assert not is_open_to_others(address_of("/tmp/m.sock"))


@pytest.mark.parametrize(
    ("text", "said"),
    [("nonsense", "expected HOST:PORT"), ("localhost:70000", "between 0 and 65535"), (f"/{'x' * 103}", "103 bytes")],
)
def test_what_is_no_address_is_refused(text, said):
    with pytest.raises(ArgumentError, match=said):
        address_of(text)
