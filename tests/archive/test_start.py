"""The archive on a machine without a network, without a compiler and without anything of this repository."""

import shutil

import pytest
from viam.components.sensor.client import SensorClient

from tests.archive.building import HERE, unpack
from tests.archive.empty_machine import EmptyMachine, is_possible
from tests.module.conftest import PYTHONS, _version
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = [
    pytest.mark.skipif(HERE is None, reason="there is no archive for this architecture"),
    pytest.mark.skipif(not is_possible(), reason="this user may make no name spaces: the machine cannot be emptied"),
]


@pytest.fixture(scope="module", params=PYTHONS, ids=[f"py{_version(python)}" for python in PYTHONS])
def prepared(request, builder, tmp_path_factory):
    """A machine whose viam-server has just unpacked the module and run its first_run; and what that said."""
    box = tmp_path_factory.mktemp("box")
    unpack(builder.archive(HERE), box / "module")
    machine = EmptyMachine(box, request.param)
    done = machine.run(box / "module" / "first_run.sh")
    yield machine, done
    shutil.rmtree(box)


async def serve(machine: EmptyMachine) -> tuple[set[str], str]:
    """Start the module as viam-server does and read a simulated sensor; what it tells, and what the module wrote."""
    async with FakeViamServer(machine.start()) as server:
        await server.ready(within_s=120)
        await server.configure(component("sensor", "sht31", "air", {"backend": "mock"}))
        readings = set(await server.direct(SensorClient, "air").get_readings(timeout=5))
        status, _ = await server.stop()
        assert status == 0, server.child.output
        return readings, server.child.output


def test_first_run_makes_the_environment_where_viam_keeps_data(prepared):
    machine, done = prepared

    assert done.returncode == 0, done.stderr
    assert "there is no Python environment yet" not in done.stderr
    (environment,) = machine.data.glob("venv-*/")
    assert (environment / "pi-drivers-setup").exists()
    assert "Python" in done.stdout


def test_what_it_installed_is_complete(prepared):
    machine, _ = prepared
    (python,) = machine.data.glob("venv-*/bin/python")
    (pip,) = (machine.module / "wheels").glob("pip-*.whl")

    checked = machine.run(python, "-I", pip / "pip", "check")
    names = "cv2, gpiod, gpiozero, _lgpio, numpy, pydantic, pynmea2, regex, rich, serial, simplejpeg, smbus2, viam"
    loaded = machine.run(python, "-I", "-c", f"import {names}")

    assert (checked.returncode, checked.stdout) == (0, "No broken requirements found.\n"), checked.stderr
    assert (loaded.returncode, loaded.stderr) == (0, "")


async def test_the_module_serves_and_its_second_start_does_no_work_again(prepared):
    machine, _ = prepared
    readings, said = await serve(machine)
    assert "temperature_c" in readings
    assert "pi-drivers setup" not in said
    before = machine.files()

    await serve(machine)

    assert machine.files() == before


def test_first_run_again_does_no_work_again(prepared):
    machine, _ = prepared
    machine.run(machine.module / "first_run.sh")
    before = machine.files()

    again = machine.run(machine.module / "first_run.sh")

    assert again.returncode == 0
    assert "pi-drivers setup" not in again.stderr
    assert machine.files() == before


@pytest.fixture
def unprepared(builder, tmp_path):
    """A machine on which first_run made nothing, or viam-server has deleted what it made."""
    unpack(builder.archive(HERE), tmp_path / "module")
    yield EmptyMachine(tmp_path, PYTHONS[0])
    shutil.rmtree(tmp_path)


async def test_the_module_starts_though_viam_server_has_deleted_its_data(unprepared):
    readings, said = await serve(unprepared)

    assert "temperature_c" in readings
    assert "pi-drivers setup: making" in said


def test_what_the_user_has_set_for_python_and_pip_does_not_matter(unprepared):
    settings = unprepared.box / "pip.conf"
    settings.write_text("[global]\ntarget = /nowhere\nno-binary = :all:\n")
    odd = [f"PIP_CONFIG_FILE={settings}", "PIP_REQUIRE_VIRTUALENV=1", "PIP_TARGET=/nowhere", "PIP_NO_BINARY=:all:",
           "PYTHONHOME=/nowhere", "PYTHONPATH=/nowhere", "TMPDIR=/nowhere"]  # fmt: skip
    gone = unprepared.box / "gone"
    gone.mkdir()

    done = unprepared.run(
        "sh", "-c", f'cd {gone} && rmdir {gone} && exec "$@"', "sh",
        "env", "-u", "HOME", *odd, unprepared.module / "first_run.sh",
    )  # fmt: skip

    assert done.returncode == 0
    assert "there is no Python environment yet" not in done.stderr
    assert "Python" in done.stdout
    assert [path.name for path in unprepared.data.glob("venv-*/pi-drivers-setup")]


def test_a_damaged_wheel_is_found_and_nothing_half_made_stays(unprepared):
    (wheel,) = (unprepared.module / "wheels").glob("viam_sdk-*.whl")
    wheel.write_bytes(wheel.read_bytes()[:-100] + bytes(100))

    done = unprepared.run(unprepared.module / "first_run.sh")

    assert done.returncode == 0
    assert "If a file is damaged, install the module anew" in done.stderr
    assert "there is no Python environment yet" in done.stderr
    assert not list(unprepared.data.glob("venv-*/"))
