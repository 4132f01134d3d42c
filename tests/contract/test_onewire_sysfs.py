"""The real 1-Wire bus's own dealings with the kernel's files."""

import errno
import os
from pathlib import Path

import pytest

from pi_drivers.errors import BusAbsentError, BusError, BusPermissionError, NoAnswerError

from .onewire_grounds import SysfsOneWireGround
from .test_onewire import ONE, WARM


@pytest.fixture
def ground(tmp_path: Path) -> SysfsOneWireGround:
    made = SysfsOneWireGround(tmp_path)
    made.plug_in(ONE, WARM)
    return made


def test_the_first_line_counts_and_not_what_the_kernel_kept_from_before(ground: SysfsOneWireGround):
    ground.file(ONE).write_text(
        "50 01 4b 46 7f ff 0c 10 e8 : crc=e8 YES\n72 01 4b 46 7f ff 0e 10 57 t=21000\n", encoding="ascii"
    )
    assert ground.open().read(ONE) == bytes.fromhex("50 01 4b 46 7f ff 0c 10 e8")


def test_an_empty_file_is_no_answer(ground: SysfsOneWireGround):
    ground.file(ONE).write_text("")
    with pytest.raises(NoAnswerError, match=f"{ONE}: no answer"):
        ground.open().read(ONE)


def test_ones_alone_are_nobody_and_not_noise(ground: SysfsOneWireGround):
    ground.show(ONE, b"\xff" * 9)
    with pytest.raises(NoAnswerError, match=f"{ONE}: no answer"):
        ground.open().read(ONE)


@pytest.mark.parametrize(
    "text", ["hello\n", "50 01 4b : crc=00 YES\n", "50 01 4b 46 7f ff 0c 10 e8 : crc=e8", "\xff\n"]
)
def test_a_text_that_is_none_of_the_kernel_s_is_told_and_not_guessed_at(ground: SysfsOneWireGround, text):
    ground.file(ONE).write_text(text, encoding="utf-8")
    with pytest.raises(BusError, match=f"{ONE}: the kernel's answer is none that w1_therm gives"):
        ground.open().read(ONE)


def test_a_thermometer_without_its_driver_tells_which_to_load(ground: SysfsOneWireGround):
    ground.file(ONE).unlink()
    with pytest.raises(BusAbsentError, match=f"{ONE}: .*modprobe w1_therm"):
        ground.open().read(ONE)


def test_a_master_that_goes_away_takes_the_bus_with_it(ground: SysfsOneWireGround):
    bus = ground.open()
    (ground.devices / "w1_bus_master1").unlink()
    for call in (bus.scan, lambda: bus.read(ONE)):
        with pytest.raises(BusAbsentError, match="dtoverlay=w1-gpio"):
            call()


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENODEV, NoAnswerError, "no answer"),
        (errno.EIO, NoAnswerError, "no answer"),
        (errno.EACCES, BusPermissionError, "may not read"),
        (errno.ENOMEM, BusError, "failed to read it"),
    ],
)
def test_what_the_kernel_refuses_in_the_middle_is_explained(
    ground: SysfsOneWireGround, monkeypatch, number, kind, words
):
    bus = ground.open()

    def fail(path: Path, **_: object) -> str:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "read_text", fail)
    with pytest.raises(kind, match=f"^1-Wire {ONE}: .*{words}"):
        bus.read(ONE)


def test_a_number_that_leads_elsewhere_reads_nothing_there(ground: SysfsOneWireGround):
    secret = ground.devices.parent / "x"
    secret.mkdir()
    (secret / "w1_slave").write_text("50 01 4b 46 7f ff 0c 10 e8 : crc=e8 YES\n", encoding="ascii")
    with pytest.raises(ValueError, match="no number"):
        ground.open().read("../x")
