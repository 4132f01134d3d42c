"""The page that adds a chip: its files are put into a copy of the tree, and everything is done that it says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from viam.components.sensor import Sensor

from tests.cli.processes import client, up
from tests.docs.pages import ROOT, blocks

PAGE = "docs/adding-a-chip.md"
FILE = re.compile(r"`([\w./-]+)`:")
LINES = re.compile(r"In `([\w./-]+)`, below `(.+)`:")
DRIVER = "src/pi_drivers/models/sensor/tmp117.py"
TEST = "tests/models/test_tmp117.py"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the chip in it."""
    place = tmp_path_factory.mktemp("clone")
    for folder in ("src", "tests", "docs", "examples"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("README.md", "pyproject.toml", "meta.json"):
        shutil.copy(ROOT / file, place)
    for block in blocks(PAGE):
        if found := FILE.fullmatch(block.above):
            (place / found[1]).write_text(block.text, encoding="utf-8")
        elif found := LINES.fullmatch(block.above):
            insert_below(place / found[1], found[2], block.text)
    return place


def insert_below(file: Path, line: str, text: str) -> None:
    before = file.read_text(encoding="utf-8")
    assert before.count(f"{line}\n") == 1, line
    file.write_text(before.replace(f"{line}\n", f"{line}\n{text}"), encoding="utf-8")


def run(tree: Path, *words: str) -> str:
    """Run Python in the tree; it must end well."""
    env = {**os.environ, "PYTHONPATH": f"{tree / 'src'}:{tree}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=tree, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_the_files_and_the_lines_it_speaks_of(tree):
    assert (tree / DRIVER).exists()
    assert (tree / TEST).exists()
    assert (tree / "docs/models/parts/tmp117.md").exists()
    assert '"tmp117"' in (tree / "src/pi_drivers/registry.py").read_text(encoding="utf-8")
    assert '"tmp117"' in (tree / "tests/campaign/subjects.py").read_text(encoding="utf-8")


def test_what_it_adds_is_formatted_and_without_a_finding(tree):
    changed = (DRIVER, TEST, "src/pi_drivers/registry.py", "tests/campaign/subjects.py")
    run(tree, "-m", "ruff", "check", "--no-cache", *changed)
    run(tree, "-m", "ruff", "format", "--check", "--no-cache", *changed)


def test_what_it_adds_is_strictly_typed(tree):
    # Without what was found before, mypy reads every library anew.
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", tree / ".mypy_cache")
    run(tree, "-m", "mypy", DRIVER, TEST)


def test_its_test_passes_and_the_campaign_has_a_plan_for_it(tree):
    campaign = "tests/campaign/test_campaign.py"
    assert "passed" in run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "tmp117", TEST, campaign)


def test_the_generator_writes_its_page_and_lists_it(tree):
    run(tree, "-m", "pi_drivers.cli.generate")

    (listed,) = [one for one in json.loads((tree / "meta.json").read_text())["models"] if "tmp117" in one["model"]]
    page = (tree / listed["markdown_link"]).read_text(encoding="utf-8")
    assert "ADD0             GND: 0x48" in page
    assert "`i2c_addr`" in page
    assert "tmp117" in (tree / "README.md").read_text(encoding="utf-8")


def test_whoever_looks_at_the_bus_thinks_of_it(tree):
    ask = "from pi_drivers.models.discovery import i2c_candidates as i2c; print([x[0] for x in i2c.candidates_at(72)])"
    assert "tmp117" in run(tree, "-c", ask)


async def test_it_passes_check_and_answers_a_client_of_up_on_the_mock(tree, tmp_path):
    (config,) = blocks(PAGE, "json")
    path = tmp_path / "freezer.json"
    path.write_text(config.text, encoding="utf-8")
    assert run(tree, "-m", "pi_drivers", "check", str(path)) == "no problems\n"

    async with up(path, "--backend", "mock", "--listen", "127.0.0.1:0", PYTHONPATH=str(tree / "src")) as machine:
        async with client(await machine.address()) as robot:
            readings: Any = await Sensor.from_robot(robot, "freezer").get_readings()
        machine.process.terminate()
        assert await machine.end() == (0, "")

    assert list(readings) == ["temperature_c"]
    assert 0 < readings["temperature_c"] < 50
