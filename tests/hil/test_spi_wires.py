"""The real SPI back end on the wires: what is sent, how fast and in which mode, and what comes of a failing controller.

The chips are played by a program (outside_spi.py), which also shows what goes over the wires.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pi_drivers.buses.spi.real import SpidevChip
from pi_drivers.errors import ArgumentError, BusError, BusTimeoutError
from tests.hil.outside_chips import Player

SPEED_HZ = 1_350_000


@pytest.fixture
def chips(spi_player: Player) -> Player:
    for command in ("clear", "plug jumper@0", "plug register@1"):
        spi_player.tell(command)
    return spi_player


@pytest.fixture
def chip(chips: Player) -> Iterator[SpidevChip]:
    made = SpidevChip(0, 0, speed_hz=SPEED_HZ, mode=0)
    yield made
    made.close()


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
@pytest.mark.parametrize("speed_hz", [10_000, 1_350_000, 20_000_000])
def test_a_transfer_is_one_selection_with_its_clock_and_its_mode(chips: Player, speed_hz: int, mode: int):
    chip = SpidevChip(0, 1, speed_hz=speed_hz, mode=mode)
    chip.transfer(b"\x01\x80\x00")
    chip.transfer(b"\xff")
    chip.close()

    assert chips.seen() == [f"1 at {speed_hz} Hz in mode {mode}: {data}" for data in ("018000", "ff")]


def test_opening_and_closing_select_nobody(chips: Player):
    SpidevChip(0, 0, speed_hz=SPEED_HZ, mode=0).close()

    assert chips.seen() == []


def test_two_chips_keep_their_clocks_and_modes(chips: Player, chip: SpidevChip):
    other = SpidevChip(0, 1, speed_hz=500_000, mode=3)
    for each in (chip, other, chip):
        each.transfer(b"a")
    other.close()

    assert chips.seen() == [
        f"0 at {SPEED_HZ} Hz in mode 0: 61", "1 at 500000 Hz in mode 3: 61", f"0 at {SPEED_HZ} Hz in mode 0: 61"
    ]  # fmt: skip


def test_what_is_refused_never_reaches_the_wires(chips: Player, chip: SpidevChip):
    for data in (b"", bytes(4097)):
        with pytest.raises(ArgumentError):
            chip.transfer(data)

    assert chips.seen() == []


@pytest.mark.parametrize("name", ["EIO", "EINVAL", "EREMOTEIO"])
def test_what_a_controller_reports_becomes_an_error_and_the_next_transfer_is_sound(
    chips: Player, chip: SpidevChip, name: str
):
    chips.tell(f"fail 0 {name}")
    with pytest.raises(BusError, match=rf"^spi-0 0: the transfer failed: .* \({name}\)"):
        chip.transfer(b"abc")

    assert chip.transfer(b"abc") == b"abc"


def test_a_transfer_that_waits_holds_up_no_other_thread(chips: Player, chip: SpidevChip):
    chips.tell("hang 0")
    turns = 0
    with ThreadPoolExecutor(1) as somebody:
        waiting = somebody.submit(chip.transfer, b"abc")
        while not waiting.done():
            time.sleep(0.01)
            turns += 1
    with pytest.raises(BusTimeoutError, match=r"^spi-0 0: the SPI controller did not finish"):
        waiting.result()

    assert turns >= 20
    assert chip.transfer(b"abc") == b"abc"
