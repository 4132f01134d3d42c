"""meta.json says what the code says."""

import json
import stat
from pathlib import Path

import pytest

from pi_drivers import registry
from pi_drivers.cli import generate, meta, pages

ROOT = Path(__file__).parents[1]
META = json.loads((ROOT / "meta.json").read_text(encoding="utf-8"))


def test_meta_json_is_what_the_generator_writes():
    written = (ROOT / "meta.json").read_text(encoding="utf-8")

    assert written == meta.text(), "run: python -m pi_drivers.cli.generate"


def test_every_model_of_the_table_is_listed_once_with_its_api():
    listed = {entry["model"]: entry["api"] for entry in META["models"]}

    assert len(listed) == len(META["models"]) == len(registry.MODELS)
    for name, place in registry.MODELS.items():
        assert listed[f"bramble:pi-drivers:{name}"] == f"rdk:component:{place.partition('.')[0]}"


def test_every_file_it_names_is_there_and_can_be_run():
    for name in (META["entrypoint"], META["first_run"], META["build"]["build"], META["build"]["setup"]):
        assert (ROOT / name).stat().st_mode & stat.S_IXUSR, name


def test_the_generator_writes_the_file_and_points_to_the_pages_there_are(tmp_path, monkeypatch):
    (tmp_path / "docs" / "models").mkdir(parents=True)
    (tmp_path / "docs" / "models" / "sht31.md").touch()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setattr(meta, "ROOT", tmp_path)

    assert meta.write() == f"{tmp_path}/meta.json"
    links = {
        one["model"]: one.get("markdown_link") for one in json.loads((tmp_path / "meta.json").read_text())["models"]
    }
    assert links["bramble:pi-drivers:sht31"] == "docs/models/sht31.md"
    assert links["bramble:pi-drivers:board"] is None


def test_a_model_without_a_short_description_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda _name: type("Wordy", (), {"__doc__": "x" * 101}))

    with pytest.raises(ValueError, match="1 to 100 letters"):
        meta.short_description("wordy")


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_page_of_each_model_is_what_the_generator_writes(name):
    written = (ROOT / "docs" / "models" / f"{name}.md").read_text(encoding="utf-8")

    assert written == pages.page(name), "run: python -m pi_drivers.cli.generate"


def test_the_table_in_the_readme_is_what_the_generator_writes():
    written = (ROOT / "README.md").read_text(encoding="utf-8")

    assert written == pages.readme_with_table(written), "run: python -m pi_drivers.cli.generate"


def test_a_page_has_every_attribute_with_its_range_and_every_command():
    page = pages.page("dc-motor")

    assert "| `max_power_pct` | number, 0.06 to 1 | `1.0` |" in page
    assert "| `pins.en_low` | string |" in page
    assert "| `pins` | object | required |" in page
    assert '{"command": "velocity"}' in pages.page("incremental-encoder")
    assert "| `pins[].pull` | `up`, `down`, `none` |" in pages.page("board")


def test_generating_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    for name in ("README.md", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(meta, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "ROOT", tmp_path)

    assert generate.main() == 0

    written = capsys.readouterr().out.split()
    assert len(written) == len(registry.MODELS) + 2
    assert (tmp_path / "meta.json").read_text() == (ROOT / "meta.json").read_text()
