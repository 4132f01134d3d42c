"""The BH1750, against the numbers its datasheet prints and the twin on the simulated bus."""

from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import (
    ClaimedError,
    ConfigError,
    NoAnswerError,
    OutOfRangeError,
    StaleReadingError,
    WrongChipError,
)
from pi_drivers.models.sensor.bh1750 import Bh1750, Bh1750Twin, Way
from pi_drivers.world.devices import I2cDevice, RegisterFile
from tests.models.conftest import Bench

ADDRESS = 0x23
MS = 1_000_000


async def make(bench: Bench, name: str = "light", **attributes: Any) -> Any:
    return await bench.make("bh1750", name, **{"poll_interval_ms": 200, **attributes})


def faults(bench: Bench) -> Any:
    return bench.world.i2c(1).faults(ADDRESS)


# What the numbers mean.


class Recorded(I2cDevice):
    """A chip that answers with bytes written by hand."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def read(self, count: int) -> bytes:
        return self.answer


def chip_that_says(bench: Bench, answer: bytes, way: Way) -> tuple[Bh1750, Recorded]:
    bench.world.i2c(1).plug_in(ADDRESS, device := Recorded(answer))
    return Bh1750(bench.host.open_i2c(1), ADDRESS, way), device


@pytest.mark.parametrize(
    ("way", "lux"),
    [
        # The datasheet's example (page 10): 1000_0011 1001_0000 is 28067 lx.
        (Way("high", 69), 28067),
        # By the formulas of page 11, reckoned by hand: half of it in high2, and 69/138 and 69/31 of it.
        (Way("high2", 69), 14033),
        (Way("high", 138), 14033),
        (Way("low", 31), 62471),
    ],
)
async def test_conversion_is_the_datasheet_s(bench: Bench, way, lux):
    chip, _ = chip_that_says(bench, bytes.fromhex("8390"), way)
    assert chip.lux(chip.finish()) == pytest.approx(lux, abs=0.5)


@pytest.mark.parametrize(
    ("way", "commands"),
    [
        # Page 5: 01000 and the upper three bits, 011 and the lower five; 69 is 010_00101.
        (Way("high", 69), [0b01000_010, 0b011_00101, 0x20]),
        (Way("high2", 254), [0b01000_111, 0b011_11110, 0x21]),
        (Way("low", 31), [0b01000_000, 0b011_11111, 0x23]),
    ],
)
async def test_each_measurement_has_its_settings_one_command_in_a_transaction(bench: Bench, way, commands):
    chip, device = chip_that_says(bench, b"\0\0", way)
    assert chip.begin() is (way.sensitivity == 69)  # the others have to be proved, and this chip has measured nothing
    assert device.written == [bytes([command]) for command in commands]
    device.answer = b"\0\x01"
    assert chip.begin()


@pytest.mark.parametrize(
    ("way", "milliseconds"),
    [(Way("high", 69), 180), (Way("high2", 138), 360), (Way("low", 69), 24), (Way("low", 31), 10.782609)],
)
def test_the_longest_time_of_the_datasheet_is_waited_and_grows_with_the_sensitivity(way, milliseconds):
    assert way.measurement_ns == pytest.approx(milliseconds * MS, abs=1)


# The sensor.


async def test_readings_follow_the_light_and_come_without_waiting(bench: Bench):
    client = await bench.client(await make(bench))
    assert await client.get_readings() == {"lux": pytest.approx(320, abs=0.5)}
    bench.world.light.lux = 12_345.0
    await bench.wait(0.5)
    before_ns = bench.host.now_ns()
    assert await client.get_readings() == {"lux": pytest.approx(12_345, abs=0.5)}
    assert bench.host.now_ns() == before_ns


@pytest.mark.parametrize("sensitivity", [31, 69, 254])
@pytest.mark.parametrize("resolution", ["high", "high2", "low"])
async def test_every_resolution_and_sensitivity_tells_the_same_light(bench: Bench, resolution, sensitivity):
    sensor = await make(bench, resolution=resolution, sensitivity=sensitivity, poll_interval_ms=1000)
    assert (await sensor.get_readings())["lux"] == pytest.approx(320, abs=8)
    bench.world.light.lux = 1000
    await bench.wait(2)
    assert (await sensor.get_readings())["lux"] == pytest.approx(1000, abs=8)
    status = await sensor.get_status()
    # The very first sample is made of two where the sensitivity has to be proved.
    assert (status["failures"], status["overruns"]) == (0, 1 if sensitivity == 254 and resolution != "low" else 0)


async def test_low_resolution_is_read_as_often_as_its_time_allows(bench: Bench):
    sensor = await make(bench, resolution="low", poll_interval_ms=29)
    await bench.wait(1)
    bench.world.light.lux = 40
    await bench.wait(0.07)
    assert (await sensor.get_readings())["lux"] == pytest.approx(40, abs=4)
    assert (await sensor.get_status())["overruns"] == 0


async def test_darkness_is_a_reading(bench: Bench):
    bench.world.light.lux = 0
    assert await (await make(bench)).get_readings() == {"lux": 0}


@pytest.mark.parametrize("when_s", [0.0003, 0.001, 0.05, 0.12, 0.1805, 0.181, 0.1815])
async def test_power_lost_for_a_moment_is_never_darkness(bench: Bench, when_s):
    sensor = await make(bench)
    chip: Any = bench.world.i2c(1).device(ADDRESS)
    await bench.wait(0.2 + when_s)
    with bench.world.held():
        chip.lose_power()
    for _ in range(20):
        await bench.wait(0.05)
        assert (await sensor.get_readings())["lux"] == pytest.approx(320, abs=0.5)


@pytest.mark.parametrize("sensitivity", [31, 200])
@pytest.mark.parametrize("skip", range(8))
async def test_power_lost_between_two_commands_is_never_another_sensitivity(bench: Bench, sensitivity, skip):
    sensor = await make(bench, sensitivity=sensitivity, poll_interval_ms=1000)
    chip: Any = bench.world.i2c(1).device(ADDRESS)
    await bench.wait(1.5)
    faults(bench).skip, faults(bench).at_end = skip, chip.lose_power
    for _ in range(100):
        await bench.wait(0.05)
        assert (await sensor.get_readings())["lux"] == pytest.approx(320, abs=1)


async def test_light_that_is_too_bright_is_an_error_that_says_what_to_do(bench: Bench):
    client = await bench.client(await make(bench))
    bench.world.light.lux = 60_000
    # At once: the light before it, which was less, is not served any more.
    await bench.wait(0.4)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert caught.value.status is Status.OUT_OF_RANGE
    assert "i2c-1 0x23: it is too bright, above 54612 lx. Choose a lower sensitivity." in str(caught.value.message)
    assert (await client.get_status())["failures"] == 0
    bench.world.light.lux = 50_000
    await bench.wait(0.4)
    assert (await client.get_readings())["lux"] == pytest.approx(50_000, abs=0.5)


async def test_the_lowest_sensitivity_has_no_lower_one(bench: Bench):
    chip, _ = chip_that_says(bench, b"\xff\xff", Way("high", 31))
    with pytest.raises(OutOfRangeError, match=r"above 121557 lx\. Put a filter over the sensor"):
        chip.lux(chip.finish())


@pytest.mark.parametrize("skip", range(8))
async def test_power_lost_between_two_commands_is_never_too_bright(bench: Bench, skip):
    # With the usual sensitivity, to which the chip falls back, this light would be.
    bench.world.light.lux = 58_000
    bench.world.i2c(1).plug_in(ADDRESS, Bh1750Twin(bench.world, slow=False))
    sensor = await make(bench, sensitivity=60, poll_interval_ms=1000)
    chip: Any = bench.world.i2c(1).device(ADDRESS)
    await bench.wait(1.5)
    faults(bench).skip, faults(bench).at_end = skip, chip.lose_power
    for _ in range(60):
        await bench.wait(0.05)
        assert (await sensor.get_readings())["lux"] == pytest.approx(58_000, abs=2)


async def test_its_place_is_in_its_status_and_help_has_no_commands(bench: Bench):
    client = await bench.client(await make(bench, i2c_addr="0x5C"))
    status = await client.get_status()
    assert (status["i2c_bus"], status["i2c_addr"], status["backend"]) == (1, "0x5c", "mock")
    assert await client.do_command({"command": "help"}) == {}


async def test_two_on_one_bus_share_it_and_the_same_address_twice_is_refused(bench: Bench):
    await make(bench, "a")
    second = await make(bench, "b", i2c_addr=0x5C)
    with pytest.raises(ClaimedError, match='i2c-1 0x23 is held by sensor "a"'):
        await make(bench, "c")
    assert "lux" in await second.get_readings()


# Faults.


@pytest.mark.parametrize(
    "registers",
    [
        # An MCP23017 has IODIRA and IODIRB, all ones, where a BH1750 has its command to power down.
        {0x00: 0xFF, 0x01: 0xFF},
        {0x07: 0x10},
    ],
)
async def test_another_chip_at_the_address_is_named_as_such(bench: Bench, registers):
    bench.world.i2c(1).plug_in(ADDRESS, RegisterFile(registers))
    with pytest.raises(WrongChipError, match=r"i2c-1 0x23: the chip there is no BH1750: it has 0x[1-9f]"):
        await make(bench)


async def test_a_chip_that_is_missing_fails_at_once_and_works_once_it_is_there(bench: Bench):
    faults(bench).unplugged = True
    with pytest.raises(NoAnswerError, match=r"i2c-1 0x23: no answer \(NACK\). Is the chip wired"):
        await make(bench)
    await bench._built.pop().close()
    assert bench.host.claims.listing() == {}
    faults(bench).unplugged = False
    await make(bench)


async def test_a_chip_pulled_out_tells_age_and_cause_and_recovers(bench: Bench):
    client = await bench.client(await make(bench, max_age_ms=1200))
    faults(bench).unplugged = True
    await bench.wait(0.9)
    assert "lux" in await client.get_readings()
    await bench.wait(1)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert "the last good reading is 2." in str(caught.value.message)
    assert "i2c-1 0x23: no answer" in str(caught.value.message)
    assert (await client.get_status())["waits_for"] == "its chip to answer"
    bench.world.light.lux = 77
    faults(bench).unplugged = False
    await bench.wait(6)
    assert (await client.get_readings())["lux"] == pytest.approx(77, abs=0.5)


@pytest.mark.parametrize("fault", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("skip", range(6))
async def test_every_kind_of_bus_fault_is_survived(bench: Bench, fault, skip):
    sensor = await make(bench, max_age_ms=1155)
    faults(bench).skip = skip
    setattr(faults(bench), fault, 3)
    for _ in range(100):
        await bench.wait(0.1)
        try:
            assert (await sensor.get_readings())["lux"] == pytest.approx(320, abs=0.5)
        except StaleReadingError:
            continue
    await sensor.get_readings()


async def test_noise_on_a_chip_that_was_known_is_not_called_another_chip(bench: Bench):
    sensor = await make(bench, max_age_ms=1155)
    bench.world.i2c(1).plug_in(ADDRESS, Recorded(b"\xff\xff"))
    faults(bench).nacks = 1
    await bench.wait(5)
    with pytest.raises(StaleReadingError, match="the chip has 0xffff after a reset, where 0 belongs"):
        await sensor.get_readings()


async def test_the_twin_has_what_it_measured_before_until_it_is_ready(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, Bh1750Twin(bench.world))
    bus = bench.host.open_i2c(1)
    bus.write(ADDRESS, b"\x20")
    bench.host.sleep(180 * MS)
    before = bus.read(ADDRESS, 2)
    assert int.from_bytes(before, "big") == 384
    bench.world.light.lux = 1
    bus.write(ADDRESS, b"\x20")
    bench.host.sleep(170 * MS)
    assert bus.read(ADDRESS, 2) == before
    bench.host.sleep(10 * MS)
    assert bus.read(ADDRESS, 2) == b"\0\x01"


# Its config.


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"i2c_addr": 0x88}, "i2c_addr"),
        ({"resolution": "highest"}, "resolution"),
        ({"sensitivity": 30}, "sensitivity"),
        ({"sensitivity": 255}, "sensitivity"),
        ({"mtreg": 69}, "mtreg"),
        ({"poll_interval_ms": 100},
         'poll_interval_ms: must not be below 185, the time of one sample at resolution "high" and sensitivity 69'),
        ({"poll_interval_ms": 100}, r'\(at "low" it is 29\), got 100'),
        ({"max_age_ms": 769}, "max_age_ms: must not be below 770, got 769: every reading would be too old before"),
        ({"poll_interval_ms": 500, "sensitivity": 254}, "must not be below 668"),
    ],
)  # fmt: skip
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await make(bench, **attributes)


async def test_a_zero_from_a_program_in_go_is_no_address(bench: Bench):
    sensor = await make(bench, i2c_addr=0, sensitivity=0)
    assert (await sensor.get_status())["i2c_addr"] == "0x23"
