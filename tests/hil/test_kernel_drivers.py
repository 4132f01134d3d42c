"""Our twins before the kernel's own drivers: what those make of the bytes is what the world has."""

from pathlib import Path

import pytest

from tests.hil.kernel_drivers import kernel_driver, number
from tests.hil.outside_chips import OutsideChips, Player

CONVERTERS = {"mcp3002": 2, "mcp3008": 3, "mcp3208": 4}
"""The chip select at which drivers/spi_outside.c gives each to the kernel."""


@pytest.mark.parametrize("celsius", [-12.5, 0.0, 21.25, 60.0])
def test_the_bme280(player: OutsideChips, celsius: float):
    player.tell("clear")
    player.tell(f"temperature {celsius}")
    player.tell("plug bme280@0x76")
    with kernel_driver(player.bus, "bme280", 0x76) as files:
        assert number(files / "in_temp_input") / 1000 == pytest.approx(celsius, abs=0.02)
        assert number(files / "in_pressure_input") * 10 == pytest.approx(1013.25, abs=0.5)
        assert number(files / "in_humidityrelative_input") / 1000 == pytest.approx(45, abs=0.1)


@pytest.mark.parametrize("celsius", [-12.5, 0.0, 21.25, 60.0])
def test_the_sht31(player: OutsideChips, celsius: float):
    player.tell("clear")
    player.tell(f"temperature {celsius}")
    player.tell("plug sht31@0x44")
    with kernel_driver(player.bus, "sht3x", 0x44) as files:
        assert number(files / "temp1_input") / 1000 == pytest.approx(celsius, abs=0.02)
        assert number(files / "humidity1_input") / 1000 == pytest.approx(45, abs=0.1)


@pytest.mark.parametrize(("chip", "bits"), [("mcp3002", 10), ("mcp3008", 10), ("mcp3208", 12)])
@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("volts", [0.0, 1.0, 2.5, 3.3])
def test_converters(spi_player: Player, chip: str, bits: int, channel: int, volts: float):
    chip_select = CONVERTERS[chip]
    spi_player.tell("clear")
    spi_player.tell(f"plug {chip}@{chip_select}")
    spi_player.tell(f"volts {chip_select} {channel} {volts}")
    (device,) = Path(f"/sys/bus/spi/devices/spi0.{chip_select}").glob("iio*")
    count = min(2**bits - 1, volts / 3.3 * 2**bits)

    assert number(device / f"in_voltage{channel}_raw") == pytest.approx(count, abs=1)
