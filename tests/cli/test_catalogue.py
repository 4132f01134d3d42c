"""`models` and `schema`: what there is, without opening anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pi_drivers import registry
from pi_drivers.cli.commands import main

HARDWARE = {"gpiozero", "gpiod", "lgpio", "smbus2", "serial", "spidev", "picamera2", "numpy", "cv2"}


def test_models_lists_each_model_on_a_line_with_its_api_and_what_it_is(capsys):
    assert main(["models"]) == 0

    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["MODEL", "API"]
    assert [line.split()[0] for line in lines] == list(registry.MODELS)
    sht31 = next(line for line in lines if line.startswith("sht31 "))
    assert sht31.split(maxsplit=2)[1:] == ["sensor", "Sensirion SHT31 temperature and humidity sensor over I2C"]


def test_models_for_programs_have_their_full_names(capsys):
    assert main(["models", "--json"]) == 0

    listed = json.loads(capsys.readouterr().out)
    assert {(one["model"], one["api"]) for one in listed} == {
        (str(registry.model_of(name)), str(registry.api_of(name))) for name in registry.MODELS
    }


@pytest.mark.parametrize("model", ["sht31", "bramble:pi-drivers:sht31"])
def test_schema_prints_ranges_units_defaults_texts_and_an_example(model, capsys):
    assert main(["schema", model]) == 0

    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "bramble:pi-drivers:sht31"
    assert schema["examples"] == [{"i2c_bus": 1, "i2c_addr": "0x44"}]
    interval = schema["properties"]["poll_interval_ms"]
    assert (interval["minimum"], interval["maximum"]) == (10, 3600000)
    assert (interval["default"], interval["unit"]) == (1000, "ms")
    assert interval["description"].startswith("Time between two samples")


def test_a_model_that_there_is_not_is_an_error_with_the_likely_one_and_all_others(capsys):
    assert main(["schema", "sht3"]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert 'there is no model "sht3" (did you mean "sht31"?)' in said.err
    assert all(name in said.err for name in registry.MODELS)


@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["schema", "webcam"]])
def test_a_list_or_schema_that_could_not_be_written_is_an_error(arguments):
    command = [sys.executable, "-m", "pi_drivers", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("error: the ")
    assert done.stderr.endswith(" could not be written: No space left on device\n")


def test_a_terminal_without_greek_gets_another_letter_for_ohms():
    command = [sys.executable, "-m", "pi_drivers", "schema", "ina219"]
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, capture_output=True, text=True, encoding="latin-1", check=True, env=env)

    assert json.loads(done.stdout)["properties"]["shunt_ohms"]["unit"] == "Ω"
    assert "\\u03a9" in done.stdout


@pytest.mark.parametrize("arguments", [["models"], ["schema", "webcam"]])
def test_no_hardware_library_is_loaded_for_it(arguments):
    code = f"import sys; from pi_drivers.cli.commands import main; main({arguments!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "viam" in loaded
    assert not loaded & HARDWARE
