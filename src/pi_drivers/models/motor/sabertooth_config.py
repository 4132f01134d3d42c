"""The attributes of `sabertooth`: the port, which motor on it, and the motor's limits."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import AliasChoices, Field

from pi_drivers.config.attributes import Attributes, Problem
from pi_drivers.config.example import Example
from pi_drivers.config.serial import SerialPath, serial_path_field
from pi_drivers.models.motor.sabertooth_packets import ADDRESSES

UNUSED = {
    "encoder": "a Sabertooth reports no position, and nothing would look at it; leave it out",
    "ticks_per_rotation": "belongs to an encoder, and a Sabertooth has none; leave it out",
    "controller_ramp_value": "would stay in the driver for good and in all of its modes; use ramp_ms instead",
}
"""Attributes of the built-in model that change nothing there."""


class SabertoothConfig(Attributes):
    """The attributes of `sabertooth`; those of Viam's built-in `de-sabertooth` are taken as well."""

    EXAMPLE: ClassVar[Example] = Example(
        "left", {"serial_path": "/dev/serial0", "channel": 1, "max_rpm": 120, "ramp_ms": 300}
    )

    # The built-in motor's configs have 0 where nothing was entered.
    ZERO_MEANS_ABSENT = frozenset({"baud_rate", "address", "channel", "max_rpm", "max_power_pct", *UNUSED})

    serial_path: SerialPath = serial_path_field()
    baud_rate: Literal[2400, 9600, 19200, 38400, 115200] = Field(
        default=9600,
        validation_alias=AliasChoices("baud_rate", "serial_baud_rate"),
        description="Bits per second, as the driver is set; the same for all on one port.",
    )
    address: int = Field(
        default=ADDRESSES[0],
        ge=ADDRESSES[0],
        le=ADDRESSES[1],
        validation_alias=AliasChoices("address", "serial_address"),
        description="The driver's address, as its DIP switches are set.",
    )
    channel: Literal[1, 2] = Field(
        validation_alias=AliasChoices("channel", "motor_channel"),
        description="The motor on it: 1 on M1A and M1B, 2 on M2A and M2B.",
    )
    dir_flip: bool = Field(default=False, description="Turn the other way.")
    max_rpm: float | None = Field(default=None, gt=0, description="Speed in rpm at full power. Required by speeds.")
    min_power_pct: float = Field(
        default=0.0, ge=0, le=1, description="Power above 0.01 is lifted to this; up to 0.01 stops."
    )
    max_power_pct: float = Field(
        default=1.0, ge=0.06, le=1, description="More power than this is never applied; 0 means 1."
    )
    ramp_ms: int = Field(
        default=0, ge=0, le=60_000, description="Time for the power to go from 0 to full, in milliseconds."
    )
    command_timeout_ms: int = Field(
        default=0,
        ge=0,
        le=3_600_000,
        description="Stop when no command came for so long, in milliseconds; 0 turns until told otherwise.",
    )
    controller_ramp_value: int | None = Field(default=None, description="Of the built-in model; must be 0 or absent.")
    encoder: str | None = Field(default=None, description="Of the built-in model; must be empty or absent.")
    ticks_per_rotation: int | None = Field(default=None, description="Of the built-in model; must be 0 or absent.")

    def problems(self) -> Iterator[Problem]:
        """Limits in order, and what has no effect on this driver."""
        yield from super().problems()
        low, high = self.min_power_pct, self.max_power_pct
        if low is not None and high is not None and low >= high:
            yield Problem("min_power_pct", f"must be below max_power_pct ({high}), got {low}")
        for name, why in UNUSED.items():
            if self.given(name):
                yield Problem(name, why)
