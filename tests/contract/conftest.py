"""Chooses the ground: `pytest tests/contract --ground=mock` (the default), or another one's name."""

import importlib
from collections.abc import Iterator
from types import ModuleType

import pytest

from .grounds import GpioGround, I2cGround


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ground", default="mock", help="what the contract suites run on: mock, or another ground")


@pytest.fixture(scope="session")
def grounds(pytestconfig: pytest.Config) -> ModuleType:
    """The chosen ground, loaded before the first test is watched for what it leaves behind."""
    # Where the suite is only a part of a run, the option does not exist and the ground is the mock.
    return importlib.import_module(f"{__package__}.ground_{pytestconfig.getoption('--ground', 'mock')}")


@pytest.fixture
def ground(grounds: ModuleType) -> Iterator[GpioGround]:
    """A GPIO chip with nobody on it, and its outside."""
    with grounds.gpio_ground() as made:
        yield made


@pytest.fixture
def bus_ground(grounds: ModuleType) -> Iterator[I2cGround]:
    """An I2C bus with two register chips on it."""
    with grounds.i2c_ground() as made:
        yield made
