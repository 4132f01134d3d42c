"""How long a camera may take until its first picture comes.

A driver or a library that hangs holds the camera's thread, and nobody can take it from there. But whoever waits for the
camera is told, and what it hangs in.
"""

from collections.abc import Callable
from typing import Self

from pi_drivers.buses.video.contract import Chosen, VideoDevice
from pi_drivers.errors import BusTimeoutError
from pi_drivers.host.contract import SECOND, Cancellable, Host

LONGEST_START_NS = 10 * SECOND
"""Opening takes a second or two on a slow Pi, and as much again where the camera has just been let go."""
INTERVALS = 3


class Patience:
    """The time that a camera has, until the end of a `with` at most. Used on the event loop."""

    def __init__(
        self, host: Host, frame_rate: float | None, chosen: Callable[[], Chosen | None], over: Callable[[], None]
    ) -> None:
        """It begins now.

        Args:
            host: its clock is the one that counts.
            frame_rate: what was asked for; None for any.
            chosen: what the camera was set to, as soon as it was; a slow one has longer.
            over: called when the time is over.
        """
        self._host = host
        self._frame_rate = frame_rate
        self._chosen = chosen
        self._over = over
        self._since_ns = host.now_ns()
        self._alarm: Cancellable = host.after(self._left_ns(), self._look)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._alarm.cancel()

    def exhausted(self, camera: str, device: VideoDevice | None) -> BusTimeoutError:
        """That it is over, and in what the camera hangs. Args: device: it, once it was opened."""
        step = "opening it" if device is None else "setting it up"
        if self._chosen() is not None:
            step = "waiting for its first picture"
        waited_s = (self._host.now_ns() - self._since_ns) / SECOND
        return BusTimeoutError(
            f"{camera}: {device.place if device is not None else 'its camera'} has not come up for {waited_s:.0f} s: "
            f"{step} seems to hang. Restart the module; if that does not help, reboot the machine and check the "
            "camera's cable."
        )

    def _look(self) -> None:
        left_ns = self._left_ns()
        if left_ns > 0:
            self._alarm = self._host.after(left_ns, self._look)
        else:
            self._over()

    def _left_ns(self) -> int:
        chosen = self._chosen()
        rate = chosen.frame_rate if chosen is not None else self._frame_rate
        intervals_ns = round(INTERVALS * SECOND / rate) if rate else 0
        return self._since_ns + LONGEST_START_NS + intervals_ns - self._host.now_ns()
