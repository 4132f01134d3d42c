"""Chooses the ground: `pytest tests/contract --ground=mock` (the default), or another one's name."""

import importlib
from collections.abc import Iterator
from types import ModuleType

import pytest

from .grounds import GpioGround, I2cGround


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ground", default="mock", help="what the contract suites run on: mock, or another ground")


def ground_module(config: pytest.Config) -> ModuleType:
    # Where the suite is only a part of a run, the option does not exist and the ground is the mock.
    return importlib.import_module(f"{__package__}.ground_{config.getoption('--ground', 'mock')}")


@pytest.fixture
def ground(pytestconfig: pytest.Config) -> Iterator[GpioGround]:
    """A GPIO chip with nobody on it, and its outside."""
    with ground_module(pytestconfig).gpio_ground() as made:
        yield made


@pytest.fixture
def bus_ground(pytestconfig: pytest.Config) -> Iterator[I2cGround]:
    """An I2C bus with two register chips on it."""
    with ground_module(pytestconfig).i2c_ground() as made:
        yield made
