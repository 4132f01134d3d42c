"""The Pi's own header as a Viam board, through gRPC, seen at its wires."""

import asyncio
import logging
import math
import re
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.errors import ConfigError, StaleReadingError
from pi_drivers.models.board.header_pins import HeaderOutput
from pi_drivers.world.devices import RegisterFile
from pi_drivers.world.serial_line import Notebook
from tests.contract.spi_chips import Jumper
from tests.models.conftest import Bench
from tests.models.webcams import only, plug_in_plain


async def board_client(bench: Bench, **attributes):
    board = await bench.make("board", "pi", **attributes)
    return board, await bench.client(board)


async def code_of(call) -> tuple[Status, str]:
    with pytest.raises(GRPCError) as caught:
        await call
    return caught.value.status, caught.value.message or ""


@pytest.mark.parametrize("name", ["11", "io17", "GPIO17", "BCM17", "gpio17"])
async def test_all_names_of_a_pin_are_the_same_pin(bench: Bench, name):
    _, client = await board_client(bench)
    await (await client.gpio_pin_by_name(name)).set(True)
    assert bench.duties(17) == (1.0,)
    assert await (await client.gpio_pin_by_name("11")).get()


async def test_names_of_the_user_win(bench: Bench):
    _, client = await board_client(bench, pins=[{"name": "11", "pin": "13"}])
    await (await client.gpio_pin_by_name("11")).set(True)
    assert bench.duties(27, 17) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("name", "why"), [("1", "3.3 V power"), ("27", "ID EEPROM"), ("GPI17", "did you mean"), ("99", "1 to 40")]
)
async def test_pins_that_are_none_are_not_found_with_the_reason(bench: Bench, name, why):
    _, client = await board_client(bench)
    status, message = await code_of((await client.gpio_pin_by_name(name)).set(True))
    assert status is Status.NOT_FOUND
    assert why in message


async def test_pulls_and_active_low_count_for_inputs(bench: Bench):
    _, client = await board_client(bench, pins=[{"name": "button", "pin": "16", "pull": "up", "active_low": True}])
    button = await client.gpio_pin_by_name("button")
    assert await button.get() is False
    bench.world.wire(23).drive_from_outside(False, "a button")
    assert await button.get() is True


async def test_active_low_outputs_and_first_levels(bench: Bench):
    _, client = await board_client(
        bench,
        pins=[
            {"name": "relay", "pin": "16", "active_low": True, "initial": "low"},
            {"name": "lamp", "pin": "18", "initial": "high"},
        ],
    )
    assert bench.duties(23, 24) == (1.0, 1.0)
    await (await client.gpio_pin_by_name("relay")).set(True)
    assert bench.duties(23) == (0.0,)


async def test_pwm_runs_at_its_default_frequency_and_ends_with_set(bench: Bench):
    _, client = await board_client(bench)
    pin = await client.gpio_pin_by_name("11")
    assert await pin.get_pwm_frequency() == 800
    await pin.set_pwm(0.25)
    assert bench.duties(17) == (0.25,)
    assert bench.world.wire(17).signal.period_ns == 1_250_000  # type: ignore[union-attr]
    assert await pin.get_pwm() == 0.25
    await pin.set_pwm_frequency(50)
    assert bench.world.wire(17).signal.period_ns == 20_000_000  # type: ignore[union-attr]
    assert bench.duties(17) == (0.25,)
    await pin.set_pwm_frequency(0)
    assert await pin.get_pwm_frequency() == 800
    await pin.set(True)
    assert bench.world.wire(17).signal is True
    await pin.set_pwm(1.0)
    assert bench.world.wire(17).signal is True
    await pin.set_pwm(0.0)
    assert bench.world.wire(17).signal is False


@pytest.mark.parametrize("duty", [math.nan, -0.01, 1.01, 7.0])
async def test_a_duty_that_is_none_is_refused_and_what_ran_runs_on(bench: Bench, duty):
    _, client = await board_client(bench)
    pin = await client.gpio_pin_by_name("11")
    await pin.set_pwm(0.5)
    status, message = await code_of(pin.set_pwm(duty))
    assert status is Status.INVALID_ARGUMENT
    assert "between 0 and 1" in message
    assert bench.duties(17) == (0.5,)


async def test_a_frequency_out_of_range_is_refused(bench: Bench):
    _, client = await board_client(bench)
    status, message = await code_of((await client.gpio_pin_by_name("11")).set_pwm_frequency(20_000))
    assert status is Status.INVALID_ARGUMENT
    assert "between 1 and 10000 Hz" in message


async def test_the_real_frequency_is_read_back(bench: Bench):
    _, client = await board_client(bench)
    pin = await client.gpio_pin_by_name("11")
    await pin.set_pwm_frequency(7001)
    await pin.set_pwm(0.5)
    assert await pin.get_pwm_frequency() == 6993  # a period of 143 µs


@pytest.mark.parametrize(("backend", "level"), [("mock", logging.INFO), ("real", logging.WARNING)])
async def test_software_pwm_on_a_hardware_pin_is_told_once_with_the_config_line(
    bench: Bench, caplog, monkeypatch, backend, level
):
    caplog.set_level(logging.INFO, "pi_drivers")
    monkeypatch.setattr(bench.host, "name", backend)
    monkeypatch.setattr(HeaderOutput, "_warned_of_software_pwm", set())
    _, client = await board_client(bench)
    for name in ("32", "32", "33", "33"):
        await (await client.gpio_pin_by_name(name)).set_pwm(0.5)
    told = [(record.levelno, line) for record in caplog.records
            for line in re.findall("dtoverlay=[^`]*", record.getMessage())]  # fmt: skip
    assert told == [
        (level, "dtoverlay=pwm,pin=12,func=4"),
        (level, "dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4"),
    ]


async def test_an_interrupt_counts_rising_edges(bench: Bench):
    _, client = await board_client(bench, digital_interrupts=[{"name": "flow", "pin": "16"}])
    interrupt = await client.digital_interrupt_by_name("flow")
    bench.world.wire(23).drive_from_outside(False, "a meter")
    for level in (True, False) * 3:
        bench.world.wire(23).drive_from_outside(level, "a meter")
    assert await interrupt.value() == 3
    assert await client.do_command({"command": "reset_interrupt", "name": "flow"}) == {"was": 3}
    assert await interrupt.value() == 0


async def test_bouncing_is_filtered(bench: Bench):
    pins = [{"name": "button", "pin": "16", "type": "interrupt", "pull": "down", "debounce_ms": 5}]
    _, client = await board_client(bench, pins=pins)
    for level in (True, False, True, False, True):
        bench.world.wire(23).drive_from_outside(level, "a button")
        await bench.wait(0.001)
    await bench.wait(0.01)
    assert await (await client.digital_interrupt_by_name("button")).value() == 1


async def test_ticks_come_for_both_edges_with_the_name_asked_for_and_the_kernel_s_time(bench: Bench):
    _, client = await board_client(bench)
    bench.world.wire(17).drive_from_outside(False, "a switch")
    interrupts = [await client.digital_interrupt_by_name("io17")]
    stream = await client.stream_ticks(interrupts)
    async with asyncio.timeout(5):
        first = await anext(stream)
    assert first.pin_name == ""
    await bench.wait(0.25)
    expected_ns = bench.host.now_ns()
    bench.world.wire(17).drive_from_outside(True, "a switch")
    bench.world.wire(17).drive_from_outside(False, "a switch")
    ticks = [await anext(stream), await anext(stream)]
    assert [(tick.pin_name, tick.high) for tick in ticks] == [("io17", True), ("io17", False)]
    assert ticks[0].time == expected_ns


async def test_a_subscriber_who_does_not_read_holds_up_nobody_and_what_is_dropped_is_told(bench: Bench):
    board, _ = await board_client(bench)
    interrupt = await board.digital_interrupt_by_name("11")
    lazy = await board.stream_ticks([interrupt])
    await anext(aiter(lazy))
    await asyncio.sleep(0)
    keen = aiter(await board.stream_ticks([interrupt]))
    await anext(keen)
    reading = asyncio.ensure_future(anext(keen))
    await asyncio.sleep(0)
    wire = bench.world.wire(17)
    for i in range(1, 12_001):
        wire.drive_from_outside(i % 2 == 1, "a generator")
        if i % 500 == 0:
            await asyncio.sleep(0)
    assert (await reading).high
    status = await board.get_status()
    assert status["lost_edges"] == 0
    assert status["dropped_ticks"] >= 1000


async def test_ticks_of_a_subscriber_who_has_left_are_neither_kept_nor_told_as_dropped(bench: Bench):
    board, _ = await board_client(bench)
    stream = await board.stream_ticks([await board.digital_interrupt_by_name("11")])
    reading = asyncio.ensure_future(_all(stream))
    await bench.wait(0.1)
    reading.cancel()
    await asyncio.wait({reading})
    wire = bench.world.wire(17)
    for i in range(1, 12_001):
        wire.drive_from_outside(i % 2 == 1, "a generator")
        if i % 500 == 0:
            await asyncio.sleep(0)
    status = await board.get_status()
    assert (status["lost_edges"], status["dropped_ticks"]) == (0, 0)


async def test_edges_that_do_not_fit_the_kernel_s_buffer_are_told_as_lost(bench: Bench):
    board, _ = await board_client(bench)
    interrupt = await board.digital_interrupt_by_name("11")
    for i in range(1, 1501):
        bench.world.wire(17).drive_from_outside(i % 2 == 1, "a generator")
    # The kernel keeps the newest 1024 of the 1500.
    assert await interrupt.value() == 512
    assert (await board.get_status())["lost_edges"] == 476


async def test_closing_ends_streams_and_makes_outputs_low(bench: Bench):
    board, client = await board_client(bench)
    await (await client.gpio_pin_by_name("11")).set(True)
    await (await client.gpio_pin_by_name("13")).set_pwm(0.5)
    stream = await board.stream_ticks([await board.digital_interrupt_by_name("15")])
    reading = asyncio.ensure_future(_all(stream))
    await bench.wait(0.1)
    await board.close()
    assert len(await reading) == 1
    assert bench.duties(17, 27) == (0.0, 0.0)
    assert bench.host.claims.listing() == {}
    assert (await code_of((await client.gpio_pin_by_name("11")).set(True)))[0] is Status.UNAVAILABLE


async def _all(stream: Any) -> list[Any]:
    return [tick async for tick in stream]


async def test_looking_at_a_pin_does_not_keep_a_motor_from_it(bench: Bench):
    _, client = await board_client(bench)
    bench.world.wire(17).set_pull(Pull.UP)
    await (await client.gpio_pin_by_name("11")).get()
    assert bench.host.claims.listing() == {}
    motor = await bench.make("dc-motor", "m", board="pi", pins={"dir": "11", "pwm": "15"}, max_rpm=100)
    await motor.set_power(0.5)
    assert bench.duties(17, 22) == (1.0, 0.5)


async def test_pins_of_a_motor_can_be_looked_at_and_not_touched(bench: Bench):
    _, client = await board_client(bench)
    motor = await bench.make("dc-motor", "m", board="pi", pins={"dir": "36", "pwm": "32"}, max_rpm=100)
    await motor.set_power(0.5)
    pin = await client.gpio_pin_by_name("32")
    assert await pin.get_pwm() == 0.5
    assert await (await client.gpio_pin_by_name("36")).get() is True
    status, message = await code_of(pin.set(False))
    assert status is Status.FAILED_PRECONDITION
    assert 'held by motor "m" (pin pwm)' in message
    assert bench.duties(12) == (0.5,)
    assert "motor" in (await client.do_command({"command": "pinout"}))["32"]["held_by"]


async def test_an_output_shorted_to_a_sensor_is_an_error(bench: Bench):
    _, client = await board_client(bench)
    bench.world.wire(17).drive_from_outside(True, "a sensor")
    status, message = await code_of((await client.gpio_pin_by_name("11")).set(False))
    assert status is Status.UNAVAILABLE
    assert "two drivers on one wire: the Pi's output and a sensor" in message
    assert bench.host.claims.listing() == {}


async def test_an_interrupt_is_no_output_and_an_output_no_interrupt(bench: Bench):
    _, client = await board_client(bench, digital_interrupts=[{"name": "flow", "pin": "16"}])
    assert (await code_of((await client.gpio_pin_by_name("16")).set(True)))[0] is Status.FAILED_PRECONDITION
    await (await client.gpio_pin_by_name("18")).set(True)
    assert (await code_of((await client.digital_interrupt_by_name("18")).value()))[0] is Status.FAILED_PRECONDITION
    assert bench.duties(24) == (1.0,)


async def test_what_a_pi_does_not_have_is_unimplemented_or_not_found(bench: Bench):
    from viam.proto.component.board import PowerMode

    _, client = await board_client(bench)
    assert (await code_of((await client.analog_by_name("a0")).read()))[0] is Status.NOT_FOUND
    assert (await code_of(client.set_power_mode(PowerMode.POWER_MODE_NORMAL)))[0] is Status.UNIMPLEMENTED


async def test_faults_can_be_made_on_the_mock(bench: Bench):
    _, client = await board_client(bench)
    sensor = await bench.make("sht31", "air", poll_interval_ms=100, max_age_ms=500)
    await client.do_command({"command": "fault", "target": "i2c-1 0x44", "kind": "unplug"})
    await bench.wait(2)
    with pytest.raises(Exception, match="no answer"):
        await sensor.get_readings()
    await client.do_command({"command": "fault", "target": "i2c-1 0x44", "kind": "replug"})
    await bench.wait(6)
    assert "temperature_c" in await sensor.get_readings()
    for wrong in (
        {"target": "i2c-1 0x44", "kind": "burn"},
        {"target": "moon", "kind": "jam"},
        {"target": "i2c-1 xx", "kind": "nack"},
        {"target": "i2c-1 0x44", "kind": "nack", "count": 0},
        {"target": "i2c-1 0x44", "kind": "nack", "count": 1.9},
        {"target": "i2c-1 0x44", "kind": "nack", "count": math.nan},
        {"target": "i2c-9 0x44", "kind": "nack"},
        {"target": "i2c-1 0x45", "kind": "unplug"},
        {"target": "i2c-1 0x44", "kind": "nack", "count": math.inf},
        {"target": "i2c-1 0xfff", "kind": "nack"},
        {"target": "spi-0 2", "kind": "unplug"},
        {"target": "spi-0 0", "kind": "nack"},
        {"target": "shaft zzz", "kind": "jam"},
    ):
        assert (await code_of(client.do_command({"command": "fault", **wrong})))[0] is Status.INVALID_ARGUMENT


async def test_a_fault_where_nothing_is_says_what_there_is(bench: Bench):
    _, client = await board_client(bench)
    fault = {"command": "fault", "target": "i2c-1 0x45", "kind": "unplug"}
    _, message = await code_of(client.do_command(fault))
    assert message == "'i2c-1 0x45' is not there; there is: nothing: configure a component first"
    await bench.make("sht31", "air")
    await bench.make("gpio-input", "button", pin="11")
    _, message = await code_of(client.do_command(fault))
    assert message == "'i2c-1 0x45' is not there (did you mean \"i2c-1 0x44\"?); there is: i2c-1 0x44, signal button"


@pytest.mark.parametrize("target", ["i2c-1 0x44", "i2c-1 0X44", "i2c-1 68"])
async def test_an_address_is_written_as_any_number(bench: Bench, target):
    _, client = await board_client(bench)
    await bench.make("sht31", "air")
    await client.do_command({"command": "fault", "target": target, "kind": "unplug"})
    assert bench.world.i2c(1).faults(0x44).unplugged


async def test_help_names_every_kind_of_fault_there_is(bench: Bench):
    _, client = await board_client(bench)
    await bench.make("sht31", "air")
    await bench.make("adc", "adc", channels={"a": {"channel": 0}})
    await bench.make("ds18b20", "tank", sensor_id="28-000005e2fdc3")
    await bench.make("ultrasonic", "front", trigger_pin="16", echo_interrupt_pin="18")
    await bench.make("gpio-input", "button", pin="11")
    await bench.make("webcam", "eye", video_path=0)
    bench.world.serial("/dev/ttyUSB0").plug_in_if_free(Notebook())
    bench.world.shaft("left")
    text = (await client.do_command({"command": "help"}))["fault"]["does"]
    told = {part.partition(" ")[0]: part for part in text.partition("Kinds: ")[2].split("; ")}
    assert len(told) > 0
    places = ["i2c-1 0x44", "spi-0 0", "1-wire 28-000005e2fdc3", "serial /dev/ttyUSB0", "ultrasonic front",
              "camera /dev/video0", "signal button", "shaft left"]  # fmt: skip
    for place in places:
        _, message = await code_of(client.do_command({"command": "fault", "target": place, "kind": "?"}))
        kinds = message.partition("there are: ")[2]
        assert f" {kinds}" in text, place


async def test_faults_of_an_ultrasonic_sensor(bench: Bench):
    _, client = await board_client(bench)
    sensor = await bench.make("ultrasonic", "front", trigger_pin="16", echo_interrupt_pin="18", max_age_ms=300)
    fault = {"command": "fault", "target": "ultrasonic front"}
    for kind, mended in (("unplug", "replug"), ("missing", "missing")):
        await client.do_command({**fault, "kind": kind, "count": 1000})
        await bench.wait(3)
        with pytest.raises(StaleReadingError, match="echo"):
            await sensor.get_readings()
        await client.do_command({**fault, "kind": mended, "count": 1})
        await bench.wait(8)
        assert (await sensor.get_readings())["distance_m"] == pytest.approx(1, abs=0.01)
    for kind in ("stuck-high", "spikes", "dropouts", "late"):
        await client.do_command({**fault, "kind": kind, "count": 2})
        await bench.wait(20)
        assert (await sensor.get_readings())["distance_m"] == pytest.approx(1, abs=0.01)
        assert getattr(bench.world.echoes["front"].faults, kind.replace("-", "_")) == 0


@pytest.mark.parametrize(
    ("model", "attributes", "camera"),
    [("webcam", {"video_path": 0}, "camera /dev/video0"), ("csi-camera", {"camera_num": 0}, "camera 0")],
)
async def test_faults_of_a_camera(bench: Bench, model, attributes, camera):
    _, client = await board_client(bench)
    eye = await bench.make(model, "eye", frame_rate=10, **attributes)
    for kind, mended, cause in (("unplug", "replug", "was unplugged"), ("silence", "sound", "nothing comes from")):
        await client.do_command({"command": "fault", "target": camera, "kind": kind})
        await bench.wait(1)
        with pytest.raises(StaleReadingError, match=cause):
            await eye.get_images()
        await client.do_command({"command": "fault", "target": camera, "kind": mended})
        await bench.wait(2)
        await eye.get_images()


@pytest.mark.parametrize(
    ("kind", "counter"),
    [
        ("garbage", "unfit_frames"),
        ("half", "unfit_frames"),
        ("broken", "unfit_frames"),
        ("other-size", "unfit_frames"),
        ("lost", "lost_frames"),
    ],
)
async def test_so_many_frames_of_a_camera_are_bad(bench: Bench, kind, counter):
    _, client = await board_client(bench)
    eye = await bench.make("webcam", "eye", video_path=0, frame_rate=10, width_px=160, height_px=120)
    before = await eye.get_status()
    fault = {"command": "fault", "target": "camera /dev/video0", "kind": kind, "count": 5}
    await client.do_command(fault)
    await bench.wait(1.5)
    after = await eye.get_status()
    assert after[counter] - before[counter] == 5
    await eye.get_images()


async def test_frames_of_a_camera_come_late(bench: Bench):
    _, client = await board_client(bench)
    eye = await bench.make("webcam", "eye", video_path=0, frame_rate=10, width_px=160, height_px=120)
    await client.do_command({"command": "fault", "target": "camera /dev/video0", "kind": "late", "count": 3})
    assert bench.world.cameras.named("/dev/video0").faults.late == 3
    await bench.wait(1)
    assert bench.world.cameras.named("/dev/video0").faults.late == 0
    await eye.get_images()


async def test_a_camera_that_comes_back_elsewhere_is_still_known_by_where_it_was(bench: Bench):
    _, client = await board_client(bench)
    await bench.make("webcam", "eye", video_path="/dev/video0")
    fault = {"command": "fault", "target": "camera /dev/video0"}
    await client.do_command({**fault, "kind": "replug-elsewhere"})
    assert [source.path for source in bench.world.cameras.sources()] == ["/dev/video1"]
    await client.do_command({**fault, "kind": "unplug"})
    assert bench.world.cameras.sources() == []


async def test_a_camera_that_is_put_back_where_another_one_is_now_comes_back_elsewhere(bench: Bench):
    _, client = await board_client(bench)
    eye = await bench.make("webcam", "eye", video_path="usb-Maker_Cam-video-index0", frame_rate=10)
    fault = {"command": "fault", "target": "camera /dev/video0"}
    await client.do_command({**fault, "kind": "unplug"})
    plug_in_plain(bench, only("MJPG", 160, 120, 10), label="Other Cam").name = "another one"
    await client.do_command({**fault, "kind": "replug"})
    await bench.wait(2)

    assert [source.path for source in bench.world.cameras.sources()] == ["/dev/video0", "/dev/video1"]
    assert (await eye.get_status())["place"] == "/dev/video1"


async def test_faults_of_the_signal_at_an_input(bench: Bench):
    _, client = await board_client(bench)
    await bench.make("gpio-input", "button", pin="11")
    wire = bench.world.wire(17)
    levels = []
    for kind in ("high", "low", "unplug", "bounce"):
        await client.do_command({"command": "fault", "target": "signal button", "kind": kind, "count": 3})
        await bench.wait(0.1)
        levels.append((wire.driven_from_outside, wire.level()))
    assert [driven for driven, _ in levels] == [True, True, False, True]
    assert [levels[0][1], levels[1][1], levels[3][1]] == [True, False, True]


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        (
            {"pins": [{"name": "a", "pin": "11"}, {"name": "a", "pin": "13"}]},
            'pins[1].name: "a" is the name of pins[0]',
        ),
        ({"pins": [{"name": "a", "pin": "11"}, {"name": "b", "pin": "GPIO17"}]}, "pins[1].pin"),
        ({"pins": [{"name": "a", "pin": "2"}]}, "pins[0].pin: pin 2 is 5 V power"),
        ({"pins": [{"pin": "11", "pull": "sideways"}]}, "pins[0].pull"),
        ({"pins": [{"pin": "11", "type": "interrupt", "initial": "low"}]}, "pins[0].initial"),
        ({"digital_interrupts": [{"name": "x", "pin": "39"}]}, "digital_interrupts[0].pin"),
        ({"analog": []}, "analog: unknown"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, problem):
    with pytest.raises(ConfigError) as caught:
        await bench.make("board", "pi", **attributes)
    assert problem in caught.value.message


async def test_pins_never_used_are_left_alone(bench: Bench):
    bench.world.wire(5).drive_from_pi(True)
    board, _ = await board_client(bench)
    await board.close()
    assert bench.duties(5) == (1.0,)


async def test_a_pin_of_the_pwm_block_is_driven_by_it_and_not_read_away_from_it(bench: Bench):
    bench.host.pwm.overlays.add(18)
    _, client = await board_client(bench)
    pin = await client.gpio_pin_by_name("GPIO18")
    status, message = await code_of(pin.get())
    assert status is Status.UNIMPLEMENTED
    assert "remove the overlay" in message
    assert (await code_of((await client.digital_interrupt_by_name("GPIO18")).value()))[0] is Status.UNIMPLEMENTED
    await pin.set_pwm(0.25)
    assert bench.duties(18) == (0.25,)
    assert await pin.get() is True


async def test_a_serial_port_is_unplugged_and_plugged_in_again(bench: Bench):
    _, client = await board_client(bench)
    line = bench.world.serial("/dev/ttyUSB0")
    line.plug_in_if_free(Notebook())
    await client.do_command({"command": "fault", "target": "serial /dev/ttyUSB0", "kind": "unplug"})
    assert bench.world.serial_ports == []
    await client.do_command({"command": "fault", "target": "serial /dev/ttyUSB0", "kind": "replug"})
    assert bench.world.serial_ports == ["/dev/ttyUSB0"]


async def test_faults_of_an_spi_chip(bench: Bench):
    _, client = await board_client(bench)
    bench.world.spi(1).plug_in(2, Jumper())

    async def heard_after(kind: str, **count: int) -> bytes:
        await client.do_command({"command": "fault", "target": "spi-1 2", "kind": kind, **count})
        with bench.world.held():
            return bench.world.spi(1).transfer(2, b"ab")

    assert await heard_after("unplug") == b"\0\0"
    assert await heard_after("replug") == b"ab"
    assert await heard_after("stuck", count=2) == b"\0\0"
    assert await heard_after("replug") == b"\0\0"
    assert await heard_after("replug") == b"ab"
    assert await heard_after("corrupt") != b"ab"
    assert await heard_after("replug") == b"ab"


async def test_i2c_scan_lists_who_answers_and_who_uses_it(bench: Bench):
    _, client = await board_client(bench)
    await bench.make("sht31", "air")
    bench.world.i2c(1).plug_in(0x20, RegisterFile())
    assert await client.do_command({"command": "i2c_scan"}) == {
        "0x20": {"usually": "MCP23017"},
        "0x44": {"usually": "SHT31", "held_by": 'sensor "air" (sensor)'},
    }
    assert await client.do_command({"command": "i2c_scan", "bus": 3}) == {}


@pytest.mark.parametrize("bus", [-1, 1.5, True, "1", 1000])
async def test_i2c_scan_refuses_what_is_no_bus(bench: Bench, bus):
    _, client = await board_client(bench)
    status, message = await code_of(client.do_command({"command": "i2c_scan", "bus": bus}))
    assert status is Status.INVALID_ARGUMENT
    assert '"bus" must be' in message


async def test_diagnose_says_what_is_found_and_what_mends_it(bench: Bench):
    _, client = await board_client(bench)
    assert await client.do_command({"command": "diagnose"}) == {
        "machine": {"ok": True, "found": "the simulated Pi, which has every bus and lacks nothing", "mend": ""}
    }
