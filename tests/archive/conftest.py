"""The archives are built when a test first asks for one, and removed at the end."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.building import Builder


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    """Has the archives of this run: `builder.archive("arm64")`."""
    with tempfile.TemporaryDirectory(prefix="pi-drivers-archives-") as folder:
        yield Builder(Path(folder))
