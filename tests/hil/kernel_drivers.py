"""The kernel's own drivers of sensor chips, put before our twins: they were written from the same datasheets by others,
so what they read is an independent check.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOOK_EVERY_S = 0.01
BOUND_WITHIN_S = 3.0
MEASURED_WITHIN_S = 1.0
CLASSES = ("iio*", "hwmon/hwmon*")
"""Where the kernel puts what a driver reads, below its device."""


@contextmanager
def kernel_driver(bus: int, chip: str, address: int) -> Iterator[Path]:
    """Give a chip on an I2C bus to the kernel's driver, until the end of the block.

    Args:
        bus: the N of /dev/i2c-N.
        chip: as the driver calls it: `bme280`, `sht3x`.
        address: the chip's.

    Yields:
        The folder with the driver's files, such as `in_temp_input` or `temp1_input`.

    Raises:
        LookupError: no driver took the chip; the kernel's log says why.
    """
    adapter = Path(f"/sys/bus/i2c/devices/i2c-{bus}")
    (adapter / "new_device").write_text(f"{chip} 0x{address:02x}")
    try:
        yield _files_of(adapter / f"{bus}-{address:04x}")
    finally:
        (adapter / "delete_device").write_text(f"0x{address:02x}")


def number(file: Path) -> float:
    """What a file of a driver says; a chip that has just been told to measure is given a second for it."""
    limit = time.monotonic() + MEASURED_WITHIN_S
    while True:
        try:
            return float(file.read_text())
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(LOOK_EVERY_S)


def _files_of(device: Path) -> Path:
    limit = time.monotonic() + BOUND_WITHIN_S
    while time.monotonic() < limit:
        for pattern in CLASSES:
            with suppress(StopIteration):
                return next(device.glob(pattern))
        time.sleep(LOOK_EVERY_S)
    raise LookupError(f"no driver of the kernel took {device.name}")
