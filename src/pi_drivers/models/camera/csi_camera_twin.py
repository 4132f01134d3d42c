"""The camera on the simulated Pi's ribbon cable: a Camera Module 3, by the sizes, rates and controls it has."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pi_drivers.buses.video.contract import RIBBON_CABLE, Automatic, Control, VideoMode, VideoSource, Wanted
from pi_drivers.host.contract import Host
from pi_drivers.world.cameras import CameraTwin

if TYPE_CHECKING:
    from pi_drivers.world.world import World

SENSOR = "imx708"
ADDRESSES = ("i2c@88000/imx708@1a", "i2c@80000/imx708@1a")
SMALLEST, STEP = (64, 64), (2, 2)
RATES = (120.0, 100.0, 60.0, 50.0, 30.0, 25.0, 24.0, 20.0, 15.0, 14.0, 10.0, 5.0, 2.0, 1.0)
FASTEST = (((1536, 864), 120.13), ((2304, 1296), 56.03), ((4608, 2592), 14.35))
"""Up to which size the sensor delivers how many pictures per second (Camera Module 3 product brief; rpicam-hello
--list-cameras)."""


def _number(name: str, low: float, high: float, default: float, automatic: Automatic | None = None) -> Control:
    return Control(name, "number", low, high, 0, default, default, automatic=automatic)


BY_EXPOSURE, BY_WHITE_BALANCE, BY_FOCUS = ("AeEnable", (0,)), ("AwbEnable", (0,)), ("AfMode", (0,))
CONTROLS = (
    Control("AeEnable", "boolean", 0, 1, 1, 1, 1),
    Control("ExposureTime", "integer", 26, 220_416_802, 1, 15_700, 15_700, automatic=BY_EXPOSURE),
    _number("AnalogueGain", 1.0, 16.0, 1.0, BY_EXPOSURE),
    _number("ExposureValue", -8.0, 8.0, 0.0),
    Control("AwbEnable", "boolean", 0, 1, 1, 1, 1),
    Control("ColourTemperature", "integer", 100, 100_000, 1, 4_500, 4_500, automatic=BY_WHITE_BALANCE),
    _number("Brightness", -1.0, 1.0, 0.0),
    _number("Contrast", 0.0, 32.0, 1.0),
    _number("Saturation", 0.0, 32.0, 1.0),
    _number("Sharpness", 0.0, 16.0, 1.0),
    Control("AfMode", "menu", 0, 2, 1, 0, 0, {0: "Manual", 1: "Auto", 2: "Continuous"}),
    _number("LensPosition", 0.0, 32.0, 1.0, BY_FOCUS),
    Control(
        "NoiseReductionMode", "menu", 0, 4, 1, 0, 0, {0: "Off", 1: "Fast", 2: "HighQuality", 3: "Minimal", 4: "ZSL"}
    ),
)
"""By libcamera's names: times in microseconds, the lens in dioptres, 0 for far away."""


class CsiCameraTwin(CameraTwin):
    """The camera module. It has any frame rate up to its fastest, so one that a config asks for is put on its list."""

    @property
    def source(self) -> VideoSource:
        return replace(super().source, hint=RIBBON_CABLE)

    def oblige(self, wanted: Wanted) -> None:
        """Have the frame rate that a config asks for, as far as the sensor is fast enough."""
        rate = wanted.frame_rate
        if rate is None:
            return
        self.modes = [
            replace(mode, frame_rates=tuple(sorted({*mode.frame_rates, rate}, reverse=True)))
            if rate <= fastest
            else mode
            for mode, (_, fastest) in zip(self.modes, FASTEST, strict=True)
        ]


def plug_in_csi_camera(host: Host, path: str, wanted: Wanted) -> None:
    """On the mock, plug a camera in where a config has one, unless there is one or was. Elsewhere, nothing.

    Args:
        host: the machine.
        path: for example `camera 0`.
        wanted: what it is to be able to do, if such a camera can.
    """
    world: World | None = getattr(host, "world", None)
    if world is None:
        return
    with world.held():
        shelf = world.csi_cameras
        known = next((twin for twin in shelf.twins if twin.source.path == path), None)
        twin = known or shelf.add(_camera(world, path))
        if isinstance(twin, CsiCameraTwin):
            twin.oblige(wanted)


def _camera(world: "World", path: str) -> CsiCameraTwin:
    address = ADDRESSES[int(path.rpartition(" ")[2]) % len(ADDRESSES)]
    return CsiCameraTwin(
        world.clock,
        world.scene,
        path=path,
        label=SENSOR,
        driver="libcamera",
        names=(f"/base/axi/pcie@120000/rp1/{address}",),
        modes=[
            VideoMode("BGR3", SMALLEST, largest, STEP, tuple(rate for rate in RATES if rate <= fastest))
            for largest, fastest in FASTEST
        ],
        controls=CONTROLS,
    )
