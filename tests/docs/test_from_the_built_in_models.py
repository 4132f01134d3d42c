"""The page for those who come from other models: what it says moves over does, and what does not is said by `check`."""

import json
import re
from typing import Any

import pytest
from viam.components.movement_sensor import MovementSensor
from viam.components.power_sensor import PowerSensor
from viam.components.sensor import Sensor

from pi_drivers import registry
from pi_drivers.cli.checks import judge
from pi_drivers.cli.commands import main
from pi_drivers.cli.machine import MODEL_PREFIX
from pi_drivers.cli.reading import machine_from_text
from tests.cli.processes import client, up
from tests.docs.pages import blocks, tables

PAGE = "docs/from-the-built-in-models.md"
MODELS, READINGS = tables(PAGE)
BEFORE, AFTER = (json.loads(block.text) for block in blocks(PAGE, "json"))
FULL = "viam:raspberry-pi"

BOARD = {"name": "local", "api": "rdk:component:board", "model": f"{MODEL_PREFIX}board"}
ENCODER = {
    "name": "turns",
    "api": "rdk:component:encoder",
    "model": f"{MODEL_PREFIX}incremental-encoder",
    "attributes": {"board": "local", "pins": {"a": "11", "b": "13"}},
}
INTRINSICS = {"width_px": 640, "height_px": 480, "fx": 600, "fy": 600, "ppx": 320, "ppy": 240}

AS_THEY_ARE: list[tuple[str, str, dict[str, Any]]] = [
    # Their model, this module's, and all attributes that the page or the source of the other one has.
    ("viam:raspberry-pi:rpi5", "board", {
        "pins": [{"name": "a", "pin": "13", "type": "gpio"},
                 {"name": "b", "pin": "15", "type": "interrupt", "pull": "down", "debounce_ms": 5}],
        "analogs": [{"name": "current", "channel": "1", "spi_bus": "1", "chip_select": "0", "average_over_ms": 10,
                     "samples_per_sec": 1}],
    }),
    ("pi", "board", {
        "digital_interrupts": [{"name": "i", "pin": "15"}],
        "analogs": [{"name": "current", "pin": "1", "spi_bus": "0", "chip_select": "0", "average_over_ms": 10,
                     "samples_per_sec": 100}],
    }),
    ("gpio", "dc-motor", {
        "board": "local", "pins": {"dir": "36", "pwm": "32", "en_low": "37"}, "max_rpm": 500, "min_power_pct": 0.1,
        "max_power_pct": 1, "pwm_freq": 800, "dir_flip": True,
    }),
    ("gpio", "dc-motor", {
        "board": "local", "pins": {"a": "36", "b": "38"}, "encoder": "turns", "ticks_per_rotation": 600,
        "ramp_rate": 0.05, "control_parameters": {"p": 0, "i": 0, "d": 0},
    }),
    ("gpiostepper", "stepper", {
        "board": "local", "pins": {"step": "16", "dir": "15", "en_low": "18"}, "ticks_per_rotation": 200,
        "microsteps": 8, "max_rpm": 60, "stepper_delay_usec": 100,
    }),
    ("viam:dimensionengineering:sabertooth", "sabertooth", {
        "serial_path": "/dev/serial0", "serial_baud_rate": 9600, "serial_address": 128, "motor_channel": 1,
        "dir_flip": True, "max_rpm": 100, "min_power_pct": 0.1, "max_power_pct": 1,
    }),
    ("incremental", "incremental-encoder", {"board": "local", "pins": {"a": "16", "b": "18"}}),
    ("single", "single-encoder", {"board": "local", "pins": {"i": "16"}}),
    ("gpio", "servo", {
        "board": "local", "pin": "16", "min_angle_deg": 0, "max_angle_deg": 180, "starting_position_deg": 90,
        "frequency_hz": 300, "pwm_resolution": 0, "min_width_us": 500, "max_width_us": 2500,
    }),
    ("viam:raspberry-pi:rpi-servo", "servo", {
        "board": "local", "pin": "16", "min": 10, "max": 170, "starting_position_degs": 90, "hold_position": True,
        "max_rotation_deg": 180, "frequency_hz": 50,
    }),
    ("viam:ultrasonic:sensor", "ultrasonic", {
        "board": "local", "trigger_pin": "16", "echo_interrupt_pin": "18", "timeout_ms": 1000,
    }),
    ("viam:sensirion:sht3xd", "sht31", {"i2c_bus": "1", "i2c_addr": 69}),
    ("viam:bosch:bme280", "bme280", {"i2c_bus": "1", "i2c_addr": 118}),
    ("ds18b20", "ds18b20", {"unique_id": "000005e2fdc3"}),
    ("viam:texas-instruments:ina219", "ina219", {
        "i2c_bus": "1", "i2c_addr": 64, "max_current_amps": 3.2, "shunt_resistance": 0.1,
    }),
    ("viam:tdk-invensense:mpu6050", "mpu6050", {"i2c_bus": "1", "use_alt_i2c_address": True}),
    ("viam:gps:nmea", "nmea-gps", {
        "connection_type": "serial", "serial_attributes": {"serial_path": "/dev/serial0", "serial_baud_rate": 38400},
    }),
    ("webcam", "webcam", {
        "video_path": "video0", "width_px": 640, "height_px": 480, "frame_rate": 30, "format": "MJPEG", "debug": False,
        "intrinsic_parameters": INTRINSICS,
        "distortion_parameters": {"rk1": 0, "rk2": 0, "rk3": 0, "tp1": 0, "tp2": 0},
    }),
    ("viam:camera:csi-pi", "csi-camera", {"width_px": 1920, "height_px": 1080, "frame_rate": 30}),
]  # fmt: skip


def entry(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """A component of one of our models, which has its model's name."""
    return {
        "name": name,
        "api": str(registry.api_of(name)),
        "model": MODEL_PREFIX + name,
        "attributes": attributes,
    }


def theirs(cell: str) -> set[str]:
    """The models that a row's first cell names: `…:rpi4` stands behind a full name of the same module."""
    return {name.replace("…", FULL) for name in re.findall(r"`([^`]+)`", cell)}


def ours(cell: str) -> str:
    found = re.match(r"\[`([^`]+)`\]", cell)
    assert found, cell
    return found[1]


def counterpart(model: str, api: str) -> str:
    """What the table has for one of their models."""
    found = {ours(row[1]) for row in MODELS if model in theirs(row[0])}
    (name,) = [name for name in found if str(registry.api_of(name)) == api]
    return name


def test_a_row_that_says_so_moves_over_by_its_model_alone():
    listed = {ours(row[1]) for row in MODELS if "as they are" in row[2]}
    assert listed == {name for _, name, _ in AS_THEY_ARE}


@pytest.mark.parametrize(("model", "name", "attributes"), AS_THEY_ARE, ids=lambda one: one if type(one) is str else "")
def test_attributes_that_stay_as_they_are_pass_check(model, name, attributes):
    assert counterpart(model, str(registry.api_of(name))) == name
    moved = entry(name, attributes)
    machine = machine_from_text(json.dumps({"components": [BOARD, ENCODER, moved]}), "moved.json")
    assert judge(machine).problems == []


@pytest.mark.parametrize(
    ("name", "attributes", "complaint"),
    [
        ("board", {"board_settings": {"enable_i2c": True}}, "board_settings: unknown key"),
        ("board", {"i2cs": [{"name": "main", "bus": "1"}]}, "i2cs: unknown key"),
        ("board", {"digital_interrupts": [{"name": "i", "pin": "15", "type": "basic"}]}, "type: unknown key"),
        ("dc-motor", {"pins": {"a": "16", "b": "18"}, "max_rpm": 1, "control_config": {}}, "control_config: unknown"),
        ("stepper", {"pins": {"in1": "16"}, "ticks_per_rotation": 4096, "step_mode": "half"}, "step_mode: unknown key"),
        ("sabertooth", {"serial_path": "/dev/serial0", "channel": 1, "controller_ramp_value": 9}, "use ramp_ms"),
        ("pca9685", {"i2c_bus": "1", "i2c_address": 96}, 'did you mean "i2c_addr"'),
        ("bme280", {"i2c_bus": "1", "i2c_address": "0x77"}, 'did you mean "i2c_addr"'),
        ("nmea-gps", {"connection_type": "I2C"}, 'must be "serial"'),
    ],
)
def test_what_has_another_name_or_none_is_told(name, attributes, complaint):
    problems = judge(machine_from_text(json.dumps({"components": [entry(name, attributes)]}), "x.json")).problems
    assert any(complaint in problem for problem in problems), problems


def test_with_nothing_changed_but_the_models_check_says_what_the_page_shows(tmp_path, monkeypatch, capsys):
    moved = [{**one, "model": MODEL_PREFIX + counterpart(one["model"], one["api"])} for one in BEFORE["components"]]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-machine.json").write_text(json.dumps({"components": moved}), encoding="utf-8")

    assert main(["check", "my-machine.json"]) == 1

    (shown,) = blocks(PAGE, "")
    assert capsys.readouterr().out == shown.text


async def test_the_machine_that_moved_over_runs_on_the_mock(tmp_path):
    assert [one["name"] for one in AFTER["components"]] == [one["name"] for one in BEFORE["components"]]
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(AFTER), encoding="utf-8")

    async with up(path, "--backend", "mock", "--listen", "127.0.0.1:0") as machine:
        await machine.address()
        machine.process.terminate()
        status, _ = await machine.end()

    built = [line.partition(" is up")[0] for line in machine.lines if " is up (" in line]
    assert status == 0
    assert len(built) == len(AFTER["components"])


KEPT = {
    "sht31": {"relative_humidity_pct"},
    "bme280": {"relative_humidity_pct"},
    "ds18b20": set(),
    "mpu6050": {"linear_acceleration", "angular_velocity"},
    "ultrasonic": {"distance"},
    "ina219": {"volts", "amps", "watts", "is_ac"},
}
ATTRIBUTES = {"bme280": {"i2c_addr": "0x76"}, "ultrasonic": {"trigger_pin": "16", "echo_interrupt_pin": "18"}}


async def test_readings_have_the_names_that_the_page_says(tmp_path):
    entries = [entry(name, ATTRIBUTES.get(name, {})) for name in KEPT]
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({"components": entries}), encoding="utf-8")

    async with up(path, "--backend", "mock", "--listen", "127.0.0.1:0") as machine:
        address = await machine.address()
        for name in KEPT:
            beginning = f'{registry.api_of(name).resource_subtype} "{name}" is up'
            if not any(line.startswith(beginning) for line in machine.lines):
                await machine.line(beginning)
        async with client(address) as robot:
            got = {name: set(await readings_of(robot, name)) for name in KEPT}
        machine.process.terminate()
        await machine.end()

    for name, kept in KEPT.items():
        assert kept <= got[name]
    for model, old, new in READINGS:
        assert theirs(old).isdisjoint(got[model.strip("`")])
        assert theirs(new) <= got[model.strip("`")]


async def readings_of(robot: Any, name: str) -> Any:
    """Readings of any component that has them."""
    kinds: dict[str, Any] = {"movement_sensor": MovementSensor, "power_sensor": PowerSensor, "sensor": Sensor}
    return await kinds[registry.api_of(name).resource_subtype].from_robot(robot, name).get_readings()
