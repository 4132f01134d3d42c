"""The simulated Pi's cameras, and what they see.

A camera that runs exposes a picture at each of its intervals, and the picture is there a moment later. A few of them
wait until they are taken. While all places are full, newer ones are lost: who looks away finds old ones, which nobody
gets to see, and learns from the next one's number what was missed. A camera that is plugged in again may have another
number. Faults are laid over it from outside.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from pi_drivers.buses.video.contract import USUAL_RATE, Chosen, Control, RawFrame, VideoMode, VideoSource
from pi_drivers.world.clock import Bell
from pi_drivers.world.faults import Fuse
from pi_drivers.world.pixels import noise, packed, stride_of

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock
    from pi_drivers.world.scene import Scene

SECOND = 1_000_000_000
READ_OUT_NS = 20_000_000
"""From the exposure to the picture in memory, if a frame lasts that long."""
BUFFERS = 4
"""So many pictures wait at most, and the oldest of them stay: the camera leaves out what finds no room."""
LATE_BY = 4
"""Intervals that a picture comes late."""


@dataclass
class CameraFaults(Fuse):
    """What is wrong with a camera; its pictures are its transactions."""

    silent: bool = False
    """It runs, and no picture comes."""
    garbage: int = 0
    """So many pictures are noise."""
    half: int = 0
    """So many end in the middle, and nobody says so."""
    broken: int = 0
    """So many end in the middle, and the driver says so."""
    other_size: int = 0
    """So many have half the width and height."""
    lost: int = 0
    """So many never come."""
    late: int = 0
    """So many come `LATE_BY` intervals late."""


@dataclass(eq=False)
class RunningCamera:
    """A camera as somebody has it running."""

    chosen: Chosen
    started_ns: int
    seen: int = 0
    """The number of the last picture that was given out or left out."""
    gone: bool = False
    """Whether it was unplugged: for good, also when it is plugged in again."""
    bell: Bell = field(default_factory=Bell)
    """Rung for whoever waits for a picture."""

    @property
    def interval_ns(self) -> int:
        """From one exposure to the next."""
        return round(SECOND / (self.chosen.frame_rate or USUAL_RATE))

    def taken_ns(self, number: int) -> int:
        """When a picture is exposed."""
        return self.started_ns + number * self.interval_ns

    def there_ns(self, number: int) -> int:
        """When it is in memory."""
        return self.taken_ns(number) + min(READ_OUT_NS, self.interval_ns)


class CameraTwin:
    """One camera. Used under the world's lock, but for `frame`."""

    def __init__(
        self,
        clock: "WorldClock",
        scene: "Scene",
        *,
        path: str,
        label: str,
        driver: str,
        names: tuple[str, ...],
        modes: Sequence[VideoMode],
        controls: Sequence[Control],
    ) -> None:
        """A camera that is not plugged in yet. Args: as `VideoSource` has them."""
        self._clock = clock
        self._scene = scene
        self._source = VideoSource(path, label, driver, names)
        self._controls = {control.name: control for control in controls}
        self._running: RunningCamera | None = None
        self.modes = list(modes)
        self.faults = CameraFaults()
        self.plugged = False
        self.promised_until_ns = 0
        """So long it is kept for the one that it was plugged in for, who is about to let it run."""
        self.name = path
        """What it was called at first: tests and the board's `fault` command know it by that."""

    @property
    def source(self) -> VideoSource:
        """Where it is now, and what it is called."""
        return self._source

    @property
    def in_use(self) -> bool:
        """Whether somebody has it running."""
        return self._running is not None

    def plug_in(self, path: str | None = None) -> None:
        """Plug it in, perhaps as another number than before."""
        self._source = replace(self._source, path=path or self._source.path)
        self.plugged = True

    def unplug(self) -> None:
        """Pull it out; it forgets what was set."""
        self.plugged = False
        if self._running is not None:
            self._running.gone = True
            self._running.bell.ring()
            self._running = None
        self._controls = {name: replace(control, value=control.default) for name, control in self._controls.items()}

    def start(self, chosen: Chosen) -> RunningCamera:
        """Let it run, for whom has it alone."""
        self.promised_until_ns = 0
        self._running = RunningCamera(chosen, self._clock.now_ns())
        return self._running

    def stop(self, running: RunningCamera) -> None:
        """Let it rest."""
        if self._running is running:
            self._running = None

    def controls(self) -> list[Control]:
        """All it has, with their values now."""
        return [replace(control, inactive=self._is_inactive(control)) for control in self._controls.values()]

    def set_control(self, name: str, value: float) -> float:
        """Set one of them, to a value that it can have."""
        self._controls[name] = replace(self._controls[name], value=value)
        return value

    def next_there_ns(self, running: RunningCamera) -> int | None:
        """When the next picture will be there; None if none will come."""
        if self.faults.silent:
            return None
        now_ns = self._clock.now_ns()
        number = max(running.seen + 1, (now_ns - running.there_ns(0)) // running.interval_ns + 1)
        return running.there_ns(number)

    def take(self, running: RunningCamera) -> "Exposure | None":
        """The newest picture that waits; none if all places are full, since those may have waited for long."""
        newest = (self._clock.now_ns() - running.there_ns(0)) // running.interval_ns
        waiting = [] if self.faults.silent else self._waiting(running, newest)
        running.seen = max(running.seen, newest)
        return waiting[-1] if 0 < len(waiting) < BUFFERS else None

    def frame(self, exposure: "Exposure") -> RawFrame:
        """What is in memory of a picture: drawn here, so not under the world's lock."""
        chosen, fault = exposure.chosen, exposure.fault
        width, height = chosen.width, chosen.height
        picture = self._scene.picture(exposure.taken_ns, width, height, exposure.number, brightness=exposure.brightness)
        if fault == "other_size":
            picture = picture[: height // 4 * 2, : width // 4 * 2]
        data = packed(picture, chosen.pixel_format)
        if fault == "garbage":
            data = noise(exposure.number, len(data))
        elif fault in {"half", "broken"}:
            data = data[: len(data) // 2]
        return RawFrame(
            data,
            chosen.pixel_format,
            chosen.width,
            chosen.height,
            stride_of(chosen.pixel_format, chosen.width),
            exposure.taken_ns,
            exposure.number,
            broken=fault == "broken",
        )

    def _waiting(self, running: RunningCamera, newest: int) -> "list[Exposure]":
        """The pictures up to a number that found room since somebody looked."""
        exposures = (self._exposure(running, number) for number in range(running.seen + 1, newest + 1))
        return list(islice((exposure for exposure in exposures if exposure is not None), BUFFERS))

    def _exposure(self, running: RunningCamera, number: int) -> "Exposure | None":
        fault = self._fault()
        if fault == "lost":
            return None
        taken_ns = running.taken_ns(number - LATE_BY if fault == "late" else number)
        return Exposure(running.chosen, number, taken_ns, fault, self._brightness())

    def _fault(self) -> str:
        """Which fault the next picture has."""
        faults = self.faults
        if not faults.due():
            return ""
        for name in ("garbage", "half", "broken", "other_size", "lost", "late"):
            left: int = getattr(faults, name)
            if left:
                setattr(faults, name, left - 1)
                return name
        return ""

    def _brightness(self) -> float:
        """How bright pictures are, by the controls that the exposure depends on."""
        return _usb_brightness(self._values()) * _csi_brightness(self._values())

    def _values(self) -> Mapping[str, float]:
        return {name: control.value for name, control in self._controls.items()}

    def _is_inactive(self, control: Control) -> bool:
        if control.automatic is None:
            return False
        switch, manual = control.automatic
        return self._controls[switch].value not in manual


@dataclass(frozen=True)
class Exposure:
    """A picture before it is drawn."""

    chosen: Chosen
    number: int
    taken_ns: int
    fault: str
    brightness: float


USUAL_EXPOSURE = 157.0
"""In 0.1 ms."""


def _usb_brightness(values: Mapping[str, float]) -> float:
    factor = 1 + values.get("brightness", 0) / 128
    if values.get("auto_exposure") == 1:
        factor *= values["exposure_time_absolute"] / USUAL_EXPOSURE * (1 + values.get("gain", 0) / 100)
    return factor


def _csi_brightness(values: Mapping[str, float]) -> float:
    factor = 1 + values.get("Brightness", 0.0)
    if values.get("AeEnable") == 0:
        factor *= values["ExposureTime"] * values["AnalogueGain"] / (USUAL_EXPOSURE * 100)
    return factor


class CameraShelf:
    """The cameras of one kind. Used under the world's lock."""

    def __init__(self) -> None:
        self.twins: list[CameraTwin] = []

    def add(self, twin: CameraTwin) -> CameraTwin:
        """Plug a camera in for the first time."""
        self.twins.append(twin)
        twin.plug_in()
        return twin

    def sources(self) -> list[VideoSource]:
        """Those that are plugged in."""
        return sorted((twin.source for twin in self.twins if twin.plugged), key=lambda source: source.path)

    def at(self, path: str) -> CameraTwin | None:
        """The camera that is at a path now."""
        return next((twin for twin in self.twins if twin.plugged and twin.source.path == path), None)

    def named(self, name: str) -> CameraTwin:
        """A camera by what it was called at first."""
        return next(twin for twin in self.twins if twin.name == name)

    def free_path(self, prefix: str, taken: Collection[str] = ()) -> str:
        """The next path that no camera has or had."""
        known = {twin.source.path for twin in self.twins} | {twin.name for twin in self.twins} | set(taken)
        return next(path for path in (f"{prefix}{number}" for number in range(1000)) if path not in known)

    def replug(self, twin: CameraTwin) -> None:
        """Plug a camera in again, where it was unless another one is there now."""
        there = self.at(twin.source.path)
        if there is None or there is twin:
            twin.plug_in()
        else:
            self.replug_elsewhere(twin)

    def replug_elsewhere(self, twin: CameraTwin) -> None:
        """Plug a camera in again, where another number is the next one."""
        twin.unplug()
        prefix = twin.source.path.rstrip("0123456789")
        twin.plug_in(self.free_path(prefix))
