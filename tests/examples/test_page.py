"""What the examples' page tells to type, to wire and to expect is what the examples are."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pi_drivers.cli.commands import main
from pi_drivers.host import header
from tests.examples.page import EXAMPLES, ROOT, TITLES, commands, output, page, section

MODEL = "bramble:pi-drivers:"
BUS_PINS = {
    **{model: {"3", "5"} for model in ("sht31", "bme280", "bh1750", "pca9685")},
    "ds18b20": {"7"},
    "adc": {"19", "21", "23", "24"},
}
"""The pins that a model needs, on I2C bus 1, on SPI bus 0 with CE0, and for 1-Wire."""


def components(example: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((EXAMPLES / f"{example}.json").read_text(encoding="utf-8"))["components"]
    return listed


def pins_in(value: object, key: str = "") -> Iterator[str]:
    """Every text in a config that is a position of the header."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from pins_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from pins_in(inner, key)
    elif isinstance(value, str) and value.isdecimal():
        yield value


def pins_of(component: dict[str, Any]) -> set[str]:
    attributes = component.get("attributes", {})
    if attributes.get("board") == "hat":
        return set()
    return {*pins_in(attributes), *BUS_PINS.get(component["model"].removeprefix(MODEL), ())}


def test_every_example_has_its_config_its_client_and_its_section():
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(TITLES)
    for example in TITLES:
        assert f"[`{example}.json`]({example}.json), [`{example}.py`]({example}.py)" in section(example)
        assert output(example)


@pytest.mark.parametrize("example", TITLES)
def test_a_config_has_no_problems_on_a_real_pi_and_names_no_back_end(example, capsys):
    assert main(["check", str(EXAMPLES / f"{example}.json")]) == 0

    assert capsys.readouterr().out == "no problems\n"
    assert not [one["name"] for one in components(example) if "backend" in one.get("attributes", {})]


@pytest.mark.parametrize("example", TITLES)
def test_its_two_commands_are_on_the_page(example):
    typed = commands(section(example))

    assert typed[0] == f"./run.sh up examples/{example}.json --backend mock"
    assert typed[1].split()[:2] == [".venv/bin/python", f"examples/{example}.py"]


def test_every_file_and_page_that_is_named_is_there():
    links = re.findall(r"\]\(([^)]+)\)", page())
    typed = [word for line in commands(page()) for word in line.split() if word.startswith("examples/")]

    assert links
    assert [link for link in links if not (EXAMPLES / link).exists()] == []
    assert [path for path in typed if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("example", TITLES)
def test_what_is_to_be_wired_is_what_the_config_says(example):
    told = set(re.findall(r"pin (\d+) \(GPIO", section(example)))
    wanted = set().union(*map(pins_of, components(example)))

    assert told == wanted


def test_every_pin_of_the_page_has_its_right_name():
    told = re.findall(r"pin (\d+) \((\w+)\)", page())

    assert told
    labels = {str(pin.number): pin.label for pin in header.HEADER}
    assert [(number, name) for number, name in told if labels[number] != name] == []


@pytest.mark.parametrize("example", TITLES)
def test_the_page_names_the_model_of_every_component(example):
    models = {one["model"].removeprefix(MODEL) for one in components(example) if one["name"] != "pi"}

    told = set(re.findall(r"\[`(\S+)`\]\(\.\./docs/models/bramble_pi-drivers_(\S+)\.md\)", section(example)))
    assert told - {("board", "board")} == {(model, model) for model in models}
