"""What is used of libcamera beside picamera2: what the values of its controls are called."""

from enum import IntEnum


class _Draft:
    class NoiseReductionModeEnum(IntEnum):
        Off = 0
        Fast = 1
        HighQuality = 2
        Minimal = 3
        ZSL = 4


class controls:  # noqa: N801 - its name
    draft = _Draft

    class AfModeEnum(IntEnum):
        Manual = 0
        Auto = 1
        Continuous = 2

    class AeMeteringModeEnum(IntEnum):
        CentreWeighted = 0
        Spot = 1
        Matrix = 2
        Custom = 3
