"""What the simulated 1-Wire line does besides: it takes time, forgets, and wakes up at 85 degrees."""

import pytest

from pi_drivers.errors import NoAnswerError
from pi_drivers.world.onewire import POWER_ON, Thermometer

from .onewire_grounds import MockOneWireGround
from .test_onewire import COLD, ONE, WARM

MILLISECOND = 1_000_000


@pytest.fixture
def ground() -> MockOneWireGround:
    made = MockOneWireGround()
    made.plug_in(ONE, WARM)
    return made


def test_a_read_takes_the_time_of_a_conversion(ground: MockOneWireGround):
    ground.open().read(ONE)

    assert ground.clock.now_ns() == 750 * MILLISECOND


def test_what_is_read_was_measured_at_the_beginning(ground: MockOneWireGround):
    device = ground.line.device(ONE)
    assert isinstance(device, Thermometer)
    ground.clock.at(10 * MILLISECOND, lambda: setattr(device, "measures", COLD))

    assert ground.open().read(ONE)[:8] == WARM
    assert ground.open().read(ONE)[:8] == COLD


def test_a_sensor_that_loses_its_power_while_it_converts_answers_with_85_degrees(ground: MockOneWireGround):
    bus = ground.open()
    bus.read(ONE)
    ground.line.faults(ONE).resets = 1

    # DS18B20 datasheet, figure 9 and table 1: the power-on value of the temperature register is 0x0550, +85 °C.
    assert bus.read(ONE) == bytes.fromhex("50 05 4b 46 7f ff 0c 10 1c")
    assert bus.read(ONE)[:8] == WARM


def test_a_sensor_that_is_slower_than_the_kernel_waits_answers_with_what_it_had(ground: MockOneWireGround):
    device = ground.line.device(ONE)
    assert isinstance(device, Thermometer)
    device.conversion_ns = 800 * MILLISECOND

    assert ground.open().read(ONE)[:8] == POWER_ON


def test_a_sensor_that_is_pulled_in_the_middle_of_a_read_is_no_answer(ground: MockOneWireGround):
    ground.clock.at(300 * MILLISECOND, lambda: ground.line.unplug(ONE))
    with pytest.raises(NoAnswerError, match=f"{ONE}: no answer"):
        ground.open().read(ONE)


def test_a_sensor_that_was_plugged_in_again_answers_and_wakes_up_as_new(ground: MockOneWireGround):
    bus = ground.open()
    bus.read(ONE)
    ground.line.unplug(ONE)
    ground.line.replug(ONE)
    device = ground.line.device(ONE)
    assert device is not None

    assert device.scratchpad()[:8] == POWER_ON
    assert bus.read(ONE)[:8] == WARM


def test_a_model_does_not_take_the_place_of_what_is_plugged_in_already(ground: MockOneWireGround):
    device = ground.line.device(ONE)
    ground.line.plug_in_if_free(ONE, Thermometer(ground.clock))

    assert ground.line.device(ONE) is device
