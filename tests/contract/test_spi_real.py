"""The real SPI back end where there is no SPI: what it asks the kernel for, and what it makes of each refusal.

A stand-in takes the place of the kernel's side of /dev/spidev0.0. It knows the requests that it knows, moves bytes by
the addresses it is given, and refuses everything else as the kernel does.
"""

import ctypes
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_drivers.buses.spi.real import SpidevChip
from pi_drivers.errors import BusAbsentError, BusError, BusPermissionError, BusTimeoutError, ClosedError, DriverError
from tests.conftest import open_descriptors

SPEED_HZ = 1_350_000


class Transfer(ctypes.Structure):
    """struct spi_ioc_transfer of linux/spi/spidev.h."""

    _fields_ = [
        ("tx_buf", ctypes.c_uint64), ("rx_buf", ctypes.c_uint64), ("len", ctypes.c_uint32),
        ("speed_hz", ctypes.c_uint32), ("delay_usecs", ctypes.c_uint16), ("bits_per_word", ctypes.c_uint8),
        ("cs_change", ctypes.c_uint8), ("tx_nbits", ctypes.c_uint8), ("rx_nbits", ctypes.c_uint8),
        ("word_delay_usecs", ctypes.c_uint8), ("pad", ctypes.c_uint8),
    ]  # fmt: skip


def request_of(direction: int, number: int, size: int) -> int:
    """As _IOW and _IOR of asm-generic/ioctl.h make the number of a request of spidev."""
    return direction << 30 | size << 16 | ord("k") << 8 | number


class StandInForSpidev:
    """The kernel's side: a wire from MOSI to MISO that turns every bit over."""

    def __init__(self) -> None:
        self.settings: dict[str, int] = {}
        self.transfers: list[Transfer] = []
        self.refuse: dict[int, int] = {}
        """Errno by request number: 0 a transfer, 1 mode, 3 bits per word, 4 speed."""
        self.missing = 0
        """So many bytes less than asked for are said to have been moved."""
        self.at_once = 0
        self.most_at_once = 0

    def ioctl(self, device: int, request: int, argument: bytes | bytearray) -> int | bytes:
        os.fstat(device)  # a descriptor that is closed is refused
        kinds = {request_of(1, 1, 1): "mode", request_of(1, 3, 1): "bits", request_of(1, 4, 4): "speed"}
        number = request & 0xFF
        if number in self.refuse:
            raise OSError(self.refuse[number], os.strerror(self.refuse[number]))
        if request in kinds:
            self.settings[kinds[request]] = int.from_bytes(argument, "little")
            return bytes(argument)
        if request != request_of(1, 0, ctypes.sizeof(Transfer)):
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return self._move(Transfer.from_buffer_copy(argument))

    def _move(self, transfer: Transfer) -> int:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.transfers.append(transfer)
        sent = ctypes.string_at(transfer.tx_buf, transfer.len)
        threading.Event().wait(0.001)
        ctypes.memmove(transfer.rx_buf, bytes(value ^ 0xFF for value in sent), transfer.len)
        self.at_once -= 1
        count: int = transfer.len
        return count - self.missing


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> StandInForSpidev:
    made = StandInForSpidev()
    monkeypatch.setattr("fcntl.ioctl", made.ioctl)
    return made


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    (tmp_path / "spidev0.0").touch()
    return tmp_path


@pytest.fixture
def chip(kernel: StandInForSpidev, devices: Path) -> Iterator[SpidevChip]:
    made = SpidevChip(0, 0, speed_hz=SPEED_HZ, mode=3, devices=devices)
    yield made
    made.close()


def test_it_sets_mode_clock_and_width_once_and_says_them_with_each_transfer(chip: SpidevChip, kernel: StandInForSpidev):
    assert kernel.settings == {"mode": 3, "bits": 8, "speed": SPEED_HZ}
    assert chip.transfer(b"\x00\x0f\xa5") == b"\xff\xf0\x5a"

    (sent,) = kernel.transfers
    assert (sent.len, sent.speed_hz, sent.bits_per_word) == (3, SPEED_HZ, 8)
    assert not any((sent.delay_usecs, sent.cs_change, sent.tx_nbits, sent.rx_nbits, sent.word_delay_usecs, sent.pad))


@pytest.mark.parametrize("missing", [1, 3, 4])
def test_a_transfer_cut_short_is_an_error_and_no_data(chip: SpidevChip, kernel: StandInForSpidev, missing: int):
    kernel.missing = missing
    with pytest.raises(BusError, match=rf"^spi-0 0: {3 - missing} of 3 bytes were transferred; none is used"):
        chip.transfer(b"abc")
    kernel.missing = 0

    assert len(chip.transfer(b"abc")) == 3


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.ETIMEDOUT, BusTimeoutError, "the SPI controller did not finish a transfer"),
        (errno.ESHUTDOWN, BusAbsentError, "the SPI bus was switched off"),
        (errno.ENODEV, BusAbsentError, "the SPI bus was switched off"),
        (errno.EMSGSIZE, BusError, "spidev.bufsiz"),
        (errno.EIO, BusError, r"the transfer failed: .* \(EIO\)"),
        (errno.EINVAL, BusError, r"the transfer failed: .* \(EINVAL\)"),
    ],
)
def test_what_the_kernel_says_of_a_transfer_becomes_the_error_it_means(
    chip: SpidevChip, kernel: StandInForSpidev, number: int, kind: type[DriverError], says: str
):
    kernel.refuse[0] = number
    with pytest.raises(kind, match=f"^spi-0 0: .*{says}") as caught:
        chip.transfer(b"abc")
    assert type(caught.value) is kind
    del kernel.refuse[0]

    assert chip.transfer(b"\xff") == b"\x00"


@pytest.mark.parametrize("request_number", [1, 3, 4])
def test_a_device_that_refuses_its_settings_is_closed_again(
    kernel: StandInForSpidev, devices: Path, request_number: int
):
    before = open_descriptors()
    kernel.refuse[request_number] = errno.EINVAL
    with pytest.raises(BusError, match=r"cannot be opened: .* \(EINVAL\)"):
        SpidevChip(0, 0, speed_hz=SPEED_HZ, mode=0, devices=devices)

    assert open_descriptors() <= before


def test_a_file_that_is_no_spi_device_is_named_as_such(devices: Path):
    with pytest.raises(BusAbsentError, match=r"spidev0\.0 is not an SPI chip select"):
        SpidevChip(0, 0, speed_hz=SPEED_HZ, mode=0, devices=devices)


@pytest.mark.parametrize(
    ("there", "bus", "chip_select", "remedy"),
    [
        ([], 0, 0, "sudo raspi-config nonint do_spi 0"),
        ([], 1, 2, "dtoverlay=spi1-3cs in config.txt"),
        ([], 5, 0, "dtoverlay=spi5-2cs in config.txt"),
        (["spidev0.0"], 1, 0, "dtoverlay=spi1-3cs in config.txt"),
        (["spidev0.0", "spidev0.1"], 0, 2, r"This bus has spidev0\.0, spidev0\.1: choose one"),
        (["spidev0.1"], 0, 0, "driver of the kernel"),
        (["spidev10.0"], 1, 0, "dtoverlay=spi1-3cs in config.txt"),
    ],
)
def test_a_chip_select_that_is_not_there_is_answered_with_what_to_do(
    tmp_path: Path, there: list[str], bus: int, chip_select: int, remedy: str
):
    for name in there:
        (tmp_path / name).touch()
    with pytest.raises(BusAbsentError, match=rf"^spi-{bus} {chip_select}: .*spidev{bus}\.{chip_select} .*{remedy}"):
        SpidevChip(bus, chip_select, speed_hz=SPEED_HZ, mode=0, devices=tmp_path)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_user_who_may_not_is_told_the_group(devices: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    def refuse(path: object, flags: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(BusPermissionError, match=r"sudo usermod -aG spi \$USER"):
        SpidevChip(0, 0, speed_hz=SPEED_HZ, mode=0, devices=devices)


def test_threads_take_turns_and_nobody_closes_the_device_under_a_transfer(chip: SpidevChip, kernel: StandInForSpidev):
    endings: list[DriverError] = []

    def use() -> None:
        try:
            while chip.transfer(b"\x0f") == b"\xf0":
                pass
        except DriverError as error:
            endings.append(error)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(kernel.transfers) < 10:
        threading.Event().wait(0.001)
    chip.close()
    for thread in threads:
        thread.join()

    assert kernel.most_at_once == 1
    assert [type(ending) for ending in endings] == [ClosedError] * 3
