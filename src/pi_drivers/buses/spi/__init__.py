"""The SPI bus."""
