"""What outputs enter with the keeper: their safe level as a meter would show it, from their opening to their end."""

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pi_drivers.buses.gpio.contract import Gpio
from pi_drivers.buses.gpio.real import RealGpio
from pi_drivers.buses.gpio.real_chip import Lgpio
from pi_drivers.buses.i2c.real import SmbusI2c
from pi_drivers.buses.pwm.real import SysfsPwm
from pi_drivers.errors import BusError
from pi_drivers.host.claims import Holder
from pi_drivers.host.mock import MockHost
from pi_drivers.host.outputs import open_output
from pi_drivers.models.board.gpio_pin import PinState
from pi_drivers.models.board.header_pins import HeaderPins, PinSettings
from pi_drivers.runtime.keeper import BytesToChip, Entry, Forget, LineAt, TextsIn
from pi_drivers.runtime.lifecycle import Lifecycle
from pi_drivers.world.world import World
from tests.contract.pwm_grounds import HIGH, LOW, SysfsTree

CHIP = Path("/dev/gpiochip4")
CASES = [(False, False, False), (True, False, True), (False, True, True), (True, True, False)]
"""Safe high, active low, and the level that a meter shows of it."""


class List:
    """What is entered."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def keep(self, entry: Entry) -> Forget:
        self.entries.append(entry)

        def forget() -> None:
            if entry in self.entries:
                self.entries.remove(entry)

        return forget


class StandInForLgpio:
    """lgpio without a chip."""

    SET_ACTIVE_LOW = 4
    error = KeyError
    broken = False

    def gpio_claim_output(self, handle: int, offset: int, level: int, flags: int) -> None:
        pass

    def gpio_write(self, handle: int, offset: int, level: int) -> None:
        pass

    def gpio_free(self, handle: int, offset: int) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")


@pytest.fixture
def kept() -> List:
    return List()


@pytest.fixture
def lgpio() -> StandInForLgpio:
    return StandInForLgpio()


@pytest.fixture
def gpio(kept: List, lgpio: StandInForLgpio, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealGpio]:
    """The real back end over the stand-in."""
    factory: Any = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr("pi_drivers.buses.gpio.real.find_chip", lambda labels: CHIP)
    monkeypatch.setattr("pi_drivers.buses.gpio.real.open_lgpio", lambda path: Lgpio(lgpio, factory, 0))
    made = RealGpio(keep=kept.keep)
    yield made
    lgpio.broken = False
    made.close()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: List) -> SysfsTree:
    """The PWM block connected to GPIO18."""
    made = SysfsTree(tmp_path, monkeypatch)
    made.connect(18)
    made.pwm = SysfsPwm(made.root, made.device_tree, keep=kept.keep)
    return made


@pytest.fixture
def host(gpio: Gpio, tree: SysfsTree, monkeypatch: pytest.MonkeyPatch) -> MockHost:
    """A machine whose pins are these two."""
    made = MockHost(World.by_hand())
    monkeypatch.setattr(made, "_gpio", gpio)
    monkeypatch.setattr(made, "_pwm", tree.pwm)
    return made


@pytest.mark.parametrize(("safe_high", "active_low", "level"), CASES)
@pytest.mark.parametrize("initial", [False, True])
def test_a_line_is_entered_with_its_safe_level_until_it_was_let_go(
    host: MockHost, kept: List, initial, safe_high, active_low, level
):
    line = open_output(host, 17, initial=initial, active_low=active_low, safe_high=safe_high)
    line.write(not initial)
    assert kept.entries == [LineAt(CHIP, 17, high=level)]
    line.close()
    line.close()
    assert kept.entries == []


def test_a_line_that_could_not_be_let_go_stays_on_the_list(gpio: RealGpio, lgpio: StandInForLgpio, kept: List):
    line = gpio.output(17)
    lgpio.broken = True
    with pytest.raises(BusError):
        line.close()

    assert kept.entries == [LineAt(CHIP, 17, high=False)]


@pytest.mark.parametrize(("safe_high", "active_low", "level"), CASES)
@pytest.mark.parametrize(
    "left",
    [(0, 0, 0), (5000, 0, 1), (5000, 4000, 1), (5_000_000, 4_000_000, 1), (5_000_000, 5_000_000, 0), (10, 10, 1)],
    ids=str,
)
def test_what_is_entered_for_a_channel_brings_it_to_its_safe_level_from_anywhere(
    host: MockHost, tree: SysfsTree, kept: List, left, safe_high, active_low, level
):
    output = open_output(host, 18, active_low=active_low, safe_high=safe_high)
    period, pulse, enable = left
    for name, value in {"period": period, "duty_cycle": pulse, "enable": enable}.items():
        tree._write_file(tree.channel(18) / name, str(value))
    (entry,) = kept.entries
    assert isinstance(entry, TextsIn)
    assert entry.directory == tree.channel(18)
    for name, text in entry.texts:
        (entry.directory / name).write_text(text)

    assert tree.seen(18) == (HIGH if level else LOW)
    output.write(level is not active_low)
    output.close()
    assert kept.entries == []


def test_a_channel_that_could_not_be_brought_to_rest_stays_on_the_list(tree: SysfsTree, kept: List):
    channel = tree.pwm.open(18)
    channel.set(1000, 300)
    tree.refused["enable"] = 5
    with pytest.raises(BusError):
        channel.close()

    assert len(kept.entries) == 1


@pytest.mark.parametrize("safe_high", [False, True])
def test_a_driver_s_pin_is_entered_with_the_level_that_is_safe_for_it(host: MockHost, kept: List, safe_high):
    lifecycle = Lifecycle("motor", logging.getLogger("pi_drivers.test"))
    HeaderPins(host, {}).output("11", Holder("motor", "pin"), lifecycle, safe_high=safe_high)
    assert kept.entries == [LineAt(CHIP, 17, high=safe_high)]
    lifecycle.release_now()
    assert kept.entries == []


def test_what_a_chip_is_to_be_told_is_entered(kept: List, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pi_drivers.buses.i2c.real._open", lambda number: SimpleNamespace(close=lambda: None))
    bus = SmbusI2c(1, keep=kept.keep)
    forget = bus.keep_write(0x40, b"\x06\0\0\0\x10")
    assert kept.entries == [BytesToChip(1, 0x40, b"\x06\0\0\0\x10")]
    forget()
    assert kept.entries == []


@pytest.mark.parametrize("active_low", [False, True])
def test_a_pin_that_the_board_s_user_switched_on_is_entered(host: MockHost, kept: List, active_low):
    settings = PinSettings(17, active_low=active_low)
    relay = PinState(HeaderPins(host, {"relay": settings}), settings, Holder("board", "pin"))
    relay.set(True)
    assert kept.entries == [LineAt(CHIP, 17, high=active_low)]
    relay.close()
    assert kept.entries == []
