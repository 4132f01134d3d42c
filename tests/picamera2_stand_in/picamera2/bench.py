"""Which cameras there are, and what is wrong with them: for tests, which set it up before they open one.

In a process of its own there is one camera if the environment names a file: while that exists its cable is loose.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CSI_ID = "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"
USB_ID = "/base/axi/pcie@120000/rp1/usb@300000-2:1.0-046d:082d"

RANGES: dict[str, tuple[Any, Any, Any]] = {
    "AeEnable": (False, True, True),
    "AeMeteringMode": (0, 3, 0),
    "AfMode": (0, 2, 0),
    "AfWindows": ((0, 0, 0, 0), (65535, 65535, 65535, 65535), (0, 0, 0, 0)),
    "AnalogueGain": (1.0, 16.0, None),
    "AwbEnable": (False, True, None),
    "Brightness": (-1.0, 1.0, 0.0),
    "ColourGains": (0.0, 32.0, None),
    "ColourTemperature": (100, 100000, None),
    "Contrast": (0.0, 32.0, 1.0),
    "ExposureTime": (26, 220416802, 20000),
    "LensPosition": (0.0, 32.0, 1.0),
    "NoiseReductionMode": (0, 4, 0),
    "Saturation": (0.0, 32.0, 1.0),
    "Sharpness": (0.0, 16.0, 1.0),
}
"""Lowest, highest and usual value, as a Camera Module 3 has them."""


LOOSE = "PICAMERA2_STAND_IN_LOOSE"


@dataclass(eq=False)
class BenchCamera:
    """One camera."""

    camera_id: str = CSI_ID
    model: str = "imx708"
    resolution: tuple[int, int] = (4608, 2592)
    holder: Any = None
    """Who has it open: a Picamera2, or somebody else."""
    refusal: str = "Failed to acquire camera: Device or resource busy"
    """What opening it says while somebody has it."""
    silent: bool = False
    """Its ribbon cable is loose. After a second libcamera gives it up, until it is started anew."""
    loses: int = 0
    """So many frames of the sensor are lost before anybody sees them."""
    broken_buffers: bool = False
    """Its memory cannot be mapped."""
    no_memory: bool = False
    """There is none left for its frames."""
    adjusted_to: tuple[int, int] | None = None
    """What libcamera makes of the size that is asked for."""
    handing_over_s: float = 0.0
    """How long it takes to hand controls over with a frame that goes back."""
    applied: dict[str, Any] = field(default_factory=dict)
    """The controls that frames were made with."""
    hangs: threading.Event = field(default_factory=threading.Event)
    """While it is set, `hangs_in` does not come to an end."""
    hangs_in: str = "close"
    fails: dict[str, BaseException] = field(default_factory=dict)
    """Calls that fail, and with what: `stop` is picamera2's, `camera.stop` the one of libcamera behind it."""
    clock_ahead_ns: int = 0
    """So much later than they were are the times of its frames."""
    loose: Path | None = None
    """As `silent`, while this file exists."""

    def reach(self, call: str) -> None:
        """A call has come to the camera."""
        while self.hangs.is_set() and self.hangs_in == call:
            time.sleep(0.01)
        if call in self.fails:
            raise self.fails[call]

    @property
    def delivers(self) -> bool:
        return not self.silent and (self.loose is None or not self.loose.exists())


@dataclass
class Bench:
    """All there is."""

    cameras: list[BenchCamera] = field(default_factory=list)
    alignment: int = 64
    """Of lines in bytes: 64 on a Pi 5, 32 on those before it."""


BENCH = Bench()
if LOOSE in os.environ:
    BENCH.cameras.append(BenchCamera(loose=Path(os.environ[LOOSE])))
