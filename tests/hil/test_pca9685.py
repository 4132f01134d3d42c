"""Motors and servos on a PCA9685 on a real I2C bus, whose chip a program outside plays; seen at its registers."""

import asyncio
import signal
from collections.abc import Callable, Iterator

import pytest
from grpclib import GRPCError, Status
from viam.components.board.client import BoardClient
from viam.components.motor.client import MotorClient
from viam.components.servo.client import ServoClient

from pi_drivers.buses.i2c.real import SmbusI2c
from pi_drivers.errors import NoAnswerError
from pi_drivers.models.board.pca9685_chip import LED0, MODE1, PRE_SCALE, count_in
from tests.hil.machine import configured, running, until
from tests.hil.outside_chips import OutsideChips
from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = 0x40
A, B, PWM, SIGNAL = 0, 1, 2, 15
SOON_S = 1.0
SAFE_S = 3.0
"""How soon after a kill: the simulated kernel needs half a second to take a process apart."""
RECOVERED_S = 10.0

MOTOR = component(
    "motor", "dc-motor", "left", {"board": "hat", "pins": {"a": "0", "b": "1", "pwm": "2"}, "max_rpm": 100}
)
SERVO = component("servo", "servo", "arm", {"board": "hat", "pin": "15"})


class Chip:
    """The chip as another program on the same bus sees it."""

    def __init__(self, outside: OutsideChips) -> None:
        self.outside = outside
        self.bus = SmbusI2c(outside.bus)
        self.board = component(
            "board", "pca9685", "hat", {"i2c_bus": outside.bus, "i2c_addr": "0x40", "frequency_hz": 50}
        )

    def counts(self, *channels: int) -> tuple[int, ...]:
        """For how many steps of 4096 channels are high."""
        return tuple(count_in(self.bus.read_register(ADDRESS, LED0 + 4 * channel, 4)) for channel in channels)

    def motor_is(self, *counts: int) -> Callable[[], bool]:
        """Whether the motor's channels are like this."""
        return lambda: self.counts(A, B, PWM) == counts


@pytest.fixture
def chip(player: OutsideChips) -> Iterator[Chip]:
    """The bus with one new chip on it, as it is when its power comes."""
    player.tell("clear")
    player.tell(f"plug pca9685@{ADDRESS}")
    made = Chip(player)
    yield made
    made.bus.close()


async def test_a_motor_and_a_servo_are_on_their_channels_and_off_in_the_end(server: FakeViamServer, chip: Chip):
    async with configured(server, chip.board, MOTOR, SERVO):
        left, arm = server.client(MotorClient, "left"), server.client(ServoClient, "arm")
        await left.set_power(-0.25)
        await arm.move(90)
        assert chip.counts(A, B, PWM, SIGNAL) == (0, 4096, 1024, 307)  # 1500 µs in steps of 4.88
        assert chip.bus.read_register(ADDRESS, PRE_SCALE, 1) == bytes([121])
        await left.set_power(1.0)
        assert chip.counts(A, B, PWM) == (4096, 0, 4096)
        await left.stop()
        assert chip.counts(A, B, PWM, SIGNAL) == (0, 0, 0, 307)
        await left.set_power(1.0)
    assert chip.counts(A, B, PWM, SIGNAL) == (0, 0, 0, 0)
    assert chip.bus.read_register(ADDRESS, MODE1, 1) == b"\x20"


async def test_a_command_is_one_transfer_for_each_channel(server: FakeViamServer, chip: Chip):
    async with configured(server, chip.board):
        pin = await server.client(BoardClient, "hat").gpio_pin_by_name("3")
        await pin.set_pwm(0.25)
        chip.outside.seen()
        await pin.set_pwm(0.5)
        written = [transfer for transfer in chip.outside.seen() if transfer.startswith("write 0x40 12")]
        assert written == ["write 0x40 1200000008"]
        assert await pin.get_pwm() == 0.5
        assert await pin.get_pwm_frequency() == 50


async def test_a_chip_that_is_pulled_out_is_an_error_and_comes_back_with_everything_off(
    server: FakeViamServer, chip: Chip
):
    async with configured(server, chip.board, MOTOR):
        left, hat = server.client(MotorClient, "left"), server.client(BoardClient, "hat")
        await left.set_power(0.5)
        chip.outside.tell(f"unplug {ADDRESS}")
        with pytest.raises(GRPCError, match=rf"i2c-{chip.outside.bus} 0x40: no answer") as caught:
            await left.set_power(0.6)
        assert caught.value.status is Status.UNAVAILABLE
        with pytest.raises(NoAnswerError):
            chip.counts(A)
        chip.outside.tell(f"replug {ADDRESS}")
        async with asyncio.timeout(RECOVERED_S):
            while (await hat.get_status())["power_losses"] != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert chip.counts(A, B, PWM) == (0, 0, 0)
        assert "error" not in await hat.get_status()
        await left.set_power(0.5)
        assert chip.counts(A, B, PWM) == (4096, 0, 2048)


async def test_a_caller_who_goes_away_stops_the_motor(server: FakeViamServer, chip: Chip):
    async with configured(server, chip.board, MOTOR):
        left = server.client(MotorClient, "left")
        moving = asyncio.create_task(left.go_for(50, 1000))
        await until(chip.motor_is(4096, 0, 2048), SOON_S)
        moving.cancel()
        await until(chip.motor_is(0, 0, 0), SOON_S)
        await asyncio.gather(moving, return_exceptions=True)


async def test_a_bus_that_hangs_is_an_error_and_the_motor_is_stopped_when_it_passes(server: FakeViamServer, chip: Chip):
    async with configured(server, chip.board, MOTOR):
        left = server.client(MotorClient, "left")
        await left.set_power(0.5)
        chip.outside.tell(f"hang {ADDRESS} 1")
        with pytest.raises(GRPCError, match="the bus hangs"):
            await left.set_power(-0.5)
        await until(chip.motor_is(0, 0, 0), RECOVERED_S)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_the_end_of_the_module_switches_every_channel_off_however_it_came(start: Start, chip: Chip, end):
    async with running(start) as server:
        await server.configure(chip.board)
        await server.configure(MOTOR)
        await server.configure(SERVO)
        await server.client(MotorClient, "left").set_power(0.5)
        await server.client(ServoClient, "arm").move(90)
        await asyncio.sleep(1.0)  # until somebody is there who makes it safe
        assert chip.counts(A, B, PWM, SIGNAL) == (4096, 0, 2048, 307)
        server.child.signal(end)
        await until(lambda: chip.counts(A, B, PWM, SIGNAL) == (0, 0, 0, 0), SAFE_S)
        await server.child.ended(SAFE_S)
    assert ("were made safe" in server.child.output) is (end is signal.SIGKILL)
