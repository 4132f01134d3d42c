"""meta.json says what the code says."""

import json
import stat
from pathlib import Path

import pytest

from pi_drivers import registry
from pi_drivers.cli import meta

ROOT = Path(__file__).parents[1]
META = json.loads((ROOT / "meta.json").read_text(encoding="utf-8"))


def test_meta_json_is_what_the_generator_writes():
    written = (ROOT / "meta.json").read_text(encoding="utf-8")

    assert written == meta.text(), "run: python -m pi_drivers.cli.meta"


def test_every_model_of_the_table_is_listed_once_with_its_api():
    listed = {entry["model"]: entry["api"] for entry in META["models"]}

    assert len(listed) == len(META["models"]) == len(registry.MODELS)
    for name, place in registry.MODELS.items():
        assert listed[f"bramble:pi-drivers:{name}"] == f"rdk:component:{place.partition('.')[0]}"


def test_every_file_it_names_is_there_and_can_be_run():
    for name in (META["entrypoint"], META["first_run"], META["build"]["build"], META["build"]["setup"]):
        assert (ROOT / name).stat().st_mode & stat.S_IXUSR, name


def test_the_generator_writes_the_file_and_points_to_the_pages_there_are(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs" / "models").mkdir(parents=True)
    (tmp_path / "docs" / "models" / "sht31.md").touch()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setattr(meta, "ROOT", tmp_path)

    assert meta.main() == 0
    assert capsys.readouterr().out == f"{tmp_path}/meta.json\n"
    links = {
        one["model"]: one.get("markdown_link") for one in json.loads((tmp_path / "meta.json").read_text())["models"]
    }
    assert links["bramble:pi-drivers:sht31"] == "docs/models/sht31.md"
    assert links["bramble:pi-drivers:board"] is None


def test_a_model_without_a_short_description_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda _name: type("Wordy", (), {"__doc__": "x" * 101}))

    with pytest.raises(ValueError, match="1 to 100 letters"):
        meta.short_description("wordy")
