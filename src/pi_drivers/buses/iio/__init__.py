"""Sensors that the kernel itself has drivers for."""
