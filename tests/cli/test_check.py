"""`check` prints what is wrong in a machine config and opens nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pi_drivers import registry
from pi_drivers.cli.commands import main
from tests.cli.machines import board, entry, file_of, motor, sensor


def test_a_sound_config_is_told_so(tmp_path, capfd):
    assert main(["check", str(file_of(tmp_path, board(), sensor()))]) == 0
    assert capfd.readouterr().out == "no problems\n"


def test_every_problem_is_a_line_and_the_status_is_one(tmp_path, capfd):
    config = file_of(tmp_path, sensor(i2c_bus="x"), sensor())

    assert main(["check", str(config)]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith('components[0] sensor "air": i2c_bus: ')
    assert lines[1].startswith('components[1] sensor "air": name: ')
    assert lines[2] == f"2 problems in {config}"


def test_components_of_other_modules_are_noted(tmp_path, capfd):
    config = file_of(tmp_path, entry("arm", "x", "arm") | {"model": "acme:arms:six"})

    assert main(["check", str(config)]) == 0
    assert capfd.readouterr().out.splitlines() == [
        'note: components[0] arm "arm": model "acme:arms:six" is not one of ours; not checked',
        "no problems",
    ]


@pytest.mark.parametrize("name", ["air sensor", "größe", "-air", "hall:air", "a" * 61])
def test_a_name_that_viam_server_would_refuse_is_a_problem(tmp_path, capfd, name):
    config = file_of(tmp_path, sensor(name))

    assert main(["check", str(config)]) == 1
    assert "name: viam-server takes only letters, digits, - and _ (not first)" in capfd.readouterr().out


@pytest.mark.parametrize("name", ["air", "2nd-air_Sensor", "a" * 60])
def test_a_name_that_viam_server_takes_is_no_problem(tmp_path, name):
    assert main(["check", str(file_of(tmp_path, sensor(name)))]) == 0


def test_sections_that_are_not_looked_at_are_named(tmp_path, capfd):
    config = file_of(tmp_path, board(), services=[{"name": "nav"}], modules=[], **{"x\ny": {"z": 1}})

    assert main(["check", str(config)]) == 0
    assert capfd.readouterr().out.splitlines() == ['note: "services", "x\\ny"; not checked', "no problems"]


def test_problems_come_in_the_order_of_the_file(tmp_path, capfd):
    misnamed = board() | {"name": ""}
    config = file_of(tmp_path, board(), board("b"), sensor(i2c_bus="x"), *[board(f"b{i}") for i in range(7)],
                     motor(board="none"), misnamed)  # fmt: skip

    assert main(["check", str(config)]) == 1
    places = [line.partition("]")[0] for line in capfd.readouterr().out.splitlines()[:-1]]
    assert list(dict.fromkeys(places)) == ["components[2", "components[10", "components[11"]


@pytest.mark.parametrize("name", ["", " ", "a\nnote: fine", "a\x1b[2J", "\u2028", "\ud800"])
def test_a_name_that_cannot_be_read_is_a_problem_and_cannot_forge_a_line(tmp_path, capfd, name):
    config = file_of(tmp_path, board() | {"name": name})

    assert main(["check", str(config)]) == 1
    said, count = capfd.readouterr().out.splitlines()
    assert said.startswith("components[0]")
    assert ": name: " in said
    assert said.isprintable()
    assert count.startswith("1 problem ")


@pytest.mark.parametrize("status", [0, 1])
def test_an_output_that_takes_nothing_changes_no_status_and_leaves_no_traceback(tmp_path, status):
    config = file_of(tmp_path, sensor(i2c_bus="x" if status else 1))
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-m", "pi_drivers", "check", str(config)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, env=buffered)

    assert (done.returncode, done.stderr) == (status, b"")


def test_a_syntax_error_is_told_with_its_place(tmp_path, capfd):
    config = tmp_path / "m.json"
    config.write_text('{"components": [}')

    assert main(["check", str(config)]) == 1
    assert capfd.readouterr().err == f"error: {config}:1:17: not valid JSON: Expecting value\n"


def test_numbers_without_end_are_told_at_their_component(tmp_path, capfd):
    eye = entry("camera", "webcam", "eye", backend="mock", video_path=5, controls={"brightness": 7})
    config = file_of(tmp_path, eye)
    config.write_text(config.read_text().replace("5", "9" * 5000).replace("7", "1" + "0" * 400))

    assert main(["check", str(config)]) == 1
    controls, video_path, count = capfd.readouterr().out.splitlines()
    assert controls.startswith('components[0] camera "eye": controls.brightness: expected true or false or a')
    assert video_path.startswith('components[0] camera "eye": video_path: must be a path, a name, or a number')
    assert controls.endswith("got an infinite number")
    assert video_path.endswith("got an infinite number")
    assert count == f"2 problems in {config}"


def test_a_missing_file_is_a_wrong_command_line(capfd):
    assert main(["check", "/nowhere/m.json"]) == 2
    assert "does not exist" in capfd.readouterr().err


def test_a_model_whose_library_is_missing_is_told_at_its_component(tmp_path, capfd, monkeypatch):
    def load(_name: str) -> object:
        raise ImportError("No module named 'cv2'")

    monkeypatch.setattr(registry, "load", load)

    assert main(["check", str(file_of(tmp_path, sensor()))]) == 1
    said = "components[0] sensor \"air\": its model cannot be loaded: No module named 'cv2'"
    assert capfd.readouterr().out.splitlines()[0] == said


def test_attributes_nested_without_end_are_told_at_their_component(tmp_path, capfd):
    deep: dict[str, object] = {}
    for _ in range(100):
        deep = {"x": deep}

    assert main(["check", str(file_of(tmp_path, sensor(x=deep)))]) == 1
    assert 'components[0] sensor "air": attributes are nested deeper than 40 levels' in capfd.readouterr().out


def test_a_wrong_default_backend_is_told(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("PI_DRIVERS_BACKEND", "mok")

    assert main(["check", str(file_of(tmp_path, sensor(backend=None)))]) == 1
    assert "PI_DRIVERS_BACKEND must be one of real, mock, got 'mok'" in capfd.readouterr().err
