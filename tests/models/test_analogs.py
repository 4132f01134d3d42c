"""The analogs of a board: channels of converters, as they are now and on average, through gRPC."""

import asyncio
import contextlib
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import BusAbsentError, ClaimedError, ClosedError, ConfigError
from pi_drivers.models.adc.ads1115 import Ads1115Twin
from pi_drivers.world.spi import SpiDevice
from tests.models.conftest import Bench

SPI = "spi-0 0"
I2C = "i2c-1 0x48"
COUNTS_3008 = 1024 / 3.3
POT = {"name": "pot", "channel": 1}
SMOOTH = POT | {"average_over_ms": 200, "samples_per_sec": 50}


async def analogs(bench: Bench, *entries: dict[str, Any]) -> Any:
    board = await bench.make("board", "pi", analogs=list(entries))
    return await bench.client(board)


async def read(client: Any, name: str) -> Any:
    return await (await client.analog_by_name(name)).read()


async def refused(call: Any) -> tuple[Status, str]:
    with pytest.raises(GRPCError) as caught:
        await call
    return caught.value.status, caught.value.message or ""


class Noisy(SpiDevice):
    """An MCP3008 whose counts go from one end of their noise to the other."""

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts
        self.transfers = 0

    def transfer(self, data: bytes) -> bytes:
        result = f"{self.counts[self.transfers % len(self.counts)]:010b}"
        self.transfers += 1
        return int(("0" * 14 + result + result[-2::-1]).ljust(40, "0"), 2).to_bytes(5, "big")


@pytest.mark.parametrize(
    ("chip", "step", "largest"),
    [
        ({"chip": "mcp3002"}, 3.3 / 1024, 3.3),
        ({"chip": "mcp3004"}, 3.3 / 1024, 3.3),
        ({}, 3.3 / 1024, 3.3),
        ({"chip": "mcp3008", "vref": 5}, 5 / 1024, 5.0),
        ({"chip": "mcp3208"}, 3.3 / 4096, 3.3),
        ({"chip": "ads1115"}, 0.000125, 4.096),
        ({"chip": "ads1115", "gain": 0.667}, 0.0001875, 6.144),
    ],
)
async def test_an_analog_gives_counts_with_their_range_and_step_in_volts(bench: Bench, chip, step, largest):
    value = await read(await analogs(bench, POT | chip), "pot")
    assert value.value == pytest.approx(0.8 / step, abs=1)
    assert value.min_range == 0
    assert value.max_range == pytest.approx(largest)
    assert value.step_size == pytest.approx(step)


async def test_every_read_is_a_new_conversion(bench: Bench):
    client = await analogs(bench, POT)
    for volts in (0.1, 3.0, 1.5):
        bench.world.voltage(SPI, 1).volts = volts
        assert (await read(client, "pot")).value == int(volts * COUNTS_3008)


async def test_a_little_below_ground_is_a_negative_count(bench: Bench):
    bench.world.voltage(I2C, 1).volts = -0.0005
    assert (await read(await analogs(bench, POT | {"chip": "ads1115"}), "pot")).value == -4


async def test_the_end_of_the_range_is_reported_as_it_is(bench: Bench):
    bench.world.voltage(SPI, 1).volts = 4.0
    assert (await read(await analogs(bench, POT), "pot")).value == 1023


async def test_configs_of_viam_servers_own_boards_work(bench: Bench):
    client = await analogs(
        bench,
        {
            "name": "current",
            "pin": "1",
            "spi_bus": "0",
            "chip_select": "24",
            # Less than a sample in the time that the average is over, as their documentation has it.
            "average_over_ms": 10,
            "samples_per_sec": 1,
        },
        {"name": "pressure", "pin": "0", "spi_bus": "main", "chip_select": "1", "average_over_ms": 0},
        {"name": "far", "pin": "7", "spi_bus": "1", "chip_select": "2"},
    )
    values = [(await read(client, name)).value for name in ("current", "pressure", "far")]
    assert values == [int(volts * COUNTS_3008) for volts in (0.8, 0.4, 3.2)]


@pytest.mark.parametrize("average", [{}, {"average_over_ms": 200}])
async def test_a_converter_that_does_not_answer_is_an_error_in_raw_mode_and_on_average(bench: Bench, average):
    client = await analogs(bench, POT | average)
    await read(client, "pot")
    bench.world.spi(0).faults(0).unplugged = True
    await bench.wait(1)
    status, message = await refused(read(client, "pot"))
    assert status is Status.UNAVAILABLE
    assert "every channel reads 0" in message
    assert ("last good reading is 1." in message) is bool(average)
    bench.world.spi(0).faults(0).unplugged = False
    await bench.wait(6)
    assert (await read(client, "pot")).value == int(0.8 * COUNTS_3008)


async def test_a_board_starts_without_its_converter_and_says_so_when_it_is_read(bench: Bench):
    bench.world.i2c(1).faults(0x48).unplugged = True
    raw, smooth = POT | {"chip": "ads1115"}, SMOOTH | {"chip": "ads1115", "name": "smooth", "channel": 2}
    client = await analogs(bench, raw, smooth)
    await (await client.gpio_pin_by_name("11")).set(True)
    for name in ("pot", "smooth"):
        status, message = await refused(read(client, name))
        assert status is Status.UNAVAILABLE
        assert "i2c-1 0x48: no answer" in message
    bench.world.i2c(1).faults(0x48).unplugged = False
    await bench.wait(6)
    assert [(await read(client, name)).value for name in ("pot", "smooth")] == [6400, 9600]


async def test_an_average_is_over_its_window_and_taken_in_the_background(bench: Bench):
    noisy = Noisy([400, 440])
    bench.world.spi(0).plug_in(0, noisy)
    client = await analogs(bench, SMOOTH)
    await bench.wait(0.5)
    before, before_ns = noisy.transfers, bench.host.now_ns()
    assert (await read(client, "pot")).value == pytest.approx(420, abs=3)
    assert (noisy.transfers, bench.host.now_ns()) == (before, before_ns)
    noisy.counts = [800]
    await bench.wait(0.1)
    assert 500 < (await read(client, "pot")).value < 720
    await bench.wait(0.15)
    assert (await read(client, "pot")).value == 800


@pytest.mark.parametrize("chip", [{"chip": "ads1115"}, {"samples_per_sec": 1000}])
async def test_an_average_is_over_its_time_however_many_share_the_chip(bench: Bench, chip):
    place = I2C if "chip" in chip else SPI
    entries = [chip | {"name": f"a{i}", "channel": i, "average_over_ms": 500} for i in range(4)]
    client = await analogs(bench, *entries)
    await bench.wait(4)
    for i in range(4):
        bench.world.voltage(place, i).volts = 2.5
    await bench.wait(0.3)
    for name in ("a0", "a1", "a2", "a3"):
        value = await read(client, name)
        assert 1.0 < value.value * value.step_size < 2.4
    await bench.wait(0.22)
    for name in ("a0", "a1", "a2", "a3"):
        value = await read(client, name)
        assert value.value * value.step_size == pytest.approx(2.5, abs=0.004)


async def test_after_a_standstill_nothing_from_before_it_is_in_an_average(bench: Bench):
    client = await analogs(bench, SMOOTH | {"average_over_ms": 5000})
    await bench.wait(6)
    bench.world.voltage(SPI, 1).volts = 3.0
    # As where the process is stopped and goes on: the clock does not wait for it.
    bench.world.clock.advance(10 * 1_000_000_000)
    with contextlib.suppress(GRPCError):
        await read(client, "pot")
    await bench.wait(0.1)
    assert (await read(client, "pot")).value == int(3.0 * COUNTS_3008)


async def test_samples_are_as_many_as_were_asked_for(bench: Bench):
    noisy = Noisy([400])
    bench.world.spi(0).plug_in(0, noisy)
    await analogs(bench, SMOOTH | {"samples_per_sec": 500})
    await bench.wait(0.01)
    before = noisy.transfers
    await bench.wait(2)
    assert noisy.transfers - before == pytest.approx(1000, abs=20)


async def test_nothing_from_before_a_failure_is_part_of_an_average_after_it(bench: Bench):
    client = await analogs(bench, SMOOTH | {"average_over_ms": 5000})
    await bench.wait(5)
    bench.world.spi(0).faults(0).unplugged = True
    await bench.wait(0.3)
    bench.world.spi(0).faults(0).unplugged = False
    bench.world.voltage(SPI, 1).volts = 3.0
    await bench.wait(1)
    assert (await read(client, "pot")).value == int(3.0 * COUNTS_3008)


async def test_many_clients_of_one_channel_leave_an_average_and_a_sensor_their_turns(bench: Bench):
    one = {"name": "one", "channel": 1, "chip": "ads1115"}
    client = await analogs(bench, one, one | {"name": "smooth", "channel": 2, "average_over_ms": 500})
    sensor = await bench.make("adc", "a", chip="ads1115", poll_interval_ms=50, channels={"x": {"channel": 3}})

    async def read_on() -> None:
        while True:
            assert (await read(client, "one")).value == 6400

    busy = [asyncio.create_task(read_on()) for _ in range(30)]
    await bench.wait(1)
    for _ in range(10):
        await bench.wait(0.05)
        assert (await read(client, "smooth")).value == 9600
        assert (await sensor.get_readings())["x"] == pytest.approx(1.6, abs=0.001)
    averages = (await client.get_status())["analogs"]["smooth"]["averages"]
    for task in busy:
        task.cancel()
    outcomes = await asyncio.gather(*busy, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    assert averages >= 8


@pytest.mark.parametrize("after_s", [0.002, 0.005, 0.009])
async def test_reads_share_a_conversion_that_begins_after_them_and_never_one_under_way(bench: Bench, after_s):
    class Counted(Ads1115Twin):
        conversions = 0

        def _start(self) -> None:
            self.conversions += 1
            super()._start()

    twin = Counted(bench.world, I2C)
    bench.world.i2c(1).plug_in(0x48, twin)
    client = await analogs(bench, POT | {"chip": "ads1115"})
    bench.world.voltage(I2C, 1).volts = 0.5
    assert (await read(client, "pot")).value == 4000
    under_way = asyncio.create_task(read(client, "pot"))
    await asyncio.sleep(after_s)
    assert (twin.conversions, under_way.done()) == (2, False)
    values = await asyncio.gather(*(read(client, "pot") for _ in range(5)))
    assert ({value.value for value in values}, twin.conversions) == ({4000}, 3)
    await under_way
    bench.world.voltage(I2C, 1).volts = 2.0
    assert (await read(client, "pot")).value == 16000


async def test_what_fails_for_one_read_fails_for_those_that_waited_with_it_and_for_no_other(bench: Bench):
    client = await analogs(bench, POT | {"chip": "ads1115"})
    await read(client, "pot")
    bench.world.i2c(1).faults(0x48).unplugged = True
    outcomes = await asyncio.gather(*(refused(read(client, "pot")) for _ in range(5)))
    assert {status for status, _ in outcomes} == {Status.UNAVAILABLE}
    bench.world.i2c(1).faults(0x48).unplugged = False
    assert [(await read(client, "pot")).value for _ in range(2)] == [6400, 6400]


async def test_analogs_of_a_board_and_sensors_share_a_chip(bench: Bench):
    for chip, step in (("mcp3008", 3.3 / 1024), ("ads1115", 0.000125)):
        board = await bench.make(
            "board", chip, analogs=[{"name": f"a{i}", "channel": i, "chip": chip} for i in range(3)]
        )
        sensor = await bench.make("adc", chip, chip=chip, poll_interval_ms=50, channels={"x": {"channel": 3}})
        client = await bench.client(board)
        for _ in range(20):
            values = [(await read(client, f"a{i}")).value * step for i in range(3)]
            assert values == [pytest.approx(volts, abs=0.004) for volts in (0.4, 0.8, 1.2)]
            assert (await sensor.get_readings())["x"] == pytest.approx(1.6, abs=0.004)


async def test_another_chip_in_its_place_is_refused_with_the_holder(bench: Bench):
    await analogs(bench, POT)
    with pytest.raises(ClaimedError, match=r'spi-0 0 is held by board "pi" \(mcp3008 with vref 3.3\)'):
        await bench.make("adc", "a", chip="mcp3208", channels={"x": {"channel": 0}})


async def test_a_bus_that_is_not_there_is_said_when_the_board_is_made(bench: Bench, monkeypatch):
    def absent(*_: object) -> None:
        raise BusAbsentError("spi-0 0: /dev/spidev0.0 does not exist")

    monkeypatch.setattr(bench.host._spi, "_open_chip", absent)
    with pytest.raises(BusAbsentError, match="does not exist"):
        await analogs(bench, POT)
    assert bench.host.claims.listing() == {}


async def test_the_status_has_every_analog_with_its_place_and_its_sampling(bench: Bench):
    client = await analogs(bench, POT, SMOOTH | {"name": "smooth", "chip": "ads1115", "i2c_addr": "0x49"})
    await bench.wait(1)
    status = (await client.get_status())["analogs"]
    assert status["pot"] == {"chip": "mcp3008", "spi_bus": 0, "chip_select": 0, "channel": 1, "averages": 1}
    assert (status["smooth"]["i2c_addr"], status["smooth"]["averages"]) == ("0x49", pytest.approx(10, abs=1))
    assert (status["smooth"]["failures"], status["smooth"]["overruns"]) == (0, 0)


async def test_an_analog_cannot_be_written(bench: Bench):
    client = await analogs(bench, POT)
    status, message = await refused((await client.analog_by_name("pot")).write(1))
    assert status is Status.UNIMPLEMENTED
    assert "WriteAnalog Unimplemented" in message


async def test_a_name_that_is_none_is_not_found_with_what_is_meant(bench: Bench):
    client = await analogs(bench, POT)
    status, message = await refused(read(client, "pott"))
    assert status is Status.NOT_FOUND
    assert 'did you mean "pot"?' in message


async def test_reads_end_with_the_board(bench: Bench):
    board = await bench.make("board", "pi", analogs=[POT, SMOOTH | {"name": "smooth"}])
    kept = [await board.analog_by_name(name) for name in ("pot", "smooth")]
    await board.close()
    for analog in kept:
        with pytest.raises(ClosedError, match="was closed"):
            await analog.read()


async def test_no_analogs_and_zeros_of_a_program_in_go_are_nothing_given(bench: Bench):
    await (await bench.make("board", "none", analogs=[])).close()
    zeros = {"average_over_ms": 0, "samples_per_sec": 0, "i2c_bus": 0, "i2c_addr": 0, "gain": 0, "vref": 0}
    value = await read(await analogs(bench, POT | zeros), "pot")
    assert value.max_range == pytest.approx(3.3)


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([{"channel": 0}], "analogs[0].name: is required"),
        ([{"name": "a"}], "analogs[0].channel: is required"),
        ([{"name": "a", "channel": 8}], "analogs[0].channel"),
        (
            [{"name": "a", "pin": "4", "chip": "mcp3004"}],
            "analogs[0].channel: an mcp3004 has the channels 0 to 3",
        ),
        ([{"name": "a", "channel": 0}, {"name": "a", "channel": 1}], 'analogs[1].name: "a" is the name of analogs[0]'),
        ([{"name": "button", "channel": 0}], 'analogs[0].name: "button" is the name of pins[0] already'),
        ([POT | {"i2c_addr": "0x48"}], "analogs[0].i2c_addr: an mcp3008 is on SPI"),
        ([POT | {"chip": "ads1115", "chip_select": 1}], "analogs[0].chip_select: an ads1115 is on I2C"),
        (
            [POT | {"chip": "ads1115", "samples_per_sec": 500}],
            "analogs[0].samples_per_sec: an ads1115 makes",
        ),
        ([POT | {"chip_select": "12"}], "analogs[0].chip_select"),
        (
            [POT, {"name": "b", "channel": 0, "chip": "mcp3208"}],
            'analogs[1].chip: spi-0 0 has an "mcp3008"',
        ),
        (
            [POT, {"name": "b", "channel": 0, "vref": 5}],
            "analogs[1].vref: the chip on spi-0 0 has 3.3 for analogs[0]; one chip has one reference",
        ),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, entries, problem):
    with pytest.raises(ConfigError) as caught:
        await bench.make("board", "pi", pins=[{"name": "button", "pin": "11"}], analogs=entries)
    assert problem in caught.value.message
