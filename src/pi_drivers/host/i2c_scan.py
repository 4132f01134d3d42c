"""Who answers on an I2C bus, and which chip that usually is. An address is no identity: most have several chips."""

from collections.abc import Mapping

from pi_drivers.buses.i2c.contract import FIRST_ADDRESS, LAST_ADDRESS, I2cBus

USUAL_CHIPS: Mapping[int, str] = {
    0x1E: "HMC5883L",
    0x20: "MCP23017",
    0x23: "BH1750",
    0x27: "PCF8574",
    0x29: "VL53L0X",
    0x36: "AS5600",
    0x3C: "SSD1306",
    0x40: "PCA9685 or INA219",
    0x44: "SHT31",
    0x45: "SHT31",
    0x48: "ADS1115",
    0x57: "EEPROM",
    0x5C: "BH1750",
    0x60: "PCA9685 of a motor hat",
    0x68: "MPU6050 or DS3231",
    0x69: "MPU6050",
    0x70: "all PCA9685 at once, or TCA9548A",
    0x76: "BME280 or BMP280",
    0x77: "BME280 or BMP280",
}
"""By the address that boards with the chip have as they are sold."""


def scan(bus: I2cBus) -> dict[int, str]:
    """The addresses that are acknowledged, with the chips they usually are. Blocking: on the bus's worker thread.

    Raises:
        BusError: the bus hangs.
    """
    addresses = range(FIRST_ADDRESS, LAST_ADDRESS + 1)
    return {address: USUAL_CHIPS.get(address, "not known") for address in addresses if bus.probe(address)}
