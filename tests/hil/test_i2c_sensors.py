"""Models of I2C sensors on a real bus, whose chips a program outside plays; and the kernel's own drivers on the same
chips: what those make of them is what the models must make of them.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.power_sensor.client import PowerSensorClient
from viam.components.sensor.client import SensorClient

from tests.hil.kernel_drivers import kernel_driver, number
from tests.hil.machine import configured
from tests.hil.outside_chips import OutsideChips
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLL_MS = 250
MAX_AGE_MS = 1200
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Kind:
    """A model with its chip, two scenes, and what is to be read in each."""

    model: str
    address: int
    scenes: tuple[str, ...]
    """Commands to the outside: with `;` between."""
    truths: tuple[Mapping[str, float], ...]
    files: Mapping[str, tuple[str, float]]
    """The kernel's file for a reading, and what its number has to be multiplied with."""
    tolerance: float
    api: str = "sensor"
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def set_scene(self, chips: OutsideChips, which: int) -> None:
        """Let the outside be like this from now on."""
        for command in self.scenes[which].split("; "):
            chips.tell(command)


BME280 = Kind(
    "bme280",
    0x76,
    ("temperature 21.5; pressure 1013.25", "temperature -12.25; pressure 870"),
    ({"temperature_c": 21.5, "pressure_hpa": 1013.25}, {"temperature_c": -12.25, "pressure_hpa": 870}),
    {
        "temperature_c": ("in_temp_input", 1e-3),
        "pressure_hpa": ("in_pressure_input", 10),
        "relative_humidity_pct": ("in_humidityrelative_input", 1e-3),
    },
    0.04,
)
BH1750 = Kind(
    "bh1750",
    0x23,
    ("light 320", "light 20000"),
    ({"lux": 320}, {"lux": 20000}),
    {"lux": ("in_illuminance_raw", 1 / 1.2)},
    0.5,
)
INA219 = Kind(
    "ina219",
    0x40,
    ("supply 12 0.8", "supply 5 -2.5"),
    ({"volts": 12, "amps": 0.8, "watts": 9.6}, {"volts": 5, "amps": -2.5, "watts": -12.5}),
    {"volts": ("in1_input", 1e-3), "amps": ("curr1_input", 1e-3)},
    0.006,
    "power_sensor",
    {"shunt_ohms": 0.01},
)
KINDS = pytest.mark.parametrize("kind", [BME280, BH1750, INA219], ids=lambda kind: kind.model)


@pytest.fixture
def chips(player: OutsideChips, kind: Kind) -> OutsideChips:
    """The bus with one new chip on it, in the first scene."""
    player.tell("clear")
    player.tell(f"plug {kind.model}@{kind.address:#04x}")
    kind.set_scene(player, 0)
    return player


@asynccontextmanager
async def sensor(server: FakeViamServer, chips: OutsideChips, kind: Kind) -> AsyncIterator[Any]:
    """The sensor as viam-server gives it to its users."""
    attributes = {"i2c_bus": chips.bus, "i2c_addr": kind.address, "poll_interval_ms": POLL_MS, "max_age_ms": MAX_AGE_MS}
    async with configured(server, component(kind.api, kind.model, "s", attributes | dict(kind.attributes))):
        yield server.client(PowerSensorClient if kind.api == "power_sensor" else SensorClient, "s")


@KINDS
async def test_readings_are_what_the_world_is_like_and_follow_it(
    server: FakeViamServer, chips: OutsideChips, kind: Kind
):
    async with sensor(server, chips, kind) as client:
        for scene, truth in enumerate(kind.truths):
            kind.set_scene(chips, scene)
            await asyncio.sleep(MAX_AGE_MS / 1000)
            readings = await client.get_readings()
            assert {key: readings[key] for key in truth} == pytest.approx(dict(truth), abs=kind.tolerance)
        assert (await client.get_status())["failures"] == 0


@KINDS
@pytest.mark.parametrize("scene", [0, 1])
async def test_the_kernel_s_driver_makes_the_same_of_the_chip(
    server: FakeViamServer, chips: OutsideChips, kind: Kind, scene: int
):
    kind.set_scene(chips, scene)
    with kernel_driver(chips.bus, kind.model, kind.address) as files:
        await asyncio.sleep(0.5)
        told = {reading: number(files / name) * factor for reading, (name, factor) in kind.files.items()}
    async with sensor(server, chips, kind) as client:
        readings = await client.get_readings()
    # The kernel rounds to thousandths of a unit, and its BME280 measures as often as ours.
    assert {key: readings[key] for key in told} == pytest.approx(told, abs=kind.tolerance)


@KINDS
async def test_power_lost_for_a_moment_never_gives_a_wrong_value(
    server: FakeViamServer, chips: OutsideChips, kind: Kind
):
    async with sensor(server, chips, kind) as client:
        for _ in range(5):
            chips.tell(f"brown-out {kind.address:#04x}")
            for _ in range(25):
                if await refusal_of(client) is None:
                    readings = await client.get_readings()
                    truth = dict(kind.truths[0])
                    assert {key: readings[key] for key in truth} == pytest.approx(truth, abs=kind.tolerance)
                await asyncio.sleep(0.023)
        await recovered(client)


@KINDS
async def test_a_sensor_that_is_unplugged_is_an_error_with_its_cause_and_back_when_it_is_plugged_in(
    server: FakeViamServer, chips: OutsideChips, kind: Kind
):
    async with sensor(server, chips, kind) as client:
        chips.tell(f"unplug {kind.address:#04x}")
        async with asyncio.timeout(PATIENCE_S):
            while (refusal := await refusal_of(client)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert refusal.status is Status.UNAVAILABLE
        assert f"s old: i2c-{chips.bus} {kind.address:#04x}: no answer (NACK)" in (refusal.message or "")

        kind.set_scene(chips, 1)
        chips.tell(f"replug {kind.address:#04x}")
        readings = await recovered(client)
        truth = dict(kind.truths[1])
        assert {key: readings[key] for key in truth} == pytest.approx(truth, abs=kind.tolerance)


@pytest.mark.parametrize("kind", [BME280], ids=["bme280"])
async def test_a_bme280_is_looked_for_at_both_addresses(server: FakeViamServer, chips: OutsideChips, kind: Kind):
    async with configured(server, component("sensor", "bme280", "s", {"i2c_bus": chips.bus})):
        client = server.client(SensorClient, "s")
        assert (await client.get_readings())["temperature_c"] == pytest.approx(21.5, abs=kind.tolerance)
        assert (await client.get_status())["i2c_addr"] == "0x76"


async def refusal_of(client: Any) -> GRPCError | None:
    """The error that readings come with, if they do."""
    try:
        await client.get_readings()
    except GRPCError as error:
        return error
    return None


async def recovered(client: Any) -> Any:
    """Wait until there are readings again; gives them."""
    async with asyncio.timeout(PATIENCE_S):
        while await refusal_of(client) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return await client.get_readings()
