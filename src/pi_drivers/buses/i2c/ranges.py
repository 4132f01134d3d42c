"""The values an I2C transfer takes, checked in one place for every back end, before anything is sent."""

from pi_drivers.buses.i2c.contract import BLOCK_LIMIT, FIRST_ADDRESS, LAST_ADDRESS
from pi_drivers.errors import ArgumentError

TRANSFER_LIMIT = 8192
"""The most bytes the Linux I2C driver moves in one message (drivers/i2c/i2c-dev.c)."""


def check_address(number: int, address: int) -> None:
    """Raises: ArgumentError: no 7-bit address a chip can have (a datasheet's 8-bit one, perhaps)."""
    if not FIRST_ADDRESS <= address <= LAST_ADDRESS:
        raise ArgumentError(
            f"i2c-{number}: 0x{address:02x} is no 7-bit address (0x{FIRST_ADDRESS:02x} to 0x{LAST_ADDRESS:02x}). "
            "If the datasheet gives separate write and read addresses, use half of the write address."
        )


def check_block(number: int, address: int, count: int) -> None:
    """Raises: ArgumentError: SMBus cannot move so many bytes at once."""
    if not 1 <= count <= BLOCK_LIMIT:
        raise ArgumentError(
            f"i2c-{number} 0x{address:02x}: a register transfer takes 1 to {BLOCK_LIMIT} bytes, got {count}"
        )


def check_register(number: int, address: int, register: int) -> None:
    """Raises: ArgumentError: a register has one byte to be named with."""
    if not 0 <= register <= 0xFF:
        raise ArgumentError(f"i2c-{number} 0x{address:02x}: a register is a number from 0 to 255, got {register}")


def check_count(number: int, address: int, count: int) -> None:
    """Raises: ArgumentError: nothing, or too much, to move in one message."""
    if not 1 <= count <= TRANSFER_LIMIT:
        raise ArgumentError(f"i2c-{number} 0x{address:02x}: a transfer takes 1 to {TRANSFER_LIMIT} bytes, got {count}")
