"""The real PWM block's own dealings with the kernel's files."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from pi_drivers.buses.pwm.real import SysfsPwm
from pi_drivers.errors import BusError, BusPermissionError, ClaimedError, ClosedError
from tests.conftest import open_descriptors

from .pwm_grounds import LOW, Seen, SysfsTree


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SysfsTree:
    made = SysfsTree(tmp_path, monkeypatch)
    made.connect(18)
    return made


def test_the_output_starts_only_when_period_and_pulse_stand(tree: SysfsTree):
    tree.pwm.open(18).set(1000, 300)

    assert tree.writes == [("export", "0"), ("period", "1000"), ("duty_cycle", "300"), ("enable", "1")]


def test_a_change_writes_only_what_changed(tree: SysfsTree):
    channel = tree.pwm.open(18)
    channel.set(1000, 300)
    tree.writes.clear()
    channel.set(1000, 400)
    channel.set(1000, 400)

    assert tree.writes == [("duty_cycle", "400")]


def test_the_pulse_shrinks_before_the_period_and_grows_after_it(tree: SysfsTree):
    channel = tree.pwm.open(18)
    channel.set(1000, 900)
    tree.writes.clear()
    channel.set(500, 400)
    channel.set(2000, 1900)

    assert tree.writes == [("duty_cycle", "400"), ("period", "500"), ("period", "2000"), ("duty_cycle", "1900")]


def test_a_channel_is_exported_once_and_stays_exported(tree: SysfsTree):
    for _ in range(3):
        tree.pwm.open(18).close()

    assert tree.writes.count(("export", "0")) == 1


def test_what_a_predecessor_left_running_is_not_disturbed_before_the_first_set(tree: SysfsTree):
    tree.export(tree.channel(18), period="5000", duty_cycle="4000", enable="1")
    channel = tree.pwm.open(18)
    assert tree.writes == []
    assert tree.seen(18) == Seen(5000, 4000)

    channel.set(3000, 1000)
    assert tree.seen(18) == Seen(3000, 1000)


def test_an_inverted_channel_is_set_right(tree: SysfsTree):
    tree.export(tree.channel(18), period="5000", duty_cycle="4000", enable="1", polarity="inversed")
    tree.pwm.open(18).set(5000, 1000)

    assert (tree.channel(18) / "polarity").read_text() == "normal"
    assert tree.seen(18) == Seen(5000, 1000)


@pytest.mark.parametrize(("offset", "channel"), [(12, 0), (13, 1), (18, 2), (19, 3)])
def test_on_a_pi_5_every_pin_has_a_channel_of_its_own(tmp_path, monkeypatch, offset, channel):
    tree = SysfsTree(tmp_path, monkeypatch, model=5)
    tree.connect(12, 13, 18, 19)
    tree.pwm.open(offset).set(1000, 300)

    assert tree.writes[0] == ("export", str(channel))
    assert tree.seen(offset) == Seen(1000, 300)


def test_two_pins_of_a_pi_4_share_a_channel(tree: SysfsTree):
    tree.connect(12, 18)
    tree.pwm.open(18)

    assert not tree.pwm.available(12)
    with pytest.raises(ClaimedError, match="GPIO12"):
        tree.pwm.open(12)


def test_the_line_for_a_second_pin_keeps_the_first(tree: SysfsTree):
    assert tree.pwm.overlay_line(19) == "dtoverlay=pwm-2chan,pin=18,func=2,pin2=19,func2=2"
    assert tree.pwm.overlay_line(13) == "dtoverlay=pwm-2chan,pin=18,func=2,pin2=13,func2=4"
    assert tree.pwm.overlay_line(12) == "dtoverlay=pwm,pin=12,func=4"


def test_where_the_device_tree_tells_nothing_every_pin_of_the_block_counts_as_connected(tree: SysfsTree, tmp_path):
    pwm = SysfsPwm(tree.root, tmp_path / "nothing")

    assert [offset for offset in range(28) if pwm.available(offset)] == [12, 13, 18, 19]


def test_another_process_with_the_channel_is_noticed_until_it_dies(tree: SysfsTree):
    tree.pwm.open(18).close()
    holder = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    command = [sys.executable, "-c", holder, str(tree.channel(18) / "period")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(ClaimedError, match="another process"):
            tree.pwm.open(18)
        process.kill()

    tree.pwm.open(18)


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (errno.EBUSY, ClaimedError, "kernel driver"),
        (errno.EACCES, BusPermissionError, "usermod -aG gpio"),
        (errno.EIO, BusError, "refused"),
    ],
)
def test_what_the_kernel_refuses_is_explained_and_the_channel_is_free_again(tree: SysfsTree, number, error, words):
    tree.refused["export"] = number
    with pytest.raises(error, match=f"GPIO18.*{words}"):
        tree.pwm.open(18)

    tree.refused.clear()
    channel = tree.pwm.open(18)
    tree.refused["period"] = number
    with pytest.raises(error, match=f"GPIO18.*{words}"):
        channel.set(1000, 300)


def test_closing_lets_go_even_when_the_kernel_refuses(tree: SysfsTree):
    channel = tree.pwm.open(18)
    channel.set(1000, 300)
    tree.refused["duty_cycle"] = errno.EIO
    with pytest.raises(BusError):
        channel.close()
    tree.refused.clear()

    tree.pwm.open(18).close()
    assert tree.seen(18) == LOW


def test_a_closed_channel_obeys_nobody(tree: SysfsTree):
    channel = tree.pwm.open(18)
    channel.close()
    with pytest.raises(ClosedError):
        channel.set(1000, 300)


def test_channels_can_be_opened_and_closed_for_ever(tree: SysfsTree):
    tree.pwm.open(18).close()
    before = open_descriptors()
    for _ in range(200):
        tree.pwm.open(18).close()

    assert open_descriptors() <= before
