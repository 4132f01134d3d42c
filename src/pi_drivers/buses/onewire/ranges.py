"""The values that the 1-Wire bus takes, checked in one place for every back end."""

from pi_drivers.buses.onewire.contract import SENSOR_ID
from pi_drivers.errors import ArgumentError


def check_sensor_id(sensor_id: str) -> None:
    """Raises: ArgumentError: this cannot be a sensor's number, and might be a path to somewhere else."""
    if not SENSOR_ID.fullmatch(sensor_id):
        raise ArgumentError(
            f"{sensor_id[:40]!r} is no number of a 1-Wire sensor; it is written as 28-000005e2fdc3: family, dash and "
            "twelve digits, in lower case"
        )
