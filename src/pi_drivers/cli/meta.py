"""Writes `meta.json`, the module's entry in Viam's registry, when `python -m pi_drivers.cli.generate` runs.

The table of models says which there are. The descriptions are the first lines of the models' docstrings, so
that there is one place to change them.
"""

import inspect
import json
import tomllib
from pathlib import Path
from typing import Any

from pi_drivers import registry

ROOT = Path(__file__).parents[3]
LONGEST_DESCRIPTION = 100
"""What the registry takes as a model's short description."""
BUILD_NEEDS = (
    "$(command -v sudo) apt-get update && $(command -v sudo) apt-get install --yes python3 python3-venv python3-dev"
)
"""What a bare Debian lacks for build.sh. As root, which a build machine may be, there need not be a `sudo`."""


def meta() -> dict[str, Any]:
    """The content of `meta.json`. Loads every model."""
    return {
        "$schema": "https://dl.viam.dev/module.schema.json",
        "module_id": f"{registry.NAMESPACE}:{registry.FAMILY}",
        "visibility": "public",
        "url": repository(),
        "description": _project()["description"],
        "markdown_link": "README.md",
        "models": [_model(name) for name in registry.MODELS],
        "entrypoint": "run.sh",
        "first_run": "first_run.sh",
        "build": {
            "setup": BUILD_NEEDS,
            "build": "./build.sh",
            "path": "dist/archive.tar.gz",
            "arch": ["linux/arm64", "linux/amd64"],
            "distro": "bookworm",
        },
    }


def text() -> str:
    """`meta.json` as it stands in the file."""
    return json.dumps(meta(), indent=2, ensure_ascii=False) + "\n"


def repository() -> str:
    """The address of the sources, without a slash at its end."""
    address: str = _project()["urls"]["Repository"]
    return address.rstrip("/")


def page_path(name: str) -> str:
    """Where a model's page stands, by the name that Viam's tools give it."""
    return f"docs/models/{registry.NAMESPACE}_{registry.FAMILY}_{name}.md"


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _model(name: str) -> dict[str, str]:
    return {
        "api": str(registry.api_of(name)),
        "model": str(registry.model_of(name)),
        "short_description": short_description(name),
        "markdown_link": page_path(name),
    }


def short_description(name: str) -> str:
    """The first line of a model's docstring.

    Raises:
        ValueError: there is none, or it is longer than the registry takes.
    """
    first_line = (inspect.getdoc(registry.load(name)) or "").partition("\n")[0].removesuffix(".")
    if not 0 < len(first_line) <= LONGEST_DESCRIPTION:
        rule = f"must have 1 to {LONGEST_DESCRIPTION} letters"
        raise ValueError(f"{name}: the first line of its docstring {rule}: {first_line!r}")
    return first_line


def write() -> str:
    """Write the file; returns its path."""
    path = ROOT / "meta.json"
    path.write_text(text(), encoding="utf-8")
    return str(path)
