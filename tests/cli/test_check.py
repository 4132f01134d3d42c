"""`check` prints what is wrong in a machine config and opens nothing."""

from pi_drivers.cli.commands import main
from tests.cli.machines import board, entry, file_of, sensor


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


def test_a_syntax_error_is_told_with_its_place(tmp_path, capfd):
    config = tmp_path / "m.json"
    config.write_text('{"components": [,]}')

    assert main(["check", str(config)]) == 1
    assert capfd.readouterr().err == f"error: {config}:1:17: not valid JSON: Expecting value\n"


def test_a_missing_file_is_a_wrong_command_line(capfd):
    assert main(["check", "/nowhere/m.json"]) == 2
    assert "does not exist" in capfd.readouterr().err
