"""Keeping the newest frame of a camera: a thread takes them as they come, whoever wants one gets the last.

A camera runs whether or not somebody asks, so its frames are taken all the time: one that waits in a buffer is old
when it is asked for. The event loop is not woken for frames, only when something begins or ends. A camera that was
unplugged, or has gone silent, is opened anew until it is back, under whatever number it then has.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from viam.utils import ValueTypes

from pi_drivers.buses.video.contract import Cameras, Chosen, RawFrame, VideoDevice
from pi_drivers.errors import BusAbsentError, BusError, ClaimedError, ClosedError, DriverError
from pi_drivers.host.claims import Holder
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.camera.camera_hold import CameraHold
from pi_drivers.models.camera.frame_keeper import FrameKeeper
from pi_drivers.models.camera.patience import Patience
from pi_drivers.runtime.sparing_log import SparingLog

T = TypeVar("T")

LOOK_NS = SECOND
"""How often the loop hears from the thread while all is well."""
SLICE_NS = 100 * MILLISECOND
"""How long a command waits at most where no frame comes."""
BACK_OFF_NS = 250 * MILLISECOND
LONGEST_BACK_OFF_NS = SECOND
"""A camera that is plugged in again is found within this."""
BUSY_TRIES = 2
"""The one who had the camera may be about to let it go."""


@dataclass(frozen=True)
class CameraRequest:
    """Which camera, and how it is set up."""

    cameras: Cameras
    name: str | None
    """Path, name, number or label; None for any."""
    start: Callable[[VideoDevice], Chosen]
    """Sets a camera up and lets it run, on the camera's thread."""
    frame_rate: float | None = None
    """What was asked for; None for any. A slow camera has longer until its first picture."""
    place: str | None = None
    """Where it is, if that is known before it is opened."""


class FrameReader:
    """Holds one camera and its newest frame. Used on the event loop, except for what runs on the camera's thread."""

    def __init__(self, holder: Holder, host: Host, logger: logging.Logger, request: CameraRequest) -> None:
        """Prepare; `start` begins.

        Args:
            holder: who uses the camera.
            host: its clock is the one that counts.
            logger: the resource's.
            request: which camera.
        """
        self._holder = holder
        self._host = host
        self._logger = logger
        self._log = SparingLog(logger, host)
        self._request = request
        self._worker = host.new_worker(f"{holder.name}: frames")
        self._device: VideoDevice | None = None
        self._chosen: Chosen | None = None
        self._hold = CameraHold(host.claims, holder)
        self._kept = FrameKeeper(host)
        self._asked = 0
        """How many wait for their turn with the camera."""
        self._unplugged = ""
        """That it was, in words, until it is back or there are pictures of another one."""
        self._unplugged_place = ""
        self._is_gone = False
        self._error: Exception | None = None
        self._failures_in_a_row = 0
        self._met = False
        """Whether a picture has come yet. Until then whoever builds the camera tells what is in the way."""
        self._told = False
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self.failures = 0
        self.openings = 0

    @property
    def newest(self) -> RawFrame | None:
        """The last good frame."""
        return self._kept.newest

    @property
    def chosen(self) -> Chosen | None:
        """What the camera was set to, once it was."""
        return self._chosen

    @property
    def is_unplugged(self) -> bool:
        """Whether the newest frame is of a camera that is gone, perhaps back, and has not delivered a frame since."""
        return self._is_gone

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"{self._holder.name}: reading frames")

    async def first_contact(self) -> None:
        """Wait for the first frame, or for what is in its way.

        Raises:
            BusTimeoutError: it does not come up, and says nothing.
            Exception: the camera is not there, cannot be set up, or delivers nothing.
        """
        with Patience(self._host, self._request.frame_rate, lambda: self._chosen, self._tried.set) as patience:
            await self._tried.wait()
        if self._kept.newest is not None:
            return
        if self._error is not None:
            raise self._error
        if not self._stopped:
            raise patience.exhausted(self._holder.name, self._device)
        raise ClosedError(f"{self._holder.name} was closed before its camera delivered a picture")

    async def on_camera(self, job: Callable[[VideoDevice], T]) -> T:
        """Do something with the camera, between two of its frames.

        Raises:
            DriverError: there is none at present, with the cause; or what the job raises.
        """
        self._asked += 1
        try:
            return await self._worker.run(lambda: job(self._present()))
        finally:
            self._asked -= 1

    def cause(self) -> str:
        """Why there is no newer frame, in words."""
        if self._error is not None:
            said = str(self._error).removeprefix(f"{self._holder.name}: ")  # whoever tells the cause names it
            # That it was unplugged says more than that there is no such camera now; it may have another number.
            return said if self._unplugged in {"", said} else f"{self._unplugged} {said}"
        device = self._device
        return "its camera is being opened; try again" if device is None else self._kept.complaint(device.source)

    def status(self) -> dict[str, ValueTypes]:
        """The camera and the counters, for `get_status`."""
        device = self._device  # the camera's thread may change it meanwhile
        status: dict[str, ValueTypes] = {
            **self._kept.status(),
            "failures": self.failures,
            "openings": self.openings,
        }
        if device is not None:
            status |= {"place": device.place, "label": device.source.label}
        if self._chosen is not None:
            status |= {
                "format": self._chosen.pixel_format,
                "width_px": self._chosen.width,
                "height_px": self._chosen.height,
                "frame_rate": self._chosen.frame_rate,
            }
        if self._error is not None:
            status["error"] = self.cause()
        return status

    def stop(self) -> None:
        """End it; does not wait. Idempotent."""
        if self._stopped:
            return
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
        self._tried.set()  # whoever waits for the first frame waits no more
        device = self._device
        if device is not None:
            device.wake()
        self._hold.release()
        self._worker.stop(last_job=self._let_go)

    async def ended(self) -> None:
        """Wait until the camera is closed."""
        await self._worker.ended()

    async def _run(self) -> None:
        with contextlib.suppress(ClosedError):  # the worker was stopped
            while not self._stopped:
                try:
                    if self._device is None:
                        await self._open()
                    await self._worker.run(self._take)
                except Exception as error:  # noqa: BLE001 - a driver bug must not end the reading; it is logged below
                    await self._failed(error)
                else:
                    self._succeeded()

    async def _open(self) -> None:
        if self._request.place is not None:
            self._hold.take(self._request.place)
        taken = self._hold.passed_over()
        device = await self._worker.run(lambda: self._open_device(taken))
        self._hold.take(device.place)
        if device.place == self._unplugged_place:
            self._unplugged = self._unplugged_place = ""
        self._chosen = await self._worker.run(lambda: self._start_device(device))
        self.openings += 1

    async def _failed(self, error: Exception) -> None:
        device, is_next = self._device, False
        if isinstance(error, BusAbsentError):
            self._is_gone = True
            if device is not None:
                self._unplugged, self._unplugged_place = str(error), device.place
        elif isinstance(error, ClaimedError) and device is not None:
            is_next = self._hold.pass_over(device.place) and self._request.name is None
        self._hold.release()
        await self._worker.run(self._let_go)
        if is_next:
            return  # there may be a free one behind it
        self._error = error
        self._failures_in_a_row += 1
        self.failures += 1
        if not isinstance(error, DriverError):
            self._logger.error("%s: reading frames failed", self._holder.name, exc_info=error)
        if not isinstance(error, ClaimedError) or self._failures_in_a_row > BUSY_TRIES:
            self._tried.set()
            if self._met and not self._told:
                self._told = True
                self._log.warning("%s: no pictures: %s", self._holder.name, self.cause())
        await self._host.wait(min(BACK_OFF_NS << min(self._failures_in_a_row - 1, 8), LONGEST_BACK_OFF_NS))

    def _succeeded(self) -> None:
        if not self._kept.delivers:
            return
        self._hold.settle()
        self._met = True
        self._is_gone = False
        self._error = None
        self._unplugged = self._unplugged_place = ""
        self._failures_in_a_row = 0
        self._tried.set()
        if self._told:
            self._told = False
            self._logger.info("%s: pictures come again", self._holder.name)

    # From here on: on the camera's thread.

    def _open_device(self, taken: Collection[str]) -> VideoDevice:
        self._device = self._request.cameras.open(self._request.name, taken)
        return self._device

    def _start_device(self, device: VideoDevice) -> Chosen:
        chosen = self._request.start(device)
        self._kept.begin_anew()
        return chosen

    def _let_go(self) -> None:
        device, self._device = self._device, None
        self._kept.delivers = False
        if device is None:
            return
        try:
            device.close()
        except Exception:
            self._logger.exception("%s: closing %s failed", self._holder.name, device.place)

    def _refusal(self) -> DriverError:
        """Why there is no camera, made anew for everyone who asks: an error that is raised again and again grows."""
        if self._error is None:
            return BusAbsentError(f"{self._holder.name}: {self.cause()}")
        kind = type(self._error) if isinstance(self._error, DriverError) else BusError
        return kind(self.cause())

    def _present(self) -> VideoDevice:
        if self._device is None or not self._kept.delivers:
            raise self._refusal()
        return self._device

    def _take(self) -> None:
        """Take frames for `LOOK_NS`, or until something else is to be done, or the first good one has come."""
        device = self._device
        if device is None:
            return
        give_up_ns = self._host.now_ns() + LOOK_NS
        while True:
            delivered = self._kept.delivers
            # However many wait for their turn, each round has the time for a frame.
            is_wanted = self._stopped or self._asked
            frame = device.read(SLICE_NS)
            if frame is not None:
                self._kept.look_at(frame)
            self._kept.check_silence(device.source, self._chosen)
            is_first = self._kept.delivers and not delivered
            if is_wanted or is_first or self._host.now_ns() >= give_up_ns:
                return
