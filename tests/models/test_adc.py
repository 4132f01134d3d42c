"""The converters, against the frames and codes their datasheets print, and the sensor `adc` on their twins."""

import asyncio
import itertools
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import (
    BusError,
    ClaimedError,
    ConfigError,
    CorruptDataError,
    NoAnswerError,
    StaleReadingError,
    WrongChipError,
)
from pi_drivers.models.adc.ads1115 import Ads1115, Ads1115Twin
from pi_drivers.models.adc.mcp3xxx import FRAMINGS, Mcp3xxx, Mcp3xxxTwin
from pi_drivers.world.devices import I2cDevice, RegisterFile
from pi_drivers.world.spi import SpiDevice
from tests.models.conftest import Bench

SPI = "spi-0 0"
I2C = "i2c-1 0x48"
ADDRESS = 0x48
AT_REST = {0, 1, 9}
"""Where a sample asks an ads1115 whether it is at rest: a bit that is wrong in the rest of the answer does no harm."""
POT: dict[str, Any] = {"channels": {"pot": {"channel": 1}}}


class Recorded(SpiDevice):
    """A chip that answers with bytes written by hand."""

    def __init__(self, answer: str) -> None:
        self.answer = bytes.fromhex(answer)
        self.sent: list[str] = []

    def transfer(self, data: bytes) -> bytes:
        self.sent.append(data.hex(" "))
        return self.answer


def mcp(bench: Bench, chip: str, device: SpiDevice) -> Mcp3xxx:
    bench.world.spi(0).plug_in(0, device)
    framing = FRAMINGS[chip]
    return Mcp3xxx(bench.host.open_spi(0, 0, framing.speed_hz, 0), framing)


def ads(bench: Bench, device: I2cDevice | None = None) -> Ads1115:
    bench.world.i2c(1).plug_in(ADDRESS, device or Ads1115Twin(bench.world, I2C))
    return Ads1115(bench.host.open_i2c(1), ADDRESS)


def converted(bench: Bench, chip: Ads1115, channel: int, gain: float = 1.0) -> int:
    chip.set_up()
    assert chip.begin(channel, gain)
    bench.host.sleep(chip.CONVERSION_NS)
    return chip.finish(channel, gain)


@pytest.mark.parametrize(
    ("chip", "channel", "sent", "answer", "count"),
    [
        # Figures 6-1 and 5-2 of each datasheet, with a number put into the bits by hand: it comes once with its highest
        # bit first, and once more from B1 on; the line rests low, or high.
        ("mcp3002", 1, "70 00 00 00", "02 a5 4a 80", 0x2A5),
        ("mcp3002", 0, "60 00 00 00", "fa a5 4a 80", 0x2A5),
        ("mcp3004", 3, "01 b0 00 00 00", "00 02 a5 4a 80", 0x2A5),
        ("mcp3008", 5, "01 d0 00 00 00", "00 02 a5 4a 80", 0x2A5),
        ("mcp3008", 0, "01 80 00 00 00", "ff fa a5 4a 80", 0x2A5),
        ("mcp3008", 7, "01 f0 00 00 00", "00 03 ff ff 80", 1023),
        ("mcp3208", 5, "07 40 00 00 00", "00 0a 5c 74 a0", 0xA5C),
        ("mcp3208", 2, "06 80 00 00 00", "ff ef ff ff e0", 4095),
    ],
)
async def test_frames_are_those_of_the_datasheets(bench: Bench, chip, channel, sent, answer, count):
    device = Recorded(answer)
    assert mcp(bench, chip, device).finish(channel, 1.0) == count
    assert device.sent == [sent]


@pytest.mark.parametrize("chip", FRAMINGS)
async def test_every_count_of_a_twin_is_read_as_it_is(bench: Bench, chip):
    framing = FRAMINGS[chip]
    there = mcp(bench, chip, Mcp3xxxTwin(bench.world, 0, 0, framing, 3.3))
    channel = framing.channels - 1
    for count in range(0, 1 << framing.bits, 7):
        bench.world.voltage(SPI, channel).volts = (count + 0.5) * 3.3 / (1 << framing.bits)
        assert there.finish(channel, 1.0) == count


@pytest.mark.parametrize("bit", [bit for bit in range(14, 40) if bit != 23])
async def test_a_wrong_bit_is_never_a_reading(bench: Bench, bit):
    good = bytes.fromhex("00 02 a5 4a 80")
    there = mcp(bench, "mcp3008", Recorded(good.hex()))
    there.finish(0, 1.0)
    spoiled = int.from_bytes(good, "big") ^ 1 << (39 - bit)
    bench.world.spi(0).plug_in(0, Recorded(spoiled.to_bytes(5, "big").hex()))
    with pytest.raises(CorruptDataError, match=r"spi-0 0: .* cannot be what an mcp3008 sends"):
        there.finish(0, 1.0)


async def test_an_mcp3002_framed_as_an_mcp3008_is_named_whatever_it_says(bench: Bench):
    twin = Mcp3xxxTwin(bench.world, 0, 0, FRAMINGS["mcp3002"], 3.3)
    for count in range(1, 1024):
        bench.world.voltage(SPI, 0).volts = (count + 0.5) * 3.3 / 1024
        with pytest.raises(WrongChipError, match=r"no mcp3008: .* answers as an mcp3002 does"):
            mcp(bench, "mcp3008", twin).finish(0, 1.0)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (there, said)
        for there, said in itertools.permutations(FRAMINGS, 2)
        # These two differ in the number of channels only.
        if {there, said} != {"mcp3004", "mcp3008"}
    ],
)
async def test_a_chip_of_another_kind_is_told_by_its_bits(bench: Bench, there, said):
    twin = Mcp3xxxTwin(bench.world, 0, 0, FRAMINGS[there], 3.3)
    with pytest.raises(WrongChipError, match=rf"no {said}: .* answers as an .*{there}.* does"):
        mcp(bench, said, twin).finish(1, 1.0)


async def test_a_line_that_stays_high_is_no_answer(bench: Bench):
    bench.world.spi(0).rests_high = True
    bench.world.spi(0).faults(0).unplugged = True
    with pytest.raises(NoAnswerError, match="spi-0 0: no answer: MISO stays high"):
        await bench.make("adc", "a", **POT)


async def test_zero_counts_where_the_chip_shows_on_another_channel_that_it_is_there(bench: Bench):
    bench.world.voltage(SPI, 1).volts = 0.0
    client = await bench.client(await bench.make("adc", "a", **POT))
    assert await client.get_readings() == {"pot": 0}


async def test_zero_on_every_channel_may_be_nobody_and_is_no_reading(bench: Bench):
    bench.world.spi(0).faults(0).unplugged = True
    with pytest.raises(NoAnswerError, match=r"every channel reads 0, .* pull MISO \(GPIO9\) up"):
        await bench.make("adc", "a", **POT)


async def test_with_miso_pulled_up_zero_on_every_channel_is_a_reading(bench: Bench):
    bench.world.spi(0).rests_high = True
    for channel in range(8):
        bench.world.voltage(SPI, channel).volts = 0.0
    assert await (await bench.make("adc", "a", **POT)).get_readings() == {"pot": 0}


async def test_one_transfer_that_the_chip_does_not_hear_is_not_taken_for_zero(bench: Bench):
    bench.world.voltage(SPI, 1).volts = 1.65
    sensor = await bench.make("adc", "a", poll_interval_ms=100, **POT)
    bench.world.spi(0).faults(0).stuck = 1
    for _ in range(4):
        await bench.wait(0.1)
        assert (await sensor.get_readings())["pot"] == pytest.approx(1.65, abs=0.004)


@pytest.mark.parametrize(("code", "count"), [("7fff", 32767), ("0001", 1), ("0000", 0), ("ffff", -1), ("8000", -32768)])
async def test_codes_of_the_ads1115_are_signed_as_its_datasheet_has_them(bench: Bench, code, count):
    # SBAS444D, table 3. Settings by table 8: channel 0, 4.096 V, single shot, 128 SPS, comparator off.
    class Codes(RegisterFile):
        def read(self, count: int) -> bytes:
            return bytes.fromhex(code if self._pointer == 0 else "c383")[:count]

    assert ads(bench, Codes()).finish(0, 1.0) == count


async def test_each_conversion_of_an_ads1115_is_asked_for_with_its_settings(bench: Bench):
    class Watched(Ads1115Twin):
        written: list[str] = []  # noqa: RUF012 - one object

        def write(self, data: bytes) -> None:
            if len(data) > 1:
                self.written.append(data.hex())
            super().write(data)

    chip = ads(bench, Watched(bench.world, I2C))
    converted(bench, chip, 0)
    converted(bench, chip, 3, 16.0)
    # Written by hand from table 8: channels 0 and 3, ranges of 4.096 V and 0.256 V.
    assert [word for word in Watched.written if word[2] in "cf"] == ["01c383", "01fb83"]


@pytest.mark.parametrize(
    ("gain", "full_scale"), [(2 / 3, 6.144), (1.0, 4.096), (2.0, 2.048), (4.0, 1.024), (8.0, 0.512), (16.0, 0.256)]
)
async def test_every_gain_has_its_range(bench: Bench, gain, full_scale):
    chip = ads(bench)
    bench.world.voltage(I2C, 2).volts = full_scale / 4
    assert converted(bench, chip, 2, gain) == 8192
    bench.world.voltage(I2C, 2).volts = full_scale * 2
    assert converted(bench, chip, 2, gain) == 32767
    bench.world.voltage(I2C, 2).volts = -full_scale / 32768
    assert converted(bench, chip, 2, gain) == -1


async def test_an_early_look_finds_the_result_of_another_channel_and_does_not_take_it(bench: Bench):
    chip = ads(bench)
    converted(bench, chip, 0)
    chip.begin(3, 1.0)
    bench.host.sleep(chip.CONVERSION_NS // 2)
    with pytest.raises(BusError, match="not ready"):
        chip.finish(3, 1.0)


async def test_nothing_is_asked_of_a_chip_that_still_converts(bench: Bench):
    chip = ads(bench)
    chip.begin(0, 1.0)
    assert not chip.begin(3, 1.0)
    bench.host.sleep(chip.CONVERSION_NS)
    assert converted(bench, chip, 3) == pytest.approx(1.6 / 4.096 * 32768, abs=1)


@pytest.mark.parametrize("chip", [*FRAMINGS, "ads1115"])
async def test_readings_are_the_voltages_and_follow_them(bench: Bench, chip):
    place = I2C if chip == "ads1115" else SPI
    sensor = await bench.make("adc", "a", chip=chip, poll_interval_ms=100, **POT)
    client = await bench.client(sensor)
    assert await client.get_readings() == {"pot": pytest.approx(0.8, abs=0.004)}
    bench.world.voltage(place, 1).volts = 2.5
    await bench.wait(0.25)
    before_ns = bench.host.now_ns()
    assert await client.get_readings() == {"pot": pytest.approx(2.5, abs=0.004)}
    assert bench.host.now_ns() == before_ns


async def test_scale_and_offset_make_the_reading_and_the_status_has_the_units(bench: Bench):
    channels = {
        "battery": {"channel": 0, "scale": 5.7, "unit": "V"},
        "temperature": {"channel": "2", "scale": 100, "offset": -50, "unit": "°C"},
        "raw": {"channel": 3},
        "soil": {"channel": 4, "scale": 30},
    }
    client = await bench.client(await bench.make("adc", "a", chip="mcp3208", channels=channels))
    readings = await client.get_readings()
    assert readings == {
        "battery": pytest.approx(0.4 * 5.7, abs=0.006),
        "temperature": pytest.approx(70, abs=0.1),
        "raw": pytest.approx(1.6, abs=0.001),
        "soil": pytest.approx(60, abs=0.03),
    }
    assert (await client.get_status())["units"] == {"battery": "V", "temperature": "°C", "raw": "V"}


async def test_vref_is_the_range(bench: Bench):
    bench.world.voltage(SPI, 1).volts = 2.0
    sensor = await bench.make("adc", "a", vref=5, **POT)
    assert (await sensor.get_readings())["pot"] == pytest.approx(2.0, abs=0.005)
    await sensor.close()
    assert (await (await bench.make("adc", "a", vref=2.5, **POT)).get_readings())["pot"] == pytest.approx(2, abs=0.003)


async def test_configs_of_the_mcp300x_modules_work_and_give_counts(bench: Bench):
    bench.world.voltage("spi-0 1", 0).volts = 1.65
    old = await bench.make("adc", "a", sensor_pin=7, channel_map={"moisture": 0, "light": 2})
    client = await bench.client(old)
    assert await client.get_readings() == {"moisture": 512, "light": 372}
    status = await client.get_status()
    assert (status["chip_select"], status["units"]["moisture"]) == (1, "counts")


async def test_the_end_of_the_range_is_reported_as_it_is_and_told_in_the_status(bench: Bench):
    bench.world.voltage(I2C, 1).volts = 4.5
    client = await bench.client(await bench.make("adc", "a", chip="ads1115", **POT))
    assert await client.get_readings() == {"pot": pytest.approx(4.096 * 32767 / 32768)}
    assert (await client.get_status())["at_full_scale"] == ["pot"]


async def test_the_status_has_the_place_and_works_while_the_chip_does_not(bench: Bench):
    mcp_client = await bench.client(await bench.make("adc", "a", chip_select="26", **POT))
    status = await mcp_client.get_status()
    assert (status["chip"], status["spi_bus"], status["chip_select"]) == ("mcp3008", 0, 1)
    ads_client = await bench.client(await bench.make("adc", "b", chip="ads1115", poll_interval_ms=100, **POT))
    bench.world.i2c(1).faults(ADDRESS).unplugged = True
    await bench.wait(1)
    status = await ads_client.get_status()
    assert (status["i2c_bus"], status["i2c_addr"], status["waits_for"]) == (1, "0x48", "its chip to answer")
    assert "i2c-1 0x48: no answer" in status["error"]


@pytest.mark.parametrize("chip", ["mcp3008", "ads1115"])
async def test_a_chip_pulled_out_tells_age_and_cause_and_recovers(bench: Bench, chip):
    faults: Any = bench.world.i2c(1).faults(ADDRESS) if chip == "ads1115" else bench.world.spi(0).faults(0)
    sensor = await bench.make("adc", "a", chip=chip, poll_interval_ms=100, max_age_ms=500, **POT)
    client = await bench.client(sensor)
    faults.unplugged = True
    await bench.wait(2)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert caught.value.status is Status.UNAVAILABLE
    assert "the last good reading is 2." in (caught.value.message or "")
    faults.unplugged = False
    await bench.wait(6)
    assert await client.get_readings() == {"pot": pytest.approx(0.8, abs=0.004)}


@pytest.mark.parametrize("fault", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("skip", range(10))
async def test_every_kind_of_bus_fault_is_survived(bench: Bench, fault, skip):
    sensor = await bench.make("adc", "a", chip="ads1115", poll_interval_ms=100, max_age_ms=2000, **POT)
    faults = bench.world.i2c(1).faults(ADDRESS)
    bench.world.voltage(I2C, 1).volts = 2.0
    await bench.wait(0.3)
    faults.skip = skip
    setattr(faults, fault, 1)
    for _ in range(60):
        await bench.wait(0.05)
        assert (await sensor.get_readings())["pot"] == pytest.approx(2.0, abs=0.001)
    harmless = fault == "corrupt_reads" and skip in AT_REST
    assert (await sensor.get_status())["failures"] == (0 if harmless else 1)


@pytest.mark.parametrize("skip", range(10))
async def test_power_that_was_gone_for_a_moment_gives_no_value(bench: Bench, skip):
    sensor = await bench.make("adc", "a", chip="ads1115", poll_interval_ms=100, max_age_ms=300, **POT)
    faults = bench.world.i2c(1).faults(ADDRESS)
    faults.skip, faults.at_end = skip, bench.world.i2c(1).device(ADDRESS).lose_power  # type: ignore[union-attr]
    for _ in range(40):
        await bench.wait(0.05)
        assert (await sensor.get_readings())["pot"] == pytest.approx(0.8, abs=0.001)


@pytest.mark.parametrize("registers", [{}, {1: 0x60}, {1: 0xC3, 2: 0x80}])
async def test_another_chip_at_the_address_is_named_as_such(bench: Bench, registers):
    class Thermometer(RegisterFile):
        def write(self, data: bytes) -> None:
            super().write(data[:1])

    bench.world.i2c(1).plug_in(ADDRESS, Thermometer(registers))
    with pytest.raises(WrongChipError, match="i2c-1 0x48: the chip there is no ADS1115"):
        await bench.make("adc", "a", chip="ads1115", **POT)


async def test_noise_on_a_chip_that_was_known_is_not_called_another_chip(bench: Bench):
    for chip, faults in (("mcp3008", bench.world.spi(0).faults(0)), ("ads1115", bench.world.i2c(1).faults(ADDRESS))):
        sensor = await bench.make("adc", chip, chip=chip, poll_interval_ms=100, max_age_ms=300, **POT)
        faults.corrupt_reads = 1_000_000
        await bench.wait(3)
        with pytest.raises(StaleReadingError, match="not used"):
            await sensor.get_readings()


@pytest.mark.parametrize(
    ("chip", "model", "other"),
    [("mcp3008", "adc", POT | {"chip": "mcp3208"}), ("ads1115", "ina219", {"i2c_addr": ADDRESS})],
)
async def test_sensors_share_a_chip_and_another_chip_in_its_place_is_refused(bench: Bench, chip, model, other):
    first = await bench.make("adc", "first", chip=chip, **POT)
    second = await bench.make("adc", "second", chip=chip, channels={"x": {"channel": 3}})
    await first.close()
    assert (await second.get_readings())["x"] == pytest.approx(1.6, abs=0.004)
    with pytest.raises(ClaimedError, match=rf'is held by sensor "second" \({chip}'):
        await bench.make(model, "other", **other)


async def test_another_reference_of_a_chip_in_use_is_refused_and_changes_nothing_for_its_user(bench: Bench):
    sensor = await bench.make("adc", "a", poll_interval_ms=100, **POT)
    with pytest.raises(ClaimedError) as caught:
        await bench.make("adc", "b", vref=5, **POT)
    assert 'held by sensor "a" (mcp3008 with vref 3.3)' in caught.value.message
    assert 'sensor "b" cannot have it as its mcp3008 with vref 5' in caught.value.message
    await bench.wait(0.3)
    assert (await sensor.get_readings())["pot"] == pytest.approx(0.8, abs=0.004)
    await bench.make("adc", "c", vref=3.30, **POT)


async def test_gains_of_an_ads1115_are_its_users_own(bench: Bench):
    for gain in (1, 2):
        sensor = await bench.make("adc", f"{gain}", chip="ads1115", gain=gain, **POT)
        assert (await sensor.get_readings())["pot"] == pytest.approx(0.8, abs=0.001)


async def test_two_sensors_on_one_ads1115_never_get_each_others_channel(bench: Bench):
    sensors = [
        await bench.make("adc", f"{i}", chip="ads1115", gain=gain, poll_interval_ms=13, channels={"x": {"channel": i}})
        for i, gain in ((0, 1), (1, 2), (3, "2/3"))
    ]
    for _ in range(200):
        await bench.wait(0.007)
        for sensor, volts in zip(sensors, (0.4, 0.8, 1.6), strict=True):
            assert (await sensor.get_readings())["x"] == pytest.approx(volts, abs=0.001)
    assert [(await sensor.get_status())["failures"] for sensor in sensors] == [0, 0, 0]


async def test_callers_of_one_ads1115_wait_for_each_other(bench: Bench):
    board = await bench.make(
        "board", "pi", analogs=[{"name": f"a{i}", "channel": i, "chip": "ads1115"} for i in (0, 3)]
    )

    async def read(name: str, after_s: float) -> int:
        await asyncio.sleep(after_s)
        return int((await (await board.analog_by_name(name)).read()).value)

    for step in range(60):
        assert [*await asyncio.gather(read("a0", 0), read("a3", step * 0.0002))] == [3200, 12800]


async def test_a_caller_that_gives_up_leaves_no_result_behind_for_another(bench: Bench):
    board = await bench.make(
        "board", "pi", analogs=[{"name": f"a{i}", "channel": i, "chip": "ads1115"} for i in (0, 3)]
    )
    waits = [0.0005, 0.002, 0.004, 0.006, 0.009, 0.0095, 0.01, 0.011]
    for wait in waits:
        given_up = asyncio.create_task((await board.analog_by_name("a3")).read())
        await asyncio.sleep(wait)
        given_up.cancel()
        assert (await (await board.analog_by_name("a0")).read()).value == 3200


async def test_a_bus_is_free_for_others_while_a_chip_converts(bench: Bench):
    await bench.make("adc", "a", chip="ads1115", poll_interval_ms=20, **POT)
    bus = bench.host.i2c(1)
    waits = []
    for _ in range(20):
        began_ns = bench.host.now_ns()
        await bus.worker.run(lambda: None)
        waits.append(bench.host.now_ns() - began_ns)
        await bench.wait(0.0037)
    bus.leave()
    assert max(waits) < 3_000_000


async def test_a_chip_that_another_program_keeps_converting_is_taken_over(bench: Bench):
    twin = Ads1115Twin(bench.world, I2C)
    bench.world.i2c(1).plug_in(ADDRESS, twin)
    twin.write(bytes.fromhex("01c203"))  # channel 0 again and again, 8 times a second
    sensor = await bench.make("adc", "a", chip="ads1115", **POT)
    assert (await sensor.get_readings())["pot"] == pytest.approx(0.8, abs=0.001)


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({}, 'channels: is required, for example {"battery": {"channel": 0}}'),
        ({"channels": {}}, "channels: is empty"),
        ({"channels": {"": {"channel": 0}}}, "channels: a label is empty"),
        ({"channels": {"a b": {"channel": 8}}}, 'channels["a b"].channel: '),
        ({"channels": {"a": {}}}, "channels.a.channel: is required"),
        ({"channels": {"a": {"channel": 0}}, "channel_map": {"a": 0}}, "channel_map: channels says it already"),
        ({"channel_map": {"a": 2}, "chip": "mcp3002"}, "channel_map.a: an mcp3002 has the channels 0 to 1, got 2"),
        ({**POT, "chip": "mcp3009"}, 'chip: must be one of "mcp3002"'),
        ({**POT, "chip": "ads1115", "channel_map": None, "spi_bus": 1}, "spi_bus: an ads1115 is on I2C"),
        ({**POT, "chip": "ads1115", "vref": 3.3}, "vref: an ads1115 has its own reference"),
        ({**POT, "chip": "ads1115", "gain": 3}, 'gain: must be "2/3", 1, 2, 4, 8 or 16, got 3'),
        ({**POT, "chip": "ads1115", "i2c_addr": "0x40"}, "i2c_addr"),
        ({**POT, "chip": "ads1115", "poll_interval_ms": 10},
         "poll_interval_ms: must not be below 12, the time of one sample of these channels of an ads1115, got 10"),
        ({**POT, "chip": "ads1115", "poll_interval_ms": 20, "max_age_ms": 31}, "max_age_ms: must not be below 32"),
        ({**POT, "chip": "ads1115", "sensor_pin": 8}, "sensor_pin: an ads1115 is on I2C"),
        ({**POT, "gain": 1}, "gain: an mcp3008 has no gain"),
        ({**POT, "i2c_addr": "0x48"}, "i2c_addr: an mcp3008 is on SPI"),
        ({**POT, "chip_select": 2}, "chip_select: SPI bus 0 has no chip select"),
        ({**POT, "chip_select": 0, "sensor_pin": 8}, "sensor_pin: spi_bus and chip_select say it already"),
        ({**POT, "vref": 12}, "vref: must be"),
        ({"channels": {"a": {"channel": 0, "scale": 1e300}}}, "channels.a.scale"),
    ],
)  # fmt: skip
async def test_mistakes_in_its_config(bench: Bench, attributes, problem):
    with pytest.raises(ConfigError) as caught:
        await bench.make("adc", "a", **attributes)
    assert problem in caught.value.message


async def test_zeros_of_a_program_in_go_are_not_given(bench: Bench):
    zeros = {"i2c_bus": 0, "i2c_addr": 0, "gain": 0, "vref": 0, "spi_bus": 0, "sensor_pin": 0}
    sensor = await bench.make("adc", "a", **zeros, channels={"x": {"channel": 0, "scale": 0, "offset": 0}})
    assert await sensor.get_readings() == {"x": pytest.approx(0.4, abs=0.004)}
