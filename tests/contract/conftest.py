"""Chooses the ground: `pytest tests/contract --ground=mock` (the default), or another one's name."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pi_drivers.buses.video.real import V4l2Cameras
from tests.conftest import open_descriptors

from .grounds import GpioGround, I2cGround
from .spi_grounds import SpiGround
from .video_grounds import VideoGround
from .video_stand_in import Node, StandInForV4l2


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is asked of an I2C bus is asked of every one that the ground has."""
    if "i2c_kind" in metafunc.fixturenames:
        metafunc.parametrize("i2c_kind", chosen_ground(metafunc.config).I2C_GROUNDS, scope="module")


def chosen_ground(config: pytest.Config) -> ModuleType:
    return importlib.import_module(f"{__package__}.ground_{config.getoption('--ground')}")


@pytest.fixture(scope="session")
def grounds(pytestconfig: pytest.Config) -> ModuleType:
    """The chosen ground, loaded before the first test is watched for what it leaves behind."""
    return chosen_ground(pytestconfig)


@pytest.fixture
def ground(grounds: ModuleType) -> Iterator[GpioGround]:
    """A GPIO chip with nobody on it, and its outside."""
    with grounds.gpio_ground() as made:
        yield made


@pytest.fixture(scope="module")
def i2c_ground(grounds: ModuleType, i2c_kind: str) -> Iterator[I2cGround]:
    """One of the ground's I2C buses, for all tests of a file: it may take a second to make."""
    with grounds.I2C_GROUNDS[i2c_kind]() as made:
        yield made


@pytest.fixture
def bus_ground(i2c_ground: I2cGround) -> I2cGround:
    """An I2C bus with two register chips on it."""
    i2c_ground.fresh()
    return i2c_ground


@pytest.fixture(scope="module")
def spi_ground(grounds: ModuleType) -> Iterator[SpiGround]:
    """The ground's SPI bus, for all tests of a file."""
    with grounds.spi_ground() as made:
        yield made


@pytest.fixture
def spi(spi_ground: SpiGround) -> Iterator[SpiGround]:
    """An SPI bus with a jumper, and where chips can be plugged in, a shift register."""
    spi_ground.fresh()
    yield spi_ground
    spi_ground.fresh()


@pytest.fixture(scope="module")
def video_ground(grounds: ModuleType) -> Iterator[VideoGround]:
    """The ground's camera, for all tests of a file."""
    with grounds.video_ground() as made:
        yield made


@pytest.fixture
def video(video_ground: VideoGround) -> Iterator[VideoGround]:
    """A camera that nobody uses; what a test opens is closed when it ends."""
    video_ground.fresh()
    with video_ground:
        yield video_ground


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInForV4l2]:
    """The kernel's side of video devices, which sees at the end that nothing was left open or mapped."""
    (tmp_path / "dev").mkdir()
    made = StandInForV4l2(tmp_path / "sys", tmp_path / "dev")
    monkeypatch.setattr("fcntl.ioctl", made.ioctl)
    before = open_descriptors()
    yield made
    assert open_descriptors() <= before
    assert "/dev/video" not in Path("/proc/self/maps").read_text(encoding="utf-8")


@pytest.fixture
def cameras(kernel: StandInForV4l2, tmp_path: Path) -> V4l2Cameras:
    """Those that this kernel shows."""
    return V4l2Cameras(tmp_path / "sys", tmp_path / "dev")


@pytest.fixture
def webcam(kernel: StandInForV4l2) -> Node:
    """One of them."""
    kernel.plug_in("video0", node := Node())
    return node
