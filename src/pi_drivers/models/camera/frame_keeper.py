"""Which of a camera's frames is the newest good one, and whether any come at all.

A frame that is not whole is counted and passed over. What was held up on its way does not take the place of one that
was exposed after it.
"""

from viam.utils import ValueTypes

from pi_drivers.buses.video.contract import Chosen, RawFrame, VideoSource
from pi_drivers.errors import BusTimeoutError, CorruptDataError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.camera.picture import UnfitFrameError, checked

SILENCE_NS = 2 * SECOND
"""A camera that delivers nothing for so long is opened anew. Some need a second to begin."""
SILENT_INTERVALS = 5
AWAY_NS = SECOND
"""Who has not looked for so long stood still himself, and cannot tell of the camera."""


class FrameKeeper:
    """The newest frame of a camera. Written on the camera's thread, read on any."""

    def __init__(self, host: Host) -> None:
        """Args: host: its clock is the one that counts."""
        self._host = host
        self._sequence: int | None = None
        self._since_ns = host.now_ns()
        """When the camera was started, or its last good frame came."""
        self._looked_ns = self._since_ns
        self.newest: RawFrame | None = None
        """The last good frame, also of a camera that is gone since."""
        self.delivers = False
        """Whether a good frame has come since the camera was started, and it was not let go."""
        self.unfit_reason = ""
        """What is wrong with those that come now."""
        self.late_ns = 0
        """How old the last good frame was when it came."""
        self.frames = 0
        self.unfit = 0
        self.lost = 0

    def begin_anew(self) -> None:
        """The camera was started."""
        self.delivers = False
        self.unfit_reason = ""
        self._sequence = None
        self._since_ns = self._looked_ns = self._host.now_ns()

    def look_at(self, frame: RawFrame) -> None:
        """Keep a frame, if it is whole."""
        if self._sequence is not None:
            self.lost += max(0, frame.sequence - self._sequence - 1)
        self._sequence = frame.sequence
        try:
            whole = checked(frame)
        except UnfitFrameError as error:
            self.unfit += 1
            self.unfit_reason = str(error)
            return
        self._since_ns = self._host.now_ns()
        # One that says it comes from the future would never make place for another.
        if self.newest is None or self.newest.taken_ns > self._since_ns or whole.taken_ns >= self.newest.taken_ns:
            self.newest = whole
        self.late_ns = self._since_ns - whole.taken_ns
        self.unfit_reason = ""
        self.delivers = True
        self.frames += 1

    def complaint(self, source: VideoSource) -> str:
        """What is wrong with what comes, or that nothing comes, in words."""
        if self.unfit_reason:
            return f"what comes from {source.path} cannot be used: {self.unfit_reason}"
        silent_ns = self._host.now_ns() - self._since_ns
        if self.delivers and self.late_ns > silent_ns:
            return (
                f"pictures come from {source.path}, but they are {self.late_ns / SECOND:.1f} s old when they come: the "
                "camera's clock is wrong, or its driver holds them up. If they may be so old, raise max_age_ms."
            )
        return f"nothing comes from {source.path}, for {silent_ns / SECOND:.1f} s now. {source.hint}"

    def check_silence(self, source: VideoSource, chosen: Chosen | None) -> None:
        """See that the camera is alive.

        Raises:
            CorruptDataError: it delivers frames, and none that is whole, for longer than is to be borne.
            BusTimeoutError: it delivers nothing for so long.
        """
        now_ns = self._host.now_ns()
        if now_ns - self._looked_ns > AWAY_NS:
            self._since_ns = now_ns
        self._looked_ns = now_ns
        silent_ns = now_ns - self._since_ns
        rate = chosen.frame_rate if chosen is not None else 0
        if silent_ns <= max(SILENCE_NS, SILENT_INTERVALS * SECOND / rate if rate else 0):
            return
        for_long = f"for {silent_ns / SECOND:.1f} s; it is started anew"
        if self.unfit_reason:
            raise CorruptDataError(f"{source.path}: no picture can be used {for_long}: {self.unfit_reason}")
        raise BusTimeoutError(f"{source.path}: the camera has delivered nothing {for_long}. {source.hint}")

    def status(self) -> dict[str, ValueTypes]:
        """The counters, and the newest frame's age."""
        newest = self.newest
        status: dict[str, ValueTypes] = {
            "frames": self.frames,
            "lost_frames": self.lost,
            "unfit_frames": self.unfit,
        }
        if newest is not None:
            status["frame_age_ms"] = (self._host.now_ns() - newest.taken_ns) / MILLISECOND
        if self.unfit_reason:
            status["why_unfit"] = self.unfit_reason
        return status
