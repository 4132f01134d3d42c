"""The page of each model says what the code says, shows what the simulated Pi answers, and stands by itself."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pi_drivers import registry
from pi_drivers.cli import meta, pages, trial
from pi_drivers.cli.checks import judge
from pi_drivers.cli.json_text import pretty
from pi_drivers.cli.reading import machine_from_text
from pi_drivers.config.attributes import json_schema
from pi_drivers.errors import ConfigError

ROOT = Path(__file__).parents[1]
PARTS = ROOT / "docs" / "models" / "parts"
LINK = re.compile(r"\]\(([^)]*)\)")
JSON = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page_of(name: str) -> str:
    return (ROOT / "docs" / "models" / f"bramble_pi-drivers_{name}.md").read_text(encoding="utf-8")


def sections(page: str) -> list[str]:
    outside_fences = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^(#{1,3} .*)$", outside_fences, re.MULTILINE)


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_page_is_what_the_generator_writes_after_running_its_example(name):
    assert page_of(name) == pages.page(name), "run: python -m pi_drivers.cli.generate"


def test_a_page_does_not_depend_on_what_was_run_before():
    assert pages.page("servo") == pages.page("servo")


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_page_has_the_sections_that_the_app_expects(name):
    found = sections(page_of(name))

    assert found[0] == f"# Model bramble:pi-drivers:{name}"
    assert found[1:4] == ["## Configuration", "### Attributes", "### Example configuration"]
    assert "## Answers" in found
    assert "## DoCommand" in found


@pytest.mark.parametrize("name", registry.MODELS)
def test_every_link_on_the_page_works_where_the_page_stands_alone(name):
    assert [link for link in LINK.findall(page_of(name)) if not link.startswith("https://")] == []


@pytest.mark.parametrize("name", registry.MODELS)
def test_every_json_on_the_page_can_be_used_as_it_is(name):
    blocks = [json.loads(block) for block in JSON.findall(page_of(name))]

    assert blocks[0] == json.loads(json.dumps(trial.example_of(name).attributes))
    configs = [block for block in blocks[1:] if "command" not in block]
    assert configs[0] == json.loads(json.dumps(trial.machine_config(name)))
    for block in configs:
        judged = judge(machine_from_text(json.dumps(_machine(block)), f"the page of {name}"))
        assert (judged.problems, judged.notes) == ([], [])


def _machine(block: Any) -> dict[str, Any]:
    """A block as a whole machine: people write single components and lists of them as well."""
    if "components" in block or "services" in block:
        return {**block}
    return {"components": block if isinstance(block, list) else [block]}


def test_the_parts_are_those_of_models_that_there_are():
    assert {path.stem for path in PARTS.iterdir()} <= set(registry.MODELS)


def test_a_link_between_the_parts_leads_to_the_other_page():
    assert "](csi-camera.md)" in (PARTS / "webcam.md").read_text(encoding="utf-8")
    assert f"/blob/main/{meta.page_path('csi-camera')})" in page_of("webcam")


def test_a_page_has_every_attribute_with_its_range_its_unit_and_whether_it_must_be_there():
    page = pages.page("dc-motor")

    assert "| `max_power_pct` | number, 0.06 to 1 |  | Optional | `1.0` |" in page
    assert "| `pins.en_low` | string |  | Optional |  |" in page
    assert "| `pins` | object |  | Required |  |" in page
    assert "| `ramp_ms` | integer, 0 to 60000 | ms | Optional | `0` |" in page


def test_a_page_shows_a_list_of_objects_and_leaves_second_names_out_of_the_template():
    page = pages.page("board")

    assert "| `pins[].pull` | `up`, `down`, `none` |" in page
    assert "| `analogs[].pin` |" in page
    assert '"analogs": [{' in page
    template = page.partition("### Attributes")[0]
    assert '"channel": <integer or string>' in template
    assert template.count('"pin":') == 2  # of pins and of digital_interrupts; that of analogs is a second name


def test_a_page_shows_the_readings_with_their_units_and_the_answers_to_commands():
    sht31 = pages.page("sht31")

    assert "| `get_readings` | `temperature_c` | number | °C | `20.9998` |" in sht31
    assert '{ "command": "heater", "on": true }' in sht31
    assert '{ "heater": true }' in sht31
    assert "| `get_voltage` | `voltage` | number | V | `12.0` |" in pages.page("ina219")


def test_a_command_that_the_example_has_not_all_for_is_told_with_the_reason():
    assert 'The example configuration above refuses it: `motor "left" has no encoder' in pages.page("dc-motor")


def test_a_reading_whose_unit_stands_in_the_config_has_it():
    assert "| `get_readings` | `battery` | number | V |" in pages.page("adc")


def test_a_long_answer_is_cut():
    shown = pages.page("pca9685").partition("### channels")[2]

    assert "  …\n}" in shown
    assert '"15"' not in shown


def test_an_example_that_cannot_be_used_is_refused_with_the_reason(monkeypatch):
    entry = trial.resource_entry("sht31")
    monkeypatch.setattr(trial, "machine_config", lambda _name: {"components": [entry | {"depends_on": ["nobody"]}]})

    with pytest.raises(ConfigError, match=r'example of sht31 cannot be used: .*"nobody"'):
        pages.page("sht31")


def test_the_table_in_the_readme_is_what_the_generator_writes():
    written = (ROOT / "README.md").read_text(encoding="utf-8")

    assert written == pages.readme_with_table(written), "run: python -m pi_drivers.cli.generate"


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_schema_of_each_model_has_its_example(name):
    schema = json_schema(registry.load(name).CONFIG)

    assert schema["examples"] == [trial.example_of(name).attributes]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ({"a": [1, 2.5, True, None], "b": {"c": "°"}}, '{ "a": [1, 2.5, true, null], "b": { "c": "°" } }'),
        ({"a": {"b": {"c": 1}}}, '{\n  "a": { "b": { "c": 1 } }\n}'),
        (["x" * 60, "y" * 60], '[\n  "' + "x" * 60 + '",\n  "' + "y" * 60 + '"\n]'),
    ],
)
def test_json_is_written_as_people_write_it(value, text):
    assert pretty(value) == text
    assert json.loads(text) == value
