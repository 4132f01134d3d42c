"""`check` prints what is wrong in a machine config and opens nothing."""

from pi_drivers import registry
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
