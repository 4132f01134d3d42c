"""The webcam of the simulated Pi: what one on USB offers, with the sizes that the config asks for among them."""

from typing import TYPE_CHECKING

from pi_drivers.buses.video.contract import USUAL_RATE, USUAL_SIZE, Automatic, Control, VideoMode, Wanted, plain_name
from pi_drivers.host.contract import SECOND, Host
from pi_drivers.world.cameras import CameraTwin

if TYPE_CHECKING:
    from pi_drivers.world.world import World

SIZES = ((160, 120), (320, 240), (640, 480), (800, 600), (1280, 720), (1920, 1080))
RATES = (30.0, 24.0, 20.0, 15.0, 10.0, 5.0)
SLOW_RATES = (10.0, 5.0)
"""Of uncompressed pictures that are larger than USB 2 has room for."""
ROOM = 640 * 480
LABEL = "Simulated Camera"
FOLDER = "/dev/video"


def _integer(
    name: str, low: int, high: int, default: int, step: int = 1, automatic: Automatic | None = None
) -> Control:
    return Control(name, "integer", low, high, step, default, default, automatic=automatic)


def _switch(name: str, default: int) -> Control:
    return Control(name, "boolean", 0, 1, 1, default, default)


CONTROLS = (
    _integer("brightness", -64, 64, 0),
    _integer("contrast", 0, 64, 32),
    _integer("saturation", 0, 128, 64),
    _integer("hue", -40, 40, 0),
    _switch("white_balance_automatic", 1),
    _integer("gamma", 72, 500, 100),
    _integer("gain", 0, 100, 0),
    Control("power_line_frequency", "menu", 0, 2, 1, 1, 1, {0: "Disabled", 1: "50 Hz", 2: "60 Hz"}),
    _integer("white_balance_temperature", 2800, 6500, 4600, 10, automatic=("white_balance_automatic", (0,))),
    _integer("sharpness", 0, 6, 3),
    _integer("backlight_compensation", 0, 2, 1),
    Control("auto_exposure", "menu", 0, 3, 1, 3, 3, {1: "Manual Mode", 3: "Aperture Priority Mode"}),
    _integer("exposure_time_absolute", 1, 5000, 157, automatic=("auto_exposure", (1, 2))),
    _switch("exposure_dynamic_framerate", 0),
    _switch("focus_automatic_continuous", 1),
    _integer("focus_absolute", 0, 250, 0, 5, automatic=("focus_automatic_continuous", (0,))),
    _integer("zoom_absolute", 100, 500, 100),
)
"""Those that UVC cameras have, by the names that the kernel's driver gives them."""


class WebcamTwin(CameraTwin):
    """A webcam that was plugged in because a config wants one: it can do what that asks for."""

    def oblige(self, wanted: Wanted) -> None:
        """Offer what a config asks for, as the camera of its author must."""
        pixel_format = wanted.pixel_format or "MJPG"
        width, height = _size_for(wanted)
        rate = wanted.frame_rate or USUAL_RATE
        if not any(
            mode.pixel_format == pixel_format and mode.has(width, height) and rate in mode.frame_rates
            for mode in self.modes
        ):
            self.modes.append(VideoMode(pixel_format, (width, height), (width, height), (1, 1), (rate,)))


def _size_for(wanted: Wanted) -> tuple[int, int]:
    """The size that a config means; of one that names a single side, the one that cameras have with it."""
    if wanted.width is None and wanted.height is None:
        return USUAL_SIZE
    for width, height in SIZES:
        if wanted.width in {None, width} and wanted.height in {None, height}:
            return width, height
    return wanted.width or USUAL_SIZE[0], wanted.height or USUAL_SIZE[1]


def plug_in_webcam(host: Host, name: str | None, wanted: Wanted) -> None:
    """On the mock, plug a camera in that answers to a name unless one does. Elsewhere, nothing.

    Args:
        host: the machine.
        name: path, number, name or label; None for any that is free.
        wanted: what it is to be able to do.
    """
    world: World | None = getattr(host, "world", None)
    if world is None:
        return
    with world.held():
        twin = _known(world, name) or world.cameras.add(_webcam(world, name))
        if isinstance(twin, WebcamTwin):
            twin.oblige(wanted)
        twin.promised_until_ns = world.clock.now_ns() + SECOND


def _known(world: "World", name: str | None) -> CameraTwin | None:
    """Also one that is unplugged: it was there."""
    twins = world.cameras.twins
    if name is None:
        now_ns = world.clock.now_ns()
        return next((twin for twin in twins if not twin.in_use and now_ns >= twin.promised_until_ns), None)
    return next((twin for twin in twins if twin.source.answers_to(name)), None)


def _webcam(world: "World", name: str | None) -> WebcamTwin:
    path, names = world.cameras.free_path(FOLDER), tuple[str, ...]()
    plain = plain_name(name or "")
    if plain.startswith("/"):
        path = plain
    elif plain:
        names = (plain,)
    return WebcamTwin(
        world.clock,
        world.scene,
        path=path,
        label=LABEL,
        driver="uvcvideo",
        names=names or (f"usb-Simulated_Camera_{path.removeprefix(FOLDER):0>4}-video-index0",),
        modes=_modes(),
        controls=CONTROLS,
    )


def _modes() -> list[VideoMode]:
    compressed = [VideoMode("MJPG", size, size, (1, 1), RATES) for size in SIZES]
    plain = [
        VideoMode("YUYV", size, size, (1, 1), RATES if size[0] * size[1] <= ROOM else SLOW_RATES) for size in SIZES
    ]
    return compressed + plain
