"""The SPI buses of a machine: a thread for each bus, each chip select opened once, and the pins of the header."""

import pytest

from pi_drivers.errors import ArgumentError, BusAbsentError, ClaimedError, ClosedError
from pi_drivers.host.claims import Claims, Holder
from pi_drivers.host.mock import MockHost
from pi_drivers.host.spi_lines import claim_chip_select, index_on
from pi_drivers.world.clock import PacedClock
from pi_drivers.world.world import World
from tests.contract.spi_chips import CHIPS

SPEED_HZ = 1_000_000
ONE = Holder('sensor "one"', "converter")
OTHER = Holder('sensor "other"', "converter")
MOTOR = Holder('motor "left"', "pin a")


@pytest.fixture
def host() -> MockHost:
    made = MockHost(World(PacedClock()))
    for bus, chip_select in ((0, 0), (0, 1), (1, 0)):
        made.world.spi(bus).plug_in(chip_select, CHIPS["jumper"](made.world, chip_select))
    return made


async def test_users_of_one_chip_share_it_and_the_last_one_closes_it(host: MockHost):
    first = host.spi(0, 0, speed_hz=SPEED_HZ)
    second = host.spi(0, 0, speed_hz=SPEED_HZ)
    assert first.bus is second.bus

    first.leave()
    assert await second.worker.run(lambda: second.bus.transfer(b"ab")) == b"ab"
    second.leave()
    await second.worker.ended()
    with pytest.raises(ClosedError):
        second.bus.transfer(b"ab")

    third = host.spi(0, 0, speed_hz=SPEED_HZ)
    assert await third.worker.run(lambda: third.bus.transfer(b"cd")) == b"cd"
    third.leave()
    await third.worker.ended()


async def test_chips_of_one_bus_take_turns_on_one_thread_and_each_bus_has_its_own(host: MockHost):
    one, other = host.spi(0, 0, speed_hz=SPEED_HZ), host.spi(0, 1, speed_hz=SPEED_HZ)
    elsewhere = host.spi(1, 0, speed_hz=SPEED_HZ)
    assert one.worker is other.worker
    assert elsewhere.worker is not one.worker

    one.leave()
    assert await other.worker.run(lambda: other.bus.transfer(b"ab")) == b"ab"
    with pytest.raises(ClosedError):
        one.bus.transfer(b"ab")
    again = host.spi(0, 0, speed_hz=SPEED_HZ)
    assert again.worker is other.worker
    assert await again.worker.run(lambda: again.bus.transfer(b"cd")) == b"cd"

    for shared in (other, again, elsewhere):
        shared.leave()
    await again.worker.ended()
    await elsewhere.worker.ended()


async def test_jobs_still_queued_end_before_the_chip_is_closed(host: MockHost):
    shared = host.spi(0, 0, speed_hz=SPEED_HZ)
    answers: list[bytes] = []
    for _ in range(20):
        shared.worker.post(lambda: answers.append(shared.bus.transfer(b"ab")))
    shared.leave()
    await shared.worker.ended()

    assert answers == [b"ab"] * 20


@pytest.mark.parametrize(("speed_hz", "mode"), [(SPEED_HZ - 1, 0), (SPEED_HZ, 1)])
async def test_one_chip_has_one_clock_and_one_mode(host: MockHost, speed_hz: int, mode: int):
    first = host.spi(0, 0, speed_hz=SPEED_HZ)
    with pytest.raises(ClaimedError) as caught:
        host.spi(0, 0, speed_hz=speed_hz, mode=mode)
    assert caught.value.message == (
        f"spi-0 0 is in use at 1000000 Hz in mode 0, and cannot be used at {speed_hz} Hz in mode {mode} as well: one "
        "chip has one clock and one mode. If they are two chips, give each its own chip select."
    )
    other = host.spi(0, 1, speed_hz=speed_hz, mode=mode)

    for shared in (first, other):
        shared.leave()
    await first.worker.ended()


async def test_what_cannot_be_opened_leaves_nothing_behind(host: MockHost):
    with pytest.raises(BusAbsentError, match="spi-0 0, spi-0 1, spi-1 0, spi-1 1, spi-1 2"):
        host.spi(0, 2, speed_hz=SPEED_HZ)
    for speed_hz, mode in ((0, 0), (SPEED_HZ, 4)):
        with pytest.raises(ArgumentError):
            host.spi(0, 0, speed_hz=speed_hz, mode=mode)

    shared = host.spi(0, 0, speed_hz=SPEED_HZ)
    shared.leave()
    await shared.worker.ended()


def test_chips_share_the_lines_of_their_bus_and_have_their_chip_selects_for_themselves():
    claims = Claims()
    give_back = claim_chip_select(claims, 0, 0, ONE, "mcp3008")
    give_back_other = claim_chip_select(claims, 0, 1, OTHER, "mcp3208")
    assert set(claims.listing()) == {
        "spi-0 0", "spi-0 1",
        "GPIO10 (pin 19)", "GPIO9 (pin 21)", "GPIO11 (pin 23)", "GPIO8 (pin 24)", "GPIO7 (pin 26)",
    }  # fmt: skip
    give_back()
    assert set(claims.listing()) == {
        "spi-0 1", "GPIO10 (pin 19)", "GPIO9 (pin 21)", "GPIO11 (pin 23)", "GPIO7 (pin 26)",
    }  # fmt: skip
    give_back_other()
    assert claims.listing() == {}


def test_two_who_name_the_same_chip_share_it_and_who_names_another_is_refused():
    claims = Claims()
    claim_chip_select(claims, 1, 2, ONE, "mcp3008")
    claim_chip_select(claims, 1, 2, OTHER, "mcp3008")
    before = claims.listing()
    with pytest.raises(ClaimedError, match=r'^spi-1 2 is held by sensor "one" and sensor "other"'):
        claim_chip_select(claims, 1, 2, MOTOR, "mcp3002")
    assert claims.listing() == before


@pytest.mark.parametrize(
    ("bus", "pin"),
    [
        (0, "GPIO10 (pin 19)"),
        (0, "GPIO9 (pin 21)"),
        (0, "GPIO11 (pin 23)"),
        (0, "GPIO8 (pin 24)"),
        (1, "GPIO20 (pin 38)"),
        (1, "GPIO18 (pin 12)"),
    ],
)
def test_a_motor_gets_no_pin_of_a_bus_in_use_and_the_bus_none_of_a_motor(bus: int, pin: str):
    claims = Claims()
    give_back = claim_chip_select(claims, bus, 0, ONE, "mcp3008")
    with pytest.raises(ClaimedError, match=rf'is held by sensor "one" \(pin of SPI bus {bus}\)'):
        claims.take(pin, MOTOR)
    give_back()

    claims.take(pin, MOTOR)
    with pytest.raises(ClaimedError, match='held by motor "left"'):
        claim_chip_select(claims, bus, 0, ONE, "mcp3008")
    assert set(claims.listing()) == {pin}


@pytest.mark.parametrize(
    ("bus", "chip_select", "index"),
    [
        (0, "ce0", 0), (0, "CE1", 1), (0, "24", 0), (0, "26", 1), (0, "io8", 0), (0, "GPIO7", 1), (0, "bcm7", 1),
        (1, "ce0", 0), (1, "ce2", 2), (1, "12", 0), (1, "11", 1), (1, "36", 2), (1, "GPIO18", 0), (1, "io16", 2),
    ],
)  # fmt: skip
def test_a_chip_select_is_named_by_its_number_or_by_its_pin(bus: int, chip_select: str, index: int):
    assert index_on(bus, chip_select) == index


@pytest.mark.parametrize(
    ("bus", "chip_select"),
    [
        (0, "ce2"),
        (0, "12"),
        (0, "GPIO18"),
        (0, "8"),
        (0, "0"),
        (0, "GPIO10"),
        (0, "1"),
        (0, "x"),
        (0, ""),
        (1, "24"),
        (1, "io8"),
        (1, "ce3"),
    ],
)
def test_what_is_no_chip_select_of_the_bus_is_refused_with_what_is(bus: int, chip_select: str):
    has = {0: '0 ("24", "GPIO8"), 1 ("26", "GPIO7")', 1: '0 ("12", "GPIO18"), 1 ("11", "GPIO17"), 2 ("36", "GPIO16")'}
    with pytest.raises(ArgumentError) as caught:
        index_on(bus, chip_select)
    assert caught.value.message == f'SPI bus {bus} has no chip select "{chip_select}"; it has {has[bus]}'
