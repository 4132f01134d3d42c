"""The INA219, against the example of its datasheet and the twin on the simulated bus."""

from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import (
    BusError,
    ClaimedError,
    ConfigError,
    CorruptDataError,
    NoAnswerError,
    OutOfRangeError,
    StaleReadingError,
    WrongChipError,
)
from pi_drivers.models.power_sensor.ina219_chip import Ina219, Scale, calibration_for
from pi_drivers.models.power_sensor.ina219_twin import Ina219Twin
from pi_drivers.world.devices import I2cDevice
from tests.models.conftest import Bench

ADDRESS = 0x40
PLACE = "i2c-1 0x40"
MS = 1_000_000


async def make(bench: Bench, name: str = "battery", **attributes: Any) -> Any:
    return await bench.make("ina219", name, **{"poll_interval_ms": 100, **attributes})


def faults(bench: Bench) -> Any:
    return bench.world.i2c(1).faults(ADDRESS)


def flowing(volts: float = 12.0, amps: float = 0.8) -> dict[str, Any]:
    """The readings of what flows, within a step of the chip."""
    return {
        "volts": pytest.approx(volts, abs=0.003),
        "amps": pytest.approx(amps, abs=0.0003),
        "watts": pytest.approx(volts * amps, abs=0.005),
        "is_ac": False,
        "shunt_voltage_mv": pytest.approx(amps * 100, abs=0.01),
    }


# The example of section 8.5.1 and figure 28 of the datasheet (in older ones "Configure/Measure/Calculate Example"):
# 10 A through 2 milliohm, one bit of the current register being 1 mA.


def test_the_calibration_that_the_datasheet_prints():
    assert calibration_for(0.001, 0.002) == 20480 == 0x5000


class Registers(I2cDevice):
    """A chip with registers of 16 bits, as written by hand."""

    def __init__(self, *values: int) -> None:
        self.values = dict(enumerate(values))
        self.written: list[tuple[int, int]] = []
        self._pointer = 0

    def write(self, data: bytes) -> None:
        self._pointer = data[0]
        if len(data) == 3:
            self.written.append((data[0], int.from_bytes(data[1:], "big")))
            self.values[data[0]] = int.from_bytes(data[1:], "big")

    def read(self, count: int) -> bytes:
        return self.values.get(self._pointer, 0).to_bytes(2, "big")


class Stubborn(Registers):
    """Its registers stay what they are."""

    def write(self, data: bytes) -> None:
        super().write(data[:1])


EXAMPLE = (0x219B, 0x07D0, 0x5D98 | 0b10, 0x1766, 0x2710, 0x5000)
"""Configuration (as this driver writes it), shunt, bus with its flag that it is ready, power, current, calibration."""


def chip_that_says(bench: Bench, *values: int) -> tuple[Ina219, Registers]:
    bench.world.i2c(1).plug_in(ADDRESS, device := Registers(*values))
    return Ina219(bench.host.open_i2c(1), ADDRESS, Scale(0x5000, 0.002, 0)), device


async def test_the_measurement_that_the_datasheet_prints(bench: Bench):
    chip, _ = chip_that_says(bench, *EXAMPLE)
    flow = chip.finish()
    assert (flow.volts, flow.amperes, flow.shunt_volts) == pytest.approx((11.98, 10.0, 0.020))
    # 5990 of 20 mW.
    assert flow.watts == pytest.approx(119.8)


async def test_a_current_the_other_way_is_negative(bench: Bench):
    # -2000 and -10000 in two's complement.
    chip, _ = chip_that_says(bench, 0x219B, 0xF830, 0x5D9A, 0x1766, 0xD8F0, 0x5000)
    flow = chip.finish()
    assert (flow.amperes, flow.shunt_volts) == pytest.approx((-10.0, -0.020))
    assert flow.watts == pytest.approx(-119.8)


async def test_calibration_and_configuration_are_written_with_each_measurement(bench: Bench):
    chip, device = chip_that_says(bench, *EXAMPLE)
    chip.begin()
    # 32 V, 40 mV, both converters 12 bits, shunt and bus once.
    assert device.written == [(5, 0x5000), (0, 0b00_1_00_0011_0011_011)]


@pytest.mark.parametrize(
    ("register", "value", "error", "message"),
    [
        (2, 0x5D98, BusError, "has not finished measuring"),
        (2, 0x5D9B, OutOfRangeError, "more current flows than it can measure"),
        (0, 0x399F, BusError, "has forgotten its settings"),
        (5, 0x0000, BusError, "has forgotten its settings"),
        (4, 0x2720, CorruptDataError, r"the current \(10016\) and the voltage of the shunt \(2000\) do not belong"),
        (1, 0x07C0, CorruptDataError, "do not belong together"),
        # Noise on the shunt's voltage is not taken for more than can be measured.
        (1, 0x17D0, CorruptDataError, "do not belong together"),
    ],
)
async def test_what_was_not_measured_as_it_was_told_is_never_a_reading(bench: Bench, register, value, error, message):
    chip, device = chip_that_says(bench, *EXAMPLE)
    device.values[register] = value
    with pytest.raises(error, match=f"i2c-1 0x40: .*{message}"):
        chip.finish()


@pytest.mark.parametrize(("shunt", "current"), [(4000, 20000), (-4000, -20000)])
async def test_an_amplifier_at_its_end_is_more_current_than_it_can_measure(bench: Bench, shunt, current):
    chip, _ = chip_that_says(bench, 0x219B, shunt & 0xFFFF, 0x5D9A, 0, current & 0xFFFF, 0x5000)
    with pytest.raises(OutOfRangeError, match="more current flows"):
        chip.finish()


@pytest.mark.parametrize(
    ("shunt_ohms", "max_current_a", "gain", "reach_a"),
    [(0.1, 0.4, 0, 0.4), (0.1, 0.8, 1, 0.8), (0.1, 1.0, 2, 1.0), (0.1, 3.2, 3, 3.2), (0.002, 15, 0, 15)],
)
def test_the_finest_scale_that_reaches_is_chosen(shunt_ohms, max_current_a, gain, reach_a):
    scale = Scale.chosen(shunt_ohms, max_current_a)
    assert scale.gain == gain
    # The current register ends at, or a trace above, the largest current.
    assert reach_a <= scale.amperes * 2**15 < reach_a * 1.001
    assert scale.calibration % 2 == 0


# The sensor.


async def test_every_method_tells_what_flows_and_none_waits(bench: Bench):
    client = await bench.client(await make(bench))
    assert await client.get_voltage() == (pytest.approx(12.0, abs=0.003), False)
    assert await client.get_current() == (pytest.approx(0.8, abs=0.0003), False)
    assert await client.get_power() == pytest.approx(9.6, abs=0.005)
    assert await client.get_readings() == flowing()
    supply = bench.world.supply(PLACE)
    supply.volts, supply.amperes = 3.7, 2.5
    await bench.wait(0.3)
    before_ns = bench.host.now_ns()
    assert await client.get_readings() == flowing(3.7, 2.5)
    assert await client.get_voltage() == (pytest.approx(3.7, abs=0.003), False)
    assert await client.get_current() == (pytest.approx(2.5, abs=0.0003), False)
    assert await client.get_power() == pytest.approx(9.25, abs=0.005)
    assert bench.host.now_ns() == before_ns


async def test_a_battery_that_is_charged_has_a_negative_current(bench: Bench):
    bench.world.supply(PLACE).amperes = -1.5
    client = await bench.client(await make(bench))
    assert await client.get_readings() == flowing(12.0, -1.5)
    assert await client.get_power() == pytest.approx(-18, abs=0.005)


async def test_nothing_flowing_is_a_reading(bench: Bench):
    supply = bench.world.supply(PLACE)
    supply.volts = supply.amperes = 0.0
    assert await (await make(bench)).get_readings() == flowing(0.0, 0.0)


async def test_a_shunt_of_one_s_own(bench: Bench):
    bench.world.supply(PLACE).amperes = 14.2
    readings = await (await make(bench, shunt_ohms=0.01, max_current_a=15)).get_readings()
    assert readings["amps"] == pytest.approx(14.2, abs=0.001)
    assert readings["shunt_voltage_mv"] == pytest.approx(142, abs=0.01)


@pytest.mark.parametrize("average", [1, 2, 4, 8, 16, 32, 64, 128])
async def test_every_average_measures_in_its_own_time(bench: Bench, average):
    sensor = await make(bench, average=average, poll_interval_ms=200)
    await bench.wait(1)
    bench.world.supply(PLACE).amperes = 0.3
    await bench.wait(0.6)
    assert await sensor.get_readings() == flowing(12.0, 0.3)
    status = await sensor.get_status()
    assert (status["failures"], status["overruns"]) == (0, 0)


@pytest.mark.parametrize("attributes", [{}, {"max_current_a": 2.0}, {"max_current_a": 0.5}])
async def test_too_much_current_is_an_error_that_says_so_and_passes(bench: Bench, attributes):
    bench.world.supply(PLACE).amperes = 0.4
    client = await bench.client(await make(bench, **attributes))
    bench.world.supply(PLACE).amperes = 3.3
    # At once: the current before it, which was less, is not served any more.
    await bench.wait(0.15)
    for asked in (client.get_readings, client.get_voltage, client.get_current, client.get_power):
        with pytest.raises(GRPCError) as caught:
            await asked()
        assert caught.value.status is Status.OUT_OF_RANGE
        assert "i2c-1 0x40: more current flows than it can measure" in str(caught.value.message)
    status = await client.get_status()
    assert "more current flows" in status["out_of_range"]
    assert status["failures"] == 0
    bench.world.supply(PLACE).amperes = 0.4
    await bench.wait(0.15)
    assert await client.get_readings() == flowing(12.0, 0.4)


async def test_exactly_the_most_that_the_chip_can_measure_is_too_much_already(bench: Bench):
    bench.world.supply(PLACE).amperes = 3.2
    with pytest.raises(OutOfRangeError):
        await (await make(bench)).get_current()


async def test_data_capture_of_each_method_skips_what_it_has_where_the_config_says_so(bench: Bench):
    client = await bench.client(await make(bench, skip_unchanged=True))
    methods = (client.get_voltage, client.get_current, client.get_power, client.get_readings)
    capture = {"fromDataManagement": True}
    for method in methods:
        await method(extra=capture)
    for method in methods:
        with pytest.raises(GRPCError, match="no capture from filter module"):
            await method(extra=capture)
        await method()
    await bench.wait(0.15)
    for method in methods:
        await method(extra=capture)


async def test_its_place_is_in_its_status_and_help_has_no_commands(bench: Bench):
    client = await bench.client(await make(bench, i2c_addr="0x4F"))
    status = await client.get_status()
    assert (status["i2c_bus"], status["i2c_addr"], status["backend"]) == (1, "0x4f", "mock")
    assert await client.do_command({"command": "help"}) == {}


async def test_several_on_one_bus_each_have_their_own_supply(bench: Bench):
    bench.world.supply("i2c-1 0x41").volts = 5.0
    await make(bench, "a")
    second = await make(bench, "b", i2c_addr=0x41)
    with pytest.raises(ClaimedError, match='i2c-1 0x40 is held by power_sensor "a"'):
        await make(bench, "c")
    assert await second.get_readings() == flowing(5.0)


# Faults.


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0x4127,), "its configuration is 0x4127, as of an INA226"),
        ((0x1104, 0, 0, 0, 0, 0xE0E0), "it takes no calibration: 0x1062 became 0xe0e0"),
    ],
)
async def test_another_chip_at_the_address_is_named_as_such(bench: Bench, values, message):
    bench.world.i2c(1).plug_in(ADDRESS, Stubborn(*values))
    with pytest.raises(WrongChipError, match=f"i2c-1 0x40: the chip there is no INA219: {message}"):
        await make(bench)


async def test_nothing_is_written_to_a_chip_that_is_known_to_be_another(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, other := Registers(0x4127))
    with pytest.raises(WrongChipError):
        await make(bench)
    assert other.written == []


async def test_a_chip_that_is_missing_fails_at_once_and_works_once_it_is_there(bench: Bench):
    faults(bench).unplugged = True
    with pytest.raises(NoAnswerError, match=r"i2c-1 0x40: no answer \(NACK\). Is the chip wired"):
        await make(bench)
    await bench._built.pop().close()
    assert bench.host.claims.listing() == {}
    faults(bench).unplugged = False
    await make(bench)


async def test_a_chip_pulled_out_tells_age_and_cause_and_recovers(bench: Bench):
    client = await bench.client(await make(bench, max_age_ms=1000))
    faults(bench).unplugged = True
    await bench.wait(0.9)
    assert await client.get_readings() == flowing()
    await bench.wait(1)
    with pytest.raises(GRPCError) as caught:
        await client.get_current()
    assert "the last good reading is 1." in str(caught.value.message)
    assert "i2c-1 0x40: no answer" in str(caught.value.message)
    assert (await client.get_status())["waits_for"] == "its chip to answer"
    bench.world.supply(PLACE).amperes = 0.1
    faults(bench).unplugged = False
    await bench.wait(6)
    assert await client.get_readings() == flowing(12.0, 0.1)


@pytest.mark.parametrize("when_s", [0.0, 0.0005, 0.0009, 0.0015, 0.0025, 0.0035, 0.005])
async def test_power_lost_for_a_moment_is_never_a_current_of_zero(bench: Bench, when_s):
    sensor = await make(bench)
    chip: Any = bench.world.i2c(1).device(ADDRESS)
    await bench.wait(0.2 + when_s)
    with bench.world.held():
        chip.lose_power()
    for _ in range(30):
        assert await sensor.get_readings() == flowing()
        await bench.wait(0.02)


@pytest.mark.parametrize("fault", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("skip", range(8))
async def test_every_kind_of_bus_fault_is_survived(bench: Bench, fault, skip):
    sensor = await make(bench, max_age_ms=400)
    faults(bench).skip = skip
    setattr(faults(bench), fault, 3)
    for _ in range(100):
        await bench.wait(0.1)
        try:
            assert await sensor.get_readings() == flowing()
        except StaleReadingError:
            continue
    await sensor.get_readings()


async def test_noise_on_a_chip_that_was_known_is_not_called_another_chip(bench: Bench):
    sensor = await make(bench, max_age_ms=200)
    bench.world.i2c(1).plug_in(ADDRESS, Stubborn(0x4127))
    await bench.wait(3)
    with pytest.raises(StaleReadingError, match="what the INA219 says cannot be"):
        await sensor.get_readings()


async def test_the_twin_is_as_it_comes_to_power_and_ready_only_when_it_has_measured(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, Ina219Twin(bench.world, PLACE, 0.1))
    bus = bench.host.open_i2c(1)
    # Section 8.6.2.1; without a calibration the current is 0.
    assert bus.read_register(ADDRESS, 0, 2) == b"\x39\x9f"
    bench.host.sleep(5 * MS)
    assert bus.read_register(ADDRESS, 1, 2) == (8000).to_bytes(2, "big")
    assert bus.read_register(ADDRESS, 4, 2) == b"\0\0"
    bus.write_register(ADDRESS, 5, b"\x10\x01")
    assert bus.read_register(ADDRESS, 5, 2) == b"\x10\x00"
    bus.write_register(ADDRESS, 0, b"\x39\x9b")
    assert not bus.read_register(ADDRESS, 2, 2)[1] & 0b10
    bench.host.sleep(1 * MS)
    assert bus.read_register(ADDRESS, 2, 2)[1] & 0b10
    assert bus.read_register(ADDRESS, 4, 2) == (8000).to_bytes(2, "big")
    bus.read_register(ADDRESS, 3, 2)
    assert not bus.read_register(ADDRESS, 2, 2)[1] & 0b10


# Its config.


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"i2c_addr": 0x3F}, "i2c_addr"),
        ({"i2c_addr": "0x50"}, "i2c_addr"),
        ({"shunt_ohms": -0.1}, "shunt_ohms"),
        ({"max_current_a": -1}, "max_current_a"),
        ({"average": 3}, "average"),
        ({"shunt": 0.1}, "shunt"),
        ({"max_current_a": 4}, "max_current_a: 4 A through 0.1 ohm make 400 mV, and the chip measures 320 mV at most"),
        ({"max_current_a": 0.01}, "max_current_a: .*it needs a larger shunt"),
        ({"shunt_ohms": 0.1, "shunt_resistance": 0.1}, "shunt_resistance"),
        ({"poll_interval_ms": 20, "average": 128}, "poll_interval_ms: must not be below 156, the time of one sample"),
        ({"max_age_ms": 100}, "max_age_ms: must not be below 107, got 100"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await make(bench, **attributes)


async def test_a_config_of_viam_server_s_own_ina219_works_as_it_is(bench: Bench):
    attributes: dict[str, Any] = {"i2c_bus": 1, "i2c_addr": 0, "max_current_amps": 2.5, "shunt_resistance": 0.1}
    sensor = await make(bench, **attributes)
    assert (sensor.settings.max_current_a, sensor.settings.shunt_ohms) == (2.5, 0.1)
    assert await sensor.get_readings() == flowing()
    await sensor.close()
    sensor = await make(bench, i2c_bus="1", max_current_amps=0, shunt_resistance=0)
    assert (sensor.settings.max_current_a, sensor.settings.shunt_ohms) == (3.2, 0.1)
