"""What a back end for the 1-Wire bus must do.

Many sensors hang on one data line, each with a number of its own from the factory. On a Pi the kernel speaks to them
(drivers/w1): it searches the line by itself, and a thermometer's scratchpad is read through its driver `w1_therm`. So
this contract is small: who is there, and what has one of them measured. Several masters count as one bus, since the
kernel names all sensors in one place.
"""

import re
from abc import ABC, abstractmethod

SENSOR_ID = re.compile(r"[0-9a-f]{2}-[0-9a-f]{12}")
"""How Linux writes a sensor's number: the family, a dash, the serial number, highest byte first."""

THERMOMETERS = frozenset({"10", "22", "28", "3b", "42"})
"""The families that `w1_therm` reads: DS18S20, DS1822, DS18B20, DS1825 and DS28EA00."""

SCRATCHPAD_BYTES = 9
"""What a thermometer answers: eight bytes and their CRC (DS18B20 datasheet, figure 9)."""

CONVERSION_NS = 750_000_000
"""How long a conversion takes at most, at 12 bits (DS18B20 datasheet, table 2); the kernel always waits as long."""


def crc8(data: bytes) -> int:
    """The checksum of numbers and scratchpads: x⁸ + x⁵ + x⁴ + 1, lowest bit first (Maxim application note 27)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


class OneWireBus(ABC):
    """The 1-Wire bus. Blocking: called on its worker thread only.

    Every call raises:
        BusAbsentError: there is no bus, or not the kernel's driver for the sensor; the message has the remedy.
        BusPermissionError: the user may not use it.
        ClosedError: the bus was closed.
    """

    @abstractmethod
    def scan(self) -> list[str]:
        """The numbers of the sensors that the kernel knows, sorted; of all families.

        It searches every ten seconds. A sensor that is gone stays in the list until ten searches have missed it.
        """

    @abstractmethod
    def read(self, sensor_id: str) -> bytes:
        """Let a thermometer convert and return its scratchpad: nine bytes whose checksum is right.

        Takes a second. A sensor that had no power while it converted answers with what it woke up with, which is no
        measurement and has a right checksum: to know it is the driver's business.

        Raises:
            ArgumentError: `sensor_id` is not written as `SENSOR_ID`; nothing was opened.
            NoAnswerError: it is not there, or does not answer any more.
            WrongChipError: it is no thermometer.
            CorruptDataError: the checksum is wrong.
            BusError: the data line is held low, or the kernel reports something else.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the bus go. Idempotent."""
