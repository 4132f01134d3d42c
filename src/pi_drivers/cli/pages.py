"""Writes what people read about models: the table in README.md and a page of each model below docs/models.

All but the wiring comes from the config classes, the commands and the docstrings, and the answers from a simulated Pi,
so that what is written is what is checked: `python -m pi_drivers.cli.generate` writes, and a test compares. Wiring
sketches and other words for people stand in docs/models/parts, a file for each model, and are taken over as they are.

The app shows each page by itself, so links lead to the repository.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pi_drivers import registry
from pi_drivers.cli import answers, attribute_table, trial
from pi_drivers.cli.json_text import pretty
from pi_drivers.cli.meta import ROOT, page_path, repository, short_description
from pi_drivers.config.attributes import json_schema
from pi_drivers.models.commands import commands_of

BEGIN = "<!-- models: begin -->"
END = "<!-- models: end -->"

MOST_LINES = 16
"""How much of a long answer to a command a page shows."""


def readme_with_table(readme: str) -> str:
    """README.md with the table of models between its marks brought up to date."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """The table of models."""
    rows = [
        f"| [`{name}`]({page_path(name)}) | {registry.api_of(name).resource_subtype} | {short_description(name)} |"
        for name in registry.MODELS
    ]
    return "\n".join(["| model | Viam API | |", "| --- | --- | --- |", *rows])


def page(name: str) -> str:
    """The page of a model. Runs its example on a simulated Pi."""
    lines = [
        f"# Model {registry.model_of(name)}",
        "",
        f"{short_description(name)}.",
        "",
        f"API `{registry.api_of(name)}`. One of the models of [pi-drivers]({repository()}).",
        "",
        *_configuration(name),
        *_parts(name),
        *_answers(name),
    ]
    return "\n".join(lines).rstrip() + "\n"


def write() -> list[str]:
    """Write every page and the table; returns the paths written."""
    readme = ROOT / "README.md"
    readme.write_text(readme_with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
    written = [str(readme)]
    for name in registry.MODELS:
        path = ROOT / page_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(name), encoding="utf-8")
        written.append(str(path))
    return written


def _configuration(name: str) -> Iterator[str]:
    schema = json_schema(registry.load(name).CONFIG)
    yield from ("## Configuration", "")
    yield from _fenced(attribute_table.template(schema))
    yield from ("### Attributes", "", *attribute_table.table(schema), "")
    yield from ("### Example configuration", "", "The attributes:", "")
    yield from _fenced(pretty(trial.example_of(name).attributes), "json")
    yield from ("The same in a machine config, which `./run.sh up` runs:", "")
    yield from _fenced(pretty(trial.machine_config(name)), "json")


def _parts(name: str) -> Iterator[str]:
    """How the hardware is wired and what else is to be known about it: the part of a page that people write."""
    path = ROOT / "docs" / "models" / "parts" / f"{name}.md"
    if path.exists():
        yield from (_with_addresses(path.read_text(encoding="utf-8").rstrip()), "")


def _with_addresses(text: str) -> str:
    """Links between the parts, as addresses of the pages."""
    return re.sub(r"\]\(([\w-]+)\.md\)", lambda link: f"]({repository()}/blob/main/{page_path(link[1])})", text)


def _answers(name: str) -> Iterator[str]:
    calls, status, replies = trial.on_trial(name, _ask)
    yield from ("## Answers", "", "What the example answers on the simulated Pi, some seconds after its start:", "")
    yield from (*answers.rows(calls, status.get("units", {})), "", "`get_status`:", "")
    yield from _fenced(pretty(answers.settled(status)))
    yield from ("## DoCommand", "")
    yield from ('`{"command": "help"}` lists all commands, each with an example.', "")
    entries = commands_of(registry.load(name))
    for reply in replies:
        entry, _ = entries[reply.command]
        yield from (f"### {reply.command}", "", entry.text, "")
        yield from _fenced(pretty(entry.example), "json")
        if reply.answer is None:
            yield from (f"The example configuration above refuses it: `{reply.refusal}`", "")
        else:
            yield from ("Answer:", "", *_fenced(_shortened(pretty(answers.settled(reply.answer)))))


async def _ask(resource: Any) -> tuple[list[answers.Call], Mapping[str, Any], list[answers.Reply]]:
    return await answers.calls_of(resource), await resource.get_status(), await answers.replies_of(resource)


def _shortened(text: str) -> str:
    lines = text.splitlines()
    return text if len(lines) <= MOST_LINES else "\n".join([*lines[: MOST_LINES - 2], "  …", lines[-1]])


def _fenced(text: str, language: str = "") -> Sequence[str]:
    return (f"```{language}", text, "```", "")
