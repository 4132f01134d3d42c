"""Finds and opens the header's GPIO chip, and says in plain words why that or anything else on it failed.

The numbers of GPIO chips change from model to model and from kernel to kernel, so the chip is found by the
label its driver gives it. Two libraries work on it side by side: lgpio, opened through gpiozero's pin
factory, for levels and pulses, and libgpiod for edges. They are loaded here, when the first pin is used, and
not before.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    BusPermissionError,
    ClaimedError,
    DriverError,
    MissingLibraryError,
)

HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""Pi 5 (its other chips, of the BCM2712, are not on the header); Pi 4; Pi 1 to 3 and Zero."""

STAND_IN_REVISION = 0xC03111
"""A Pi 4's, for header chips on machines that carry no revision: the kernel's simulated ones."""

CONSUMER = "pi-drivers"
"""Our name in the kernel's list of line users."""


class Lgpio(NamedTuple):
    """The header's chip, opened for levels and pulses. Every call into lgpio is safe from any thread."""

    library: Any
    """The lgpio module."""
    factory: Any
    """gpiozero's pin factory, which owns the handle."""
    handle: int


def find_chip(labels: tuple[str, ...] = HEADER_LABELS, directory: Path = Path("/dev")) -> Path:
    """The device node of the header's GPIO chip.

    Raises:
        BusAbsentError: no chip has one of these labels.
        BusPermissionError: there are chips that this user may not open, and none of the others is the one.
        MissingLibraryError: libgpiod's Python bindings are not installed.
    """
    gpiod = load_gpiod()
    refused: list[str] = []
    for path in sorted(directory.glob("gpiochip*")):
        try:
            with gpiod.Chip(str(path)) as chip:
                if chip.get_info().label in labels:
                    return path.resolve()
        except PermissionError:
            refused.append(str(path))
        except OSError:
            continue  # a node without a chip behind it
    if refused:
        raise BusPermissionError(
            f"this user may not use {', '.join(refused)}. Run sudo usermod -aG gpio $USER and log in again."
        )
    raise BusAbsentError(
        f"this machine has no Raspberry Pi header: no GPIO chip is called {' or '.join(labels)}. "
        'For a simulated Pi, set "backend": "mock" or PI_DRIVERS_BACKEND=mock.'
    )


def open_lgpio(path: Path) -> Lgpio:
    """Open the chip for levels and pulses.

    Raises:
        MissingLibraryError: lgpio or gpiozero is not installed.
        BusPermissionError, BusError: the chip cannot be opened.
    """
    library, factory_class = _load_lgpio()
    number = int(path.name.removeprefix("gpiochip"))
    if not os.access(path, os.R_OK | os.W_OK):
        raise BusPermissionError(f"{path}: this user may not use it. Run sudo usermod -aG gpio $USER and log in again.")
    try:
        factory = factory_class(chip=number)
    except library.error as error:
        raise BusError(f"{path} cannot be opened: {error.value}") from error
    return Lgpio(library, factory, factory._handle)  # noqa: SLF001 - gpiozero has no other way to go past it


def load_gpiod() -> Any:
    """Load libgpiod's Python bindings.

    Raises:
        MissingLibraryError: they are not installed.
    """
    try:
        import gpiod
    except ImportError as error:
        raise MissingLibraryError("real pins need the Python library gpiod: pip install 'gpiod>=2.3'") from error
    return gpiod


def _load_lgpio() -> tuple[Any, Any]:
    try:
        with _somewhere_writable():
            import lgpio
    except ImportError as error:
        raise _lgpio_missing() from error
    if not hasattr(lgpio, "tx_servo"):  # 0.0.0.2 on the package index is a placeholder without content
        raise _lgpio_missing()
    try:
        from gpiozero.exc import PinUnknownPi
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        raise MissingLibraryError("real pins need the Python library gpiozero: pip install gpiozero") from error

    class HeaderFactory(LGPIOFactory):  # type: ignore[misc]  # gpiozero has no types
        """Knows a header also where no revision says which Pi it is."""

        def _get_revision(self) -> int:
            try:
                return int(super()._get_revision())
            except PinUnknownPi:
                return STAND_IN_REVISION

    return lgpio, HeaderFactory


def _lgpio_missing() -> MissingLibraryError:
    return MissingLibraryError(
        "real pins need the library lgpio: sudo apt install python3-lgpio (a virtual environment must see the "
        "system's packages), or pip install 'lgpio>=0.2.2' (for CPython 3.13 it is built from source: a C compiler, "
        "pip install 'swig>=4.2,<4.3', and PYPI=1 in the environment)"
    )


@contextmanager
def _somewhere_writable() -> Iterator[None]:
    """A place for the named pipe that lgpio makes in the working directory as it is loaded, or else fails.

    The working directory belongs to the whole process and is another one only for this moment.
    """
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with tempfile.TemporaryDirectory(prefix="pi-drivers-") as directory:
            os.chdir(directory)
            try:
                yield
            finally:
                os.fchdir(before)
    finally:
        os.close(before)


@contextmanager
def explained(path: Path, offsets: tuple[int, ...], library: Any) -> Iterator[None]:
    """Turn what lgpio, gpiozero and libgpiod raise about lines into our errors.

    Raises:
        ClaimedError, BusAbsentError, BusPermissionError, BusError: as the failure was.
    """
    try:
        yield
    except DriverError:
        raise
    except OSError as error:
        raise _line_error(path, offsets, error.errno or 0, str(error.strerror)) from error
    except library.error as error:
        raise _line_error(path, offsets, _errno_of(library, error.value), str(error.value)) from error


def _errno_of(library: Any, text: str) -> int:
    """The errno for an error of lgpio, which raises its texts and not its numbers."""
    meanings = {
        library.GPIO_BUSY: errno.EBUSY,
        library.BAD_GPIO_NUMBER: errno.EINVAL,
        library.NOT_PERMITTED: errno.EPERM,
        library.NO_PERMISSIONS: errno.EPERM,
    }
    return next((number for code, number in meanings.items() if library.error_text(code) == text), 0)


def _line_error(path: Path, offsets: tuple[int, ...], number: int, text: str) -> DriverError:
    where = ", ".join(f"GPIO{offset}" for offset in offsets)
    if number == errno.EBUSY:
        return ClaimedError(f"{where}: in use by {_consumers(path, offsets)}. End it, or choose another pin.")
    if number == errno.EINVAL:
        return BusAbsentError(f"{where}: {path} has no such line, or it cannot do this ({text})")
    if number in (errno.EACCES, errno.EPERM):
        return BusPermissionError(
            f"{where}: this user may not use it. Run sudo usermod -aG gpio $USER and log in again."
        )
    return BusError(f"{where}: the GPIO chip {path} refused: {text}")


def _consumers(path: Path, offsets: tuple[int, ...]) -> str:
    """Who holds these lines, in the kernel's words."""
    with load_gpiod().Chip(str(path)) as chip:
        infos = [chip.get_line_info(offset) for offset in offsets]
    names = sorted({info.consumer or "a kernel driver" for info in infos if info.used})
    if names == ["lg"]:
        return '"lg", a program that uses lgpio or gpiozero'
    return ", ".join(f'"{name}"' for name in names) or "another process"


def check_pull_possible(offset: int, pulled_down: bool) -> None:
    """Raises: ArgumentError: the Pi has its own pull-up resistors of 1.8 kOhm on the I2C pins."""
    if pulled_down and offset in (2, 3):
        raise ArgumentError(
            f"GPIO{offset} cannot be pulled down: the board has a strong pull-up resistor on it, for I2C. "
            "Choose another pin."
        )
