"""The real I2C bus back end, byte for byte and errno for errno, and a driver on it from its config to its readings.

The chips are played by a program (outside_i2c.py), which also shows what goes over the wires.
"""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from viam.proto.app.robot import ComponentConfig
from viam.utils import ValueTypes, dict_to_struct

from pi_drivers import registry
from pi_drivers.buses.i2c.real import SmbusI2c
from pi_drivers.errors import ArgumentError, BusError, BusTimeoutError, NoAnswerError, StaleReadingError
from tests.hil.outside_chips import OutsideChips, outside_chips


@pytest.fixture(scope="module")
def program() -> Iterator[OutsideChips]:
    with outside_chips() as made:
        yield made


@pytest.fixture
def chips(program: OutsideChips) -> OutsideChips:
    program.tell("clear")
    program.tell("plug registers@0x76")
    program.tell("plug sht31@0x44")
    return program


@pytest.fixture
def bus(chips: OutsideChips) -> Iterator[SmbusI2c]:
    made = SmbusI2c(chips.bus)
    yield made
    made.close()


def test_each_call_is_one_transfer(bus: SmbusI2c, chips: OutsideChips):
    bus.write(0x76, b"\x10\xab")
    bus.read(0x76, 3)
    bus.write_register(0x76, 0x20, b"\x01\x02")
    bus.read_register(0x76, 0x20, 2)

    # The + is a START repeated without a STOP: nobody else's transfer gets between.
    assert chips.seen() == ["write 0x76 10ab", "read 0x76 3", "write 0x76 200102", "write 0x76 20 + read 0x76 2"]


def test_what_is_refused_never_reaches_the_wires(bus: SmbusI2c, chips: OutsideChips):
    for call in (
        lambda: bus.write(0x88, b"a"),
        lambda: bus.write(0x76, b""),
        lambda: bus.read(0x76, 8193),
        lambda: bus.write_register(0x76, 256, b"a"),
        lambda: bus.read_register(0x76, 0, 33),
    ):
        with pytest.raises(ArgumentError):
            call()

    assert chips.seen() == []


def test_a_probe_sends_the_address_and_nothing_else(bus: SmbusI2c, chips: OutsideChips):
    addresses = (0x08, 0x2F, 0x38, 0x4F, 0x60, 0x77)
    assert not any(bus.probe(address) for address in addresses)

    assert chips.seen() == [f"write 0x{address:02x}" for address in addresses]


def test_a_probe_writes_nothing_where_an_eeprom_may_sit(bus: SmbusI2c, chips: OutsideChips):
    addresses = (0x30, 0x37, 0x50, 0x5F)
    assert not any(bus.probe(address) for address in addresses)

    assert chips.seen() == [f"read 0x{address:02x} 1" for address in addresses]


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("EREMOTEIO", NoAnswerError, "no answer"),
        ("ENXIO", NoAnswerError, "no answer"),
        ("EIO", NoAnswerError, "no answer"),
        ("ENODEV", NoAnswerError, "no answer"),
        ("ETIMEDOUT", BusTimeoutError, "the bus hangs"),
        ("EAGAIN", BusError, "lost the bus"),
        ("EOPNOTSUPP", BusError, "the controller of this bus cannot"),
        ("EPROTO", BusError, r"the transfer failed: .* \(EPROTO\)"),
    ],
)
def test_what_a_controller_reports_becomes_the_error_it_means(
    bus: SmbusI2c, chips: OutsideChips, name: str, kind: type[BusError], says: str
):
    for call in (
        partial(bus.write, 0x76, b"\x00"),
        partial(bus.read, 0x76, 1),
        partial(bus.write_register, 0x76, 0, b"a"),
        partial(bus.read_register, 0x76, 0, 1),
    ):
        chips.tell(f"fail 0x76 {name}")
        with pytest.raises(kind, match=f"^i2c-{chips.bus} 0x76: {says}") as caught:
            call()
        assert type(caught.value) is kind
        assert bus.probe(0x76)


@pytest.mark.parametrize("name", ["EREMOTEIO", "ENXIO", "EIO", "ENODEV"])
def test_a_probe_takes_what_any_controller_says_for_nobody_there(bus: SmbusI2c, chips: OutsideChips, name: str):
    chips.tell(f"fail 0x76 {name}")

    assert not bus.probe(0x76)


def test_a_transfer_that_waits_holds_up_no_other_thread(bus: SmbusI2c, chips: OutsideChips):
    chips.tell("hang 0x76 1")
    turns = 0
    with ThreadPoolExecutor(1) as somebody:
        reading = somebody.submit(bus.read, 0x76, 1)
        while not reading.done():
            time.sleep(0.01)
            turns += 1
    with pytest.raises(BusTimeoutError):
        reading.result()

    assert turns >= 20


async def test_a_sensor_reads_its_chip_survives_its_loss_and_finds_it_again(chips: OutsideChips):
    attributes: dict[str, ValueTypes] = {
        "backend": "real",
        "i2c_bus": chips.bus,
        "poll_interval_ms": 100,
        "max_age_ms": 500,
    }
    chips.tell("temperature 25.5")
    config = ComponentConfig(name="air", attributes=dict_to_struct(attributes))
    sensor: Any = registry.load("sht31").new(config, {})
    try:
        await sensor.ready()
        assert (await sensor.get_readings())["temperature_c"] == pytest.approx(25.5, abs=0.01)

        chips.tell("unplug 0x44")
        await asyncio.sleep(1.5)
        with pytest.raises(StaleReadingError, match=f"i2c-{chips.bus} 0x44: no answer"):
            await sensor.get_readings()

        chips.tell("temperature -10")
        chips.tell("replug 0x44")
        await asyncio.sleep(1.5)
        assert (await sensor.get_readings())["temperature_c"] == pytest.approx(-10, abs=0.01)
    finally:
        await sensor.close()
