"""meta.json says what the code says, in the form that the registry takes."""

import json
import re
import stat
from pathlib import Path

import pytest

from pi_drivers import registry
from pi_drivers.cli import generate, meta, pages

ROOT = Path(__file__).parents[1]
META = json.loads((ROOT / "meta.json").read_text(encoding="utf-8"))
TRIPLE = re.compile(r"[\w-]+:[\w-]+:[\w-]+")
PACKED = re.search(r'^contents="(.*)"$', (ROOT / "build.sh").read_text(encoding="utf-8"), re.MULTILINE)


def test_meta_json_is_what_the_generator_writes():
    written = (ROOT / "meta.json").read_text(encoding="utf-8")

    assert written == meta.text(), "run: python -m pi_drivers.cli.generate"


def test_every_model_of_the_table_is_listed_once_with_its_api():
    listed = {entry["model"]: entry["api"] for entry in META["models"]}

    assert len(listed) == len(META["models"]) == len(registry.MODELS)
    for name in registry.MODELS:
        assert listed[f"bramble:pi-drivers:{name}"] == str(registry.api_of(name))


def test_it_has_what_the_registry_and_its_build_require():
    assert re.fullmatch(r"[a-z0-9-]+:[a-zA-Z0-9][-\w]{0,199}", META["module_id"])
    assert META["visibility"] == "public"
    assert re.fullmatch(r"https://[\w.-]+/[\w./-]+[\w-]", META["url"])
    assert META["description"]
    assert META["build"]["arch"] == ["linux/arm64", "linux/amd64"]
    assert META["build"]["distro"] == "bookworm"
    assert META["build"]["path"] == "dist/archive.tar.gz"


@pytest.mark.parametrize("entry", META["models"], ids=lambda entry: entry["model"])
def test_a_model_is_described_as_the_registry_takes_it(entry):
    assert set(entry) == {"api", "model", "short_description", "markdown_link"}
    assert TRIPLE.fullmatch(entry["api"])
    assert TRIPLE.fullmatch(entry["model"])
    assert 0 < len(entry["short_description"]) <= 100
    assert (ROOT / entry["markdown_link"]).read_text(encoding="utf-8").startswith(f"# Model {entry['model']}\n")


def test_the_scripts_it_names_can_be_run():
    for name in (META["entrypoint"], META["first_run"], META["build"]["build"]):
        assert (ROOT / name).stat().st_mode & stat.S_IXUSR, name


def test_what_it_names_is_in_the_archive():
    assert PACKED is not None
    packed = PACKED[1].split()
    pages_named = [entry["markdown_link"] for entry in META["models"]]
    named = [META["entrypoint"], META["first_run"], META["markdown_link"], *pages_named]

    assert [name for name in named if name.partition("/")[0] not in packed] == []
    assert "meta.json" in packed


def test_each_page_has_the_name_that_viams_tools_give_it_and_there_are_no_others():
    written = {path.name for path in (ROOT / "docs" / "models").glob("*.md")}

    assert written == {f"bramble_pi-drivers_{name}.md" for name in registry.MODELS}


def test_a_model_without_a_short_description_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda _name: type("Wordy", (), {"__doc__": "x" * 101}))

    with pytest.raises(ValueError, match="1 to 100 letters"):
        meta.short_description("wordy")


def test_generating_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    for name in ("README.md", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(meta, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "ROOT", tmp_path)

    assert generate.main() == 0

    written = capsys.readouterr().out.split()
    assert f"{tmp_path}/meta.json" in written
    assert len([path for path in written if "/docs/models/" in path]) == len(registry.MODELS)
    assert (tmp_path / "meta.json").read_text() == (ROOT / "meta.json").read_text()
