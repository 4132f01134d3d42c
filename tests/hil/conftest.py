"""These tests need real devices, or the kernel's simulated ones: on the mock there is nothing to collect here."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests out on the mock; None lets pytest decide."""
    return True if collection_path.suffix == ".py" and config.getoption("--ground") == "mock" else None
