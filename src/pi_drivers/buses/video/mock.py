"""The simulated Pi's cameras, standing on the world's."""

from collections.abc import Collection, Sequence

from pi_drivers.buses.video import answers
from pi_drivers.buses.video.choice import choose
from pi_drivers.buses.video.contract import (
    Cameras,
    Chosen,
    Control,
    RawFrame,
    VideoDevice,
    VideoMode,
    VideoSource,
    Wanted,
)
from pi_drivers.buses.video.finding import find
from pi_drivers.buses.video.ranges import check_value, find_control, inactive
from pi_drivers.errors import ArgumentError
from pi_drivers.world.cameras import CameraShelf, CameraTwin, Exposure, RunningCamera
from pi_drivers.world.clock import Bell
from pi_drivers.world.world import World


class MockCameras(Cameras):
    """The cameras of one kind."""

    def __init__(self, world: World, shelf: CameraShelf) -> None:
        self._world = world
        self._shelf = shelf

    def sources(self) -> Sequence[VideoSource]:
        with self._world.held():
            return self._shelf.sources()

    def open(self, wanted: str | None, taken: Collection[str] = ()) -> VideoDevice:
        with self._world.held():
            source = find(self._shelf.sources(), wanted, taken)
            twin = self._shelf.at(source.path)
            if twin is None:
                raise answers.absent(wanted, self._shelf.sources())
            return MockVideo(self._world, twin)


class MockVideo(VideoDevice):
    """One simulated camera."""

    def __init__(self, world: World, twin: CameraTwin) -> None:
        self._world = world
        self._twin = twin
        self.source = twin.source
        self._bell = Bell()
        self._woken = False
        self._closed = False
        self._running: RunningCamera | None = None

    def modes(self) -> Sequence[VideoMode]:
        with self._world.held():
            self._check()
            return list(self._twin.modes)

    def start(self, wanted: Wanted) -> Chosen:
        with self._world.held():
            self._check()
            if self._twin.in_use:
                raise answers.in_use(self.place)
            chosen = choose(self._twin.modes, wanted, self.place)
            self._running = self._twin.start(chosen)
            self._running.bell = self._bell
            return chosen

    def read(self, timeout_ns: int) -> RawFrame | None:
        deadline_ns = self._world.clock.now_ns() + timeout_ns
        while (left_ns := deadline_ns - self._world.clock.now_ns()) >= 0:
            found, wait_ns = self._look(left_ns)
            if found is not None:
                return self._twin.frame(found)
            if self._woken or left_ns == 0:
                return None
            self._world.clock.sleep(wait_ns, self._bell)
        return None

    def wake(self) -> None:
        with self._world.held():
            self._woken = True
            self._bell.ring()

    def controls(self) -> Sequence[Control]:
        with self._world.held():
            self._check()
            return self._twin.controls()

    def set_control(self, name: str, value: float) -> float:
        with self._world.held():
            self._check()
            control = find_control(self.place, self._twin.controls(), name)
            check_value(self.place, control, value)
            if control.inactive:
                raise inactive(self.place, control)
            return self._twin.set_control(name, value)

    def close(self) -> None:
        with self._world.held():
            self._closed = True
            self._bell.ring()
            if self._running is not None:
                self._twin.stop(self._running)

    def _look(self, left_ns: int) -> tuple[Exposure | None, int]:
        """What is there, and how long to wait where there is nothing."""
        with self._world.held():
            self._check()
            if self._running is None:
                raise ArgumentError(f"{self.place}: the camera was not started")
            if not self._woken:
                self._bell.clear()
            found = self._twin.take(self._running)
            due_ns = self._twin.next_there_ns(self._running)
            now_ns = self._world.clock.now_ns()
            return found, left_ns if due_ns is None else max(0, min(left_ns, due_ns - now_ns))

    def _check(self) -> None:
        if self._closed:
            raise answers.closed(self.place)
        if not self._twin.plugged or (self._running is not None and self._running.gone):
            raise answers.unplugged(self.place)
        if self._twin.source != self.source:
            raise answers.unplugged(self.place)
