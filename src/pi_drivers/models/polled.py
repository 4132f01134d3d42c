"""What all models share that are sampled in the background: their poller, their readings, their status.

Such a model's `_open` joins its bus and ends with `_start_polling`. Its clients are answered from the newest sample and
never wait for the hardware. A chip that needs time to measure is told to begin, left alone, and asked for the result:
meanwhile its bus is free for others.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from viam.errors import NoCaptureToStoreError
from viam.utils import SensorReading, ValueTypes, from_dm_from_extra

from pi_drivers.config.attributes import PolledAttributes, SensorAttributes
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.base import HardwareModel
from pi_drivers.runtime.poller import Poller, Sample

C = TypeVar("C", bound=PolledAttributes)
T = TypeVar("T")


class PolledModel(HardwareModel[C], Generic[C, T]):
    """The base of models that are polled. Used on the event loop.

    A model states its config class and writes `_open` and `_readings`; it may write `_place`.
    """

    WAITS_FOR: ClassVar[str] = "its chip to answer"
    """What it waits for while sampling fails."""

    def _start_polling(self, sample: Callable[[], Awaitable[T]], set_up: Callable[[], Awaitable[None]]) -> None:
        """Begin to sample.

        Args:
            sample: takes one sample. It is alone with the hardware: commands that take `self._alone` wait for it.
            set_up: brings the hardware to where it can be sampled: before the first sample and after each failure.
        """
        self._alone = asyncio.Lock()
        self._captured: dict[str, Sample[T]] = {}

        async def sample_alone() -> T:
            async with self._alone:
                return await sample()

        async def set_up_alone() -> None:
            async with self._alone:
                await set_up()

        self._poller = Poller(
            self.label,
            self.host,
            self.logger,
            sample=sample_alone,
            set_up=set_up_alone,
            interval_ns=self.settings.poll_interval_ms * MILLISECOND,
            max_age_ns=self.settings.effective_max_age_ms * MILLISECOND,
        )
        self._poller.start()
        self.lifecycle.push("stop polling", self._poller.stop, self._poller.ended)

    async def ready(self) -> None:
        await self._poller.first_contact()

    async def get_readings(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Mapping[str, SensorReading]:
        """The newest sample. Never touches the hardware.

        Raises:
            StaleReadingError: it is too old, or there is none; with its age and the cause.
            OutOfRangeError: what was to be measured is beyond what can be.
            NoCaptureToStoreError: data capture has it already, and the config says `skip_unchanged`.
            ClosedError: the resource was closed.
        """
        return self._readings(self._newest("get_readings", extra))

    def _newest(self, method: str, extra: Mapping[str, Any] | None) -> T:
        """What was measured last, for a method of the component. Never touches the hardware.

        Args:
            method: its name: data capture of each method has its own unchanged samples.
            extra: as the method got it.

        Raises:
            StaleReadingError, OutOfRangeError, NoCaptureToStoreError, ClosedError: as `get_readings` does.
        """
        newest = self._latest()
        if from_dm_from_extra(dict(extra) if extra is not None else None):
            self._refuse_captured(method, newest)
        return newest.value

    def _latest(self) -> Sample[T]:
        """The newest sample, whoever asks. Raises: StaleReadingError, OutOfRangeError, ClosedError."""
        self.check_open()
        return self._poller.latest()

    @abstractmethod
    def _readings(self, sample: T) -> Mapping[str, SensorReading]:
        """A sample as readings: keys carry their unit, what is not known is left out."""

    def _place(self) -> dict[str, ValueTypes]:
        """Where the hardware is: its bus and address, its port or its pins."""
        return {}

    def _status(self) -> dict[str, ValueTypes]:
        polled = self._poller.status()
        waits: dict[str, ValueTypes] = {"waits_for": self.WAITS_FOR} if "error" in polled else {}
        return self._place() | waits | polled

    def _refuse_captured(self, method: str, newest: Sample[T]) -> None:
        settings = self.settings
        if isinstance(settings, SensorAttributes) and settings.skip_unchanged and newest is self._captured.get(method):
            raise NoCaptureToStoreError
        self._captured[method] = newest
