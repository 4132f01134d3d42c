"""The I2C bus."""
