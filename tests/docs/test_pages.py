"""All pages: their JSON can be used as it stands, and their links lead somewhere."""

import json
import re
from urllib.parse import urlsplit

import pytest

from pi_drivers import registry
from pi_drivers.cli.checks import judge
from pi_drivers.cli.machine import MODEL_PREFIX
from pi_drivers.cli.reading import machine_from_text
from tests.docs.pages import ROOT, Block, blocks, text_of

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ADDED_ON_ITS_PAGE = "tmp117"
"""The model that `adding-a-chip.md` adds, and whose test runs that page."""
MACHINES = [
    pytest.param(block.text, id=f"{page}, {i}")
    for page in PAGES
    for i, block in enumerate(blocks(page, "json"))
    if MODEL_PREFIX in block.text and ADDED_ON_ITS_PAGE not in block.text
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_the_pages_are_found():
    assert {"README.md", "docs/remotes.md", "docs/containers.md"} <= set(PAGES)
    assert len(MACHINES) >= 3


def test_a_block_ends_where_its_fence_does_and_knows_the_line_above(tmp_path, monkeypatch):
    page = "So:\n\n````markdown\n```json\n{}\n```\n````\n\nThen\n\n```sh\nls\n```\n"
    monkeypatch.setattr("tests.docs.pages.text_of", lambda _: page)
    assert blocks("x") == [Block("markdown", "```json\n{}\n```\n", "So:"), Block("sh", "ls\n", "Then")]


@pytest.mark.parametrize("page", PAGES)
def test_every_json_block_is_json(page):
    for block in blocks(page, "json"):
        assert json.loads(block.text) is not None


@pytest.mark.parametrize("text", MACHINES)
def test_every_machine_of_this_module_s_models_passes_check(text):
    assert judge(machine_from_text(text, "the page")).problems == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_to_one(page):
    for link in LINK.findall(text_of(page)):
        if not urlsplit(link).scheme and not link.startswith("#"):
            assert ((ROOT / page).parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_model_that_there_is_not(page):
    names = set(re.findall(rf"{MODEL_PREFIX}([a-z0-9-]+)", text_of(page)))
    assert names <= {*registry.MODELS, ADDED_ON_ITS_PAGE}
