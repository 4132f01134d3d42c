"""A whole machine config is judged at once: each component alone, and what components do to each other."""

import re

import pytest

from pi_drivers.cli.checks import judge
from pi_drivers.cli.reading import machine_from_text
from tests.cli.machines import board, encoder, entry, motor, sensor, text_of


def problems(*entries: object, **others: object) -> list[str]:
    """What is told, with `@2` for `components[2]`."""
    told = judge(machine_from_text(text_of(*entries, **others), "m.json")).problems
    return [re.sub(r"components\[(\d+)\]", r"@\1", line) for line in told]


def test_a_sound_machine_has_no_problems():
    assert problems(board(), encoder(), motor(encoder="turns", ticks_per_rotation=400), sensor()) == []


def test_every_problem_of_every_component_is_told_with_its_path():
    said = problems(board(), motor(a="29", pwm="x", pwm_freq=-1), sensor(i2c_adr=0x44))

    assert [line.partition(": ")[0] for line in said] == [
        '@1 motor "wheel"',
        '@1 motor "wheel"',
        '@2 sensor "air"',
    ]
    assert said[0].partition(": ")[2].startswith("pwm_freq: must be")
    assert said[1].partition(": ")[2].startswith("pins.pwm: unknown pin")
    assert said[2].partition(": ")[2].startswith('i2c_adr: unknown key (did you mean "i2c_addr"?)')


def test_attributes_that_stand_beside_attributes_are_told():
    astray = {**sensor(), "i2c_addr": 0x45, "max_age_ms": 500, "colour": "blue"}

    assert problems(board(), astray) == [
        '@1 sensor "air": i2c_addr: is an attribute: move it into "attributes"',
        '@1 sensor "air": max_age_ms: is an attribute: move it into "attributes"',
    ]


def test_two_components_of_one_name_are_told():
    assert problems(board("x"), sensor("x")) == [
        '@1 sensor "x": name: @0 board "x" has this name too; every component needs its own'
    ]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("bramble:pi-drivers:sht30",
         '@0 sensor "air": model: there is no "bramble:pi-drivers:sht30" (did you mean "bramble:pi-drivers:sht31"'),
        ("sht31", '@0 sensor "air": model: "sht31" is a short name; write "bramble:pi-drivers:sht31"'),
    ],
)  # fmt: skip
def test_a_model_that_is_not_in_the_table_is_told_with_the_right_name(model, said):
    (line,) = problems(sensor() | {"model": model})

    assert line.startswith(said)


def test_a_model_of_somebody_else_is_a_note_and_no_problem():
    judgement = judge(machine_from_text(text_of(entry("arm", "x", "arm") | {"model": "acme:arms:six"}), "m.json"))

    assert judgement.problems == []
    assert judgement.notes == ['components[0] arm "arm": model "acme:arms:six" is not one of ours']


def test_a_missing_dependency_is_told_with_what_resembles_it():
    assert problems(board("pie"), motor()) == [
        '@1 motor "wheel": it needs board "pi", which is not in this file (did you mean "pie"?)'
    ]
    assert problems(sensor("pi"), motor()) == [
        '@1 motor "wheel": it needs board "pi", which is not in this file (sensor "pi" is something else)'
    ]
    assert problems(board(), sensor() | {"depends_on": ["ghost"]}) == [
        '@1 sensor "air": it needs component "ghost", which is not in this file'
    ]


@pytest.mark.parametrize("name", ["other:pi", "pi"])
def test_a_dependency_may_be_on_a_remote_whose_names_nobody_knows_here(name):
    remote = motor(board=name)

    assert "which is not in this file" in problems(remote)[0]
    assert problems(remote, remotes=[{"name": "other"}]) == []
    assert judge(machine_from_text(text_of(remote, remotes=[{"name": "other"}]), "machine.json")).notes == [
        f'components[0] motor "wheel": it needs board "{name}", which is not in this file; a remote must have it'
    ]


def test_components_that_wait_for_each_other_are_told_once():
    first = sensor("first", i2c_addr=0x44) | {"depends_on": ["second"]}
    second = sensor("second", i2c_addr=0x45) | {"depends_on": ["first"]}

    assert problems(first, second) == [
        '@0 sensor "first": it waits for itself: sensor "first" needs sensor "second" needs sensor "first"'
    ]


def test_one_pin_under_two_names_in_two_components_is_told():
    assert problems(board(), encoder(a="11"), motor(a="GPIO17")) == [
        '@2 motor "wheel": pins.a: GPIO17 (pin 11) is used by encoder "turns" (pins.a) already'
    ]


def test_a_users_own_pin_name_is_followed_to_its_pin():
    named = board(pins=[{"name": "left forward", "pin": "11"}])

    assert problems(named, encoder(a="11"), motor(a="left forward")) == [
        '@2 motor "wheel": pins.a: GPIO17 (pin 11) is used by encoder "turns" (pins.a) already'
    ]


def test_a_component_without_board_shares_the_header_with_the_board():
    alone = motor(backend="mock", a="11")
    del alone["attributes"]["board"]

    (said,) = problems(board(), encoder(a="11"), alone)
    assert "GPIO17 (pin 11) is used by encoder" in said


def test_equal_names_on_boards_of_others_are_told_but_not_across_boards():
    other = entry("board", "x", "esp") | {"model": "acme:boards:esp32"}

    assert problems(board(), other, encoder(a="7", b="8"), motor(a="7", b="8", board="esp")) == []
    (said,) = problems(other, encoder(a="led", b="8", board="esp"), motor(a="led", board="esp"))
    assert said == '@2 motor "wheel": pins.a: pin "led" of board "esp" is used by encoder "turns" (pins.a) already'


def test_the_real_pin_and_the_simulated_one_are_two_pins():
    assert problems(board(), board("iron", backend="real"), encoder(), motor(a="11", board="iron")) == []


def test_a_component_that_wants_another_backend_than_its_board_is_told():
    assert problems(board(), encoder(backend="real")) == [
        '@1 encoder "turns": backend: is "real", but its board "pi" runs on "mock"; leave it out'
    ]


def test_two_chips_at_one_address_are_told():
    assert problems(sensor("first", i2c_addr=0x45), sensor("second", i2c_addr=0x45)) == [
        '@1 sensor "second": i2c_addr: i2c-1 0x45 is used by sensor "first" (i2c_addr) already'
    ]
    assert problems(sensor("first", i2c_addr=0x45), sensor("second", i2c_addr=0x45, i2c_bus=3)) == []


def test_one_backend_can_be_laid_over_the_whole_machine():
    machine = machine_from_text(text_of(board(backend="real"), sensor(backend=None), motor()), "m.json")

    assert [one.label for one in machine.contradicting("mock")] == ['board "pi"']
    assert {one.attributes["backend"] for one in machine.with_backend("mock").components} == {"mock"}


def test_two_motors_on_one_channel_of_a_serial_driver_are_told_and_two_channels_share_the_port():
    def wheel(name: str, channel: int, path: str = "/dev/serial0", **more: object) -> dict[str, object]:
        return entry("motor", "sabertooth", name, backend="mock", serial_path=path, channel=channel, max_rpm=60, **more)

    assert problems(wheel("left", 1), wheel("right", 2)) == []
    assert problems(wheel("left", 1), wheel("right", 1, "/dev/./serial0")) == [
        '@1 motor "right": channel: channel 1 of address 128 on /dev/serial0 is used by motor "left" (channel) already'
    ]
    assert problems(wheel("left", 1), wheel("right", 1, address=129)) == []
    assert problems(wheel("left", 1), wheel("right", 2, baud_rate=38400)) == [
        '@1 motor "right": baud_rate: /dev/serial0 has 9600 for motor "left"; one port has one speed'
    ]


def test_a_port_that_one_device_has_alone_is_not_another_s_too():
    gps = entry("movement_sensor", "nmea-gps", "gps", backend="mock", connection_type="serial",
                serial_attributes={"serial_path": "/dev/serial0"})  # fmt: skip
    weather = entry("sensor", "serial-sensor", "weather", backend="mock", serial_path="/dev/serial0", baud_rate=9600)

    assert problems(gps, weather) == [
        '@1 sensor "weather": serial_path: /dev/serial0 is used by movement_sensor "gps" (serial_path) already'
    ]


def hat(**attributes: object) -> dict[str, object]:
    return entry("board", "pca9685", "hat", backend="mock", **attributes)


def test_pins_that_their_board_does_not_have_are_told():
    assert problems(board(pins=[{"name": "lamp", "pin": "11"}]), motor(a="lamp", b="GPIO99", pwm="1")) == [
        '@1 motor "wheel": pins.b: GPIO99 is not on the header, which has GPIO2 to GPIO27',
        '@1 motor "wheel": pins.pwm: pin 1 is 3.3 V power, not a GPIO: it cannot be read or switched',
    ]
    assert problems(board(pins=[{"name": "lamp", "pin": "29"}]), motor(a="lamp", b="29")) == [
        '@1 motor "wheel": pins.b: "29" is GPIO5 (pin 29), which pins.a uses too; every pin needs its own'
    ]


def test_what_a_pca9685_cannot_do_is_told():
    pins = {"a": "16", "b": "-1", "pwm": "3"}
    wheel = entry("motor", "dc-motor", "wheel", board="hat", pins=pins, max_rpm=60, pwm_freq=800)
    arm = entry("servo", "servo", "arm", board="hat", pin="03", frequency_hz=300)
    said = problems(hat(), wheel, encoder(board="hat", a="1", b="2"), arm)

    assert said == [
        '@1 motor "wheel": pins.a: board "hat" has no pin "16": a PCA9685 has the channels "0" to "15"',
        '@1 motor "wheel": pins.b: board "hat" has no pin "-1": a PCA9685 has the channels "0" to "15"',
        '@1 motor "wheel": pwm_freq: all channels of board "hat" have one frequency, 50.0 Hz, so it cannot be 800',
        '@2 encoder "turns": pins.a: board "hat" is a PCA9685, which has outputs only; wire it to the Pi\'s header',
        '@2 encoder "turns": pins.b: board "hat" is a PCA9685, which has outputs only; wire it to the Pi\'s header',
        '@3 servo "arm": frequency_hz: all channels of board "hat" have one frequency, 50.0 Hz, so it cannot be 300',
        '@3 servo "arm": pin: pin "03" of board "hat" is used by motor "wheel" (pins.pwm) already',
    ]


def test_motors_and_servos_on_a_pca9685_are_sound():
    wheel = entry("motor", "dc-motor", "wheel", board="hat", pins={"a": "1", "b": "2", "pwm": "0"}, max_rpm=60)
    assert problems(hat(), wheel, entry("servo", "servo", "arm", board="hat", pin="3")) == []


def converter(name: str, **attributes: object) -> dict[str, object]:
    return entry("sensor", "adc", name, backend="mock", **({"channels": {"x": {"channel": 0}}} | attributes))


def test_one_converter_may_have_several_users_and_two_chips_in_one_place_are_told():
    analogs = board(analogs=[{"name": "pot", "pin": "1", "chip_select": "24"}])
    assert problems(analogs, converter("a"), converter("b", sensor_pin=8)) == []
    assert problems(analogs, converter("a", chip="mcp3208"), converter("b", chip="mcp3208", chip_select=1)) == [
        '@1 sensor "a": chip_select: spi-0 0 is used by board "pi" (analogs[0].chip_select) already'
    ]


def test_a_converter_on_i2c_shares_its_address_with_its_own_kind_only():
    first, second = converter("a", chip="ads1115"), converter("b", chip="ads1115", gain=2)
    power = entry("power_sensor", "ina219", "power", backend="mock", i2c_addr=0x48)
    assert problems(first, second, power) == [
        '@2 power_sensor "power": i2c_addr: i2c-1 0x48 is used by sensor "a" (i2c_addr) already'
    ]
    assert problems(converter("a"), power) == []


def test_a_converter_with_two_references_is_told():
    analogs = board(analogs=[{"name": "pot", "channel": 0, "vref": 5}])
    assert problems(analogs, converter("a"), converter("b", vref=5), converter("c", vref=5, chip_select=1)) == [
        '@1 sensor "a": vref: the chip on spi-0 0 has 5 for board "pi"; one chip has one reference'
    ]


def test_a_motor_on_the_pins_of_a_converters_bus_is_told():
    assert problems(board(), converter("a"), motor(a="19", b="GPIO8", pwm="32")) == [
        '@2 motor "wheel": pins.a: GPIO10 (pin 19) is used by sensor "a" (spi_bus) already',
        '@2 motor "wheel": pins.b: GPIO8 (pin 24) is used by sensor "a" (spi_bus) already',
    ]
    assert problems(board(), converter("a", chip="ads1115"), motor(a="19", b="GPIO8", pwm="32")) == []


def test_a_converter_with_a_broken_place_is_told_of_that_and_of_nothing_else():
    (said,) = problems(converter("a", chip_select=7), converter("b"))
    assert "chip_select" in said


def pin(name: str, **settings: object) -> dict[str, object]:
    return board(pins=[{"name": "x", "pin": name, **settings}])


@pytest.mark.parametrize(("name", "label"), [("19", "GPIO10 (pin 19)"), ("24", "GPIO8 (pin 24)"), ("sclk", "GPIO11")])
@pytest.mark.parametrize("settings", [{"initial": "low"}, {"type": "interrupt"}])
def test_a_pin_that_a_board_takes_itself_is_not_a_converters_too(name, label, settings):
    (said,) = problems(pin(name, **settings), converter("a"))
    assert said.startswith(f'@1 sensor "a": spi_bus: {label}')
    assert said.endswith('is used by board "pi" (pins[0].pin) already')
    (said,) = problems(converter("a"), pin(name, **settings))
    assert said.startswith(f'@1 board "pi": pins[0].pin: {label}')
    pins = [{"pin": name, **settings}]
    (said,) = problems(board(pins=pins, analogs=[{"name": "pot", "channel": 0}]))
    assert 'is used by board "pi" (pins[0].pin) already' in said


def test_a_pin_that_is_only_named_is_taken_from_nobody():
    assert problems(pin("24"), converter("a")) == []
    assert problems(pin("3"), sensor()) == []


def test_a_driver_gets_the_pin_that_its_board_listens_to_but_not_one_that_it_drives():
    assert problems(pin("11", type="interrupt"), encoder(a="11")) == []
    assert problems(encoder(a="11"), board(digital_interrupts=[{"name": "x", "pin": "11"}])) == []
    assert problems(pin("11", initial="low"), encoder(a="11")) == [
        '@1 encoder "turns": pins.a: GPIO17 (pin 11) is used by board "pi" (pins[0].pin) already'
    ]
    said = problems(pin("11", type="interrupt"), encoder(a="11"), motor(a="11"))
    assert said == ['@2 motor "wheel": pins.a: GPIO17 (pin 11) is used by encoder "turns" (pins.a) already']


def test_the_pins_of_an_i2c_bus_in_use_are_nobody_elses():
    assert problems(pin("3", initial="low"), sensor()) == [
        '@1 sensor "air": i2c_bus: GPIO2 (pin 3) is used by board "pi" (pins[0].pin) already'
    ]
    assert problems(board(), sensor(), converter("a", chip="ads1115"), motor(a="scl")) == [
        '@3 motor "wheel": pins.a: GPIO3 (pin 5) is used by sensor "air" (i2c_bus) already'
    ]
    assert problems(pin("3", initial="low"), sensor(i2c_bus=3)) == []
    assert problems(pin("3", initial="low"), converter("a", chip="ads1115", i2c_addr="0x20")) == [
        '@1 sensor "a": i2c_addr: must be between 72 and 75, got "0x20"'
    ]


def climate(name: str, **attributes: object) -> dict[str, object]:
    return entry("sensor", "bme280", name, backend="mock", **attributes)


def test_a_sensor_without_an_address_takes_the_one_that_is_left():
    high, low = climate("high", i2c_addr="0x77"), climate("low", i2c_addr="0x76")
    assert problems(climate("a"), climate("b")) == []
    assert problems(high, climate("a")) == []
    assert problems(low, climate("a")) == []
    assert problems(climate("a"), low) == []
    assert problems(climate("a"), high) == [
        '@1 sensor "high": i2c_addr: i2c-1 0x77 is used by sensor "a" (i2c_addr) already'
    ]
    (said,) = problems(high, low, climate("a"))
    assert said == (
        '@2 sensor "a": i2c_addr: i2c-1 0x77 is used by sensor "high" (i2c_addr) already, '
        'and i2c-1 0x76 is used by sensor "low" (i2c_addr) already'
    )


def test_an_address_that_is_said_in_another_way_is_an_address():
    def imu(name: str, **attributes: object) -> dict[str, object]:
        return entry("movement_sensor", "mpu6050", name, backend="mock", **attributes)

    assert problems(imu("a", use_alt_i2c_address=True), imu("b")) == []
    assert problems(imu("a", use_alt_i2c_address=True), imu("b", i2c_addr="0x69")) == [
        '@1 movement_sensor "b": i2c_addr: i2c-1 0x69 is used by movement_sensor "a" (use_alt_i2c_address) already'
    ]
    assert problems(imu("b", i2c_addr="0x69"), imu("a", use_alt_i2c_address=True)) == [
        '@1 movement_sensor "a": use_alt_i2c_address: i2c-1 0x69 is used by movement_sensor "b" (i2c_addr) already'
    ]


def test_a_chip_of_the_kernel_is_not_another_models_too():
    def kernel(name: str, place: str) -> dict[str, object]:
        return entry("sensor", "iio-sensor", name, backend="mock", device="bme280", place=place)

    low = climate("own", i2c_addr="0x76")
    assert problems(kernel("k", "1-0076"), low) == [
        '@1 sensor "own": i2c_addr: i2c-1 0x76 is used by sensor "k" (place) already'
    ]
    assert problems(low, kernel("k", "1-0076")) == [
        '@1 sensor "k": place: i2c-1 0x76 is used by sensor "own" (i2c_addr) already'
    ]
    assert problems(kernel("k", "1-0076"), kernel("l", "1-0076"), climate("high")) == []
    assert problems(low, kernel("k", "3-0076"), kernel("l", "spi0.0"), kernel("m", "1-0077")) == []
    assert problems(pin("3", initial="low"), kernel("k", "1-0076")) == [
        '@1 sensor "k": place: GPIO2 (pin 3) is used by board "pi" (pins[0].pin) already'
    ]


def thermometer(name: str, **attributes: object) -> dict[str, object]:
    return entry("sensor", "ds18b20", name, **({"backend": "mock"} | attributes))


def test_two_thermometers_that_are_one_are_told_however_it_is_written():
    for other in ("28-000005E2FDC3", "000005e2fdc3", " 28-000005e2fdc3 "):
        assert problems(thermometer("a", sensor_id="28-000005e2fdc3"), thermometer("b", unique_id=other)) == [
            '@1 sensor "b": sensor_id: 1-wire 28-000005e2fdc3 is used by sensor "a" (sensor_id) already'
        ]
    assert problems(thermometer("a", sensor_id="28-000005e2fdc3"), thermometer("b", unique_id="28-000005e2fdc4")) == []


def test_where_there_are_several_thermometers_each_has_to_be_named():
    alone = "is required here: without it the sensor is the only one on the bus, where sensor"
    assert problems(thermometer("a")) == []
    assert problems(thermometer("a"), thermometer("b", backend="real")) == []
    assert problems(thermometer("a"), thermometer("b")) == [
        f'@0 sensor "a": sensor_id: {alone} "b" is too',
        f'@1 sensor "b": sensor_id: {alone} "a" is too',
    ]
    assert problems(thermometer("a"), thermometer("b", sensor_id="28-000005e2fdc3")) == [
        f'@0 sensor "a": sensor_id: {alone} "b" is too'
    ]


def eye(name: str, video_path: object, **attributes: object) -> dict[str, object]:
    return entry("camera", "webcam", name, backend="mock", video_path=video_path, **attributes)


KEPT = "usb-046d_HD_Pro_Webcam_C920_5A1B-video-index0"


@pytest.mark.parametrize("first", ["/dev/video0", 0, "0", "video0", "/dev//video0"])
@pytest.mark.parametrize("second", ["/dev/video0", 0, "0", "video0"])
def test_two_components_on_one_webcam_are_told_however_its_number_is_written(first, second):
    assert problems(eye("front", first), eye("back", second)) == [
        '@1 camera "back": video_path: /dev/video0 is used by camera "front" (video_path) already'
    ]


@pytest.mark.parametrize("first", [KEPT, f"/dev/v4l/by-id/{KEPT}", f"{KEPT};video0"])
def test_two_components_on_one_webcam_are_told_with_and_without_the_folder_of_its_name(first):
    assert problems(eye("front", first), eye("back", KEPT)) == [
        f'@1 camera "back": video_path: {KEPT} is used by camera "front" (video_path) already'
    ]


def test_two_components_on_a_name_below_by_id_are_told_whatever_it_looks_like():
    assert problems(eye("front", "/dev/v4l/by-id/cam"), eye("back", "/dev/v4l/by-id/cam")) == [
        '@1 camera "back": video_path: cam is used by camera "front" (video_path) already'
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{KEPT};video0", "/dev/video0"),  # where it was when somebody wrote that down
        ("/dev/video0", "/dev/video2"),
        (KEPT, KEPT.replace("5A1B", "77F0")),
        ("HD Pro Webcam C920", "HD Pro Webcam C920"),  # there may be two of a kind, and each gets one
        (None, None),
        (None, 0),
    ],
)
def test_two_webcams_are_two(first, second):
    assert problems(eye("front", first), eye("back", second)) == []


def test_the_real_webcam_and_the_simulated_one_are_two():
    assert problems(eye("front", 0), eye("back", 0) | {"attributes": {"backend": "real", "video_path": 0}}) == []


def test_two_components_on_one_csi_camera_are_told_and_its_number_is_no_webcams():
    def ribbon(name: str, **attributes: object) -> dict[str, object]:
        return entry("camera", "csi-camera", name, backend="mock", **attributes)

    assert problems(eye("usb", 0), ribbon("front"), ribbon("back", camera_num=1)) == []
    assert problems(ribbon("front"), ribbon("back", camera_num=0)) == [
        '@1 camera "back": camera_num: camera 0 is used by camera "front" (camera_num) already'
    ]


def test_a_name_without_end_is_cut_wherever_it_is_told():
    long = "x" * 70_000
    assert all(len(line) < 500 for line in problems(sensor(long, i2c_bus="x"), sensor(long)))
