"""What can go wrong on the 1-Wire bus, in the words of every back end."""

from collections.abc import Sequence

from pi_drivers.buses.onewire.contract import SCRATCHPAD_BYTES, THERMOMETERS
from pi_drivers.errors import (
    BusAbsentError,
    BusError,
    ClosedError,
    CorruptDataError,
    DriverError,
    NoAnswerError,
    WrongChipError,
)

HELD_LOW = bytes(SCRATCHPAD_BYTES)
"""A line with a short circuit reads as zeros; their checksum is zero, too, so that the kernel finds it right."""
NOBODY = b"\xff" * SCRATCHPAD_BYTES
"""The pull-up resistor alone makes ones."""


def checked(sensor_id: str, scratchpad: bytes, *, crc_right: bool) -> bytes:
    """A scratchpad that may be believed.

    Raises:
        BusError, NoAnswerError, CorruptDataError: it may not.
    """
    if scratchpad == HELD_LOW:
        raise BusError(
            f"1-Wire {sensor_id}: the data line is held low. Look for a short circuit to ground, a sensor the wrong "
            "way round, or a missing pull-up resistor (4.7 kΩ to 3.3 V)."
        )
    if scratchpad == NOBODY:
        raise silent(sensor_id)
    if not crc_right:
        raise CorruptDataError(
            f"1-Wire {sensor_id}: the checksum is wrong ({scratchpad.hex(' ')}); the value is not used. If it happens "
            "often, shorten the cable or use a smaller pull-up resistor."
        )
    return scratchpad


def bus_absent() -> BusAbsentError:
    """The kernel has no master."""
    return BusAbsentError(
        "1-Wire: this machine has no 1-Wire bus. Put the line dtoverlay=w1-gpio into /boot/firmware/config.txt (GPIO4; "
        "others: dtoverlay=w1-gpio,gpiopin=17) and reboot."
    )


def not_found(sensor_id: str, others: Sequence[str]) -> NoAnswerError:
    """The kernel does not know this sensor; `others` are those it knows."""
    here = f"There are: {', '.join(others)}." if others else "There is none at all."
    return NoAnswerError(
        f"1-Wire {sensor_id}: no such sensor on the bus. {here} One that was just plugged in is found within ten "
        "seconds; check its wiring, its power and the pull-up resistor (4.7 kΩ to 3.3 V)."
    )


def silent(sensor_id: str) -> NoAnswerError:
    """The sensor was there and does not answer, or so garbled that the kernel gave up."""
    return NoAnswerError(
        f"1-Wire {sensor_id}: no answer. Was it unplugged? If it comes and goes, shorten the cable or use a smaller "
        "pull-up resistor."
    )


def no_thermometer(sensor_id: str) -> DriverError:
    """The kernel offers no scratchpad."""
    family = sensor_id.partition("-")[0]
    if family in THERMOMETERS:
        return BusAbsentError(f"1-Wire {sensor_id}: the kernel's driver for it is not loaded: sudo modprobe w1_therm")
    return WrongChipError(f"1-Wire {sensor_id}: this is no thermometer; their numbers begin with {_families()}")


def closed() -> ClosedError:
    """The bus was closed."""
    return ClosedError("1-Wire: the bus was closed")


def _families() -> str:
    return ", ".join(sorted(THERMOMETERS))
