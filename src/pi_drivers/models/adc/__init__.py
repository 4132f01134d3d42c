"""Analog to digital converters, as the sensor `adc` and the analogs of `board` use them."""
