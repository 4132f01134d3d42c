"""The serial ports in use on one machine, each opened once and shared by those who can live with each other.

Two motors on one Sabertooth write to one port; a GPS has its port for itself. Ports are told apart by where their
names lead to, so that /dev/ttyUSB0 and its name below /dev/serial/by-id are one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pi_drivers.buses.serial.contract import SerialPort
from pi_drivers.buses.serial.ranges import check_port
from pi_drivers.errors import ClaimedError
from pi_drivers.host.claims import Holder, together
from pi_drivers.runtime.worker import BusWorker


@dataclass(eq=False)
class SerialUser:
    """Somebody with a part in a port."""

    holder: Holder
    share: bool


class SharedPort(NamedTuple):
    """An open port, its thread, and its users, the first one first."""

    port: SerialPort
    worker: BusWorker
    users: list[SerialUser]


class SerialPart:
    """One user's part in a serial port. `leave` on the event loop; port and worker as their own rules say."""

    def __init__(self, shared: SharedPort, leave: Callable[[], None]) -> None:
        self.port = shared.port
        self.worker = shared.worker
        """A thread for blocking calls: the writes of those who share the port, or the reads of the one who has it."""
        self._leave = leave

    def leave(self) -> None:
        """Give up this part; the last user closes the port, which ends a read that waits. Idempotent.

        Jobs that are still queued fail: what must be written at the end is to be written before, directly.
        """
        self._leave()


class SerialPorts:
    """Opens ports and knows who uses them. Used on the event loop only."""

    def __init__(
        self,
        open_port: Callable[[str, int], SerialPort],
        place_of: Callable[[str], str],
        new_worker: Callable[[str], BusWorker],
    ) -> None:
        """Nothing is open.

        Args:
            open_port: opens a path at a baud rate.
            place_of: where a path leads to: the same for two names of one port.
            new_worker: starts a thread.
        """
        self._open_port = open_port
        self._place_of = place_of
        self._new_worker = new_worker
        self._shared: list[SharedPort] = []

    def join(self, path: str, baud: int, holder: Holder, *, share: bool) -> SerialPart:
        """Take part in a port, as `Host.serial` says."""
        check_port(path, baud)
        shared = self._find(path)
        if shared is None:
            port = self._open_port(path, baud)
            shared = SharedPort(port, self._new_worker(f"serial {path}"), [])
            self._shared.append(shared)
        else:
            _check_together(shared, baud, holder, share=share)
        user = SerialUser(holder, share)
        shared.users.append(user)
        return SerialPart(shared, lambda: self._leave(shared, user))

    def holder_of(self, path: str) -> Holder | None:
        """Who uses a port, as `Host.serial_holder` says."""
        shared = self._find(path)
        return None if shared is None else together([user.holder for user in shared.users])

    def _find(self, path: str) -> SharedPort | None:
        # Asked anew each time: an adapter that was plugged in again may have another number than before.
        place = self._place_of(path)
        return next((shared for shared in self._shared if self._place_of(shared.port.path) == place), None)

    def _leave(self, shared: SharedPort, user: SerialUser) -> None:
        if user in shared.users:
            shared.users.remove(user)
            if not shared.users:
                self._shared.remove(shared)
                shared.worker.stop()
                # Not on the worker: whoever is built anew opens the port in the next moment.
                shared.port.close()


def _check_together(shared: SharedPort, baud: int, holder: Holder, *, share: bool) -> None:
    first = shared.users[0].holder
    if not (share and shared.users[0].share):
        raise ClaimedError(
            f"{shared.port.path} is held by {first.name} ({first.use}), so {holder.name} cannot have it as its "
            f"{holder.use}. Choose another port, or remove {first.name}."
        )
    if baud != shared.port.baud:
        raise ClaimedError(
            f"{shared.port.path} is used by {first.name} ({first.use}) at {shared.port.baud} baud, so {holder.name} "
            f"cannot use it at {baud} as its {holder.use}. Give both the same baud rate."
        )
