"""What all cameras of a process share: who is told of which camera's frames, and the thread that listens for them."""

import threading
from typing import Any

LOOK_S = 0.02
"""How often the thread looks whether it is to end; the real one's 0.2 s would make the tests wait."""


class CameraManager:
    """As of picamera2: it believes what it is told, and drops nobody by itself."""

    def __init__(self) -> None:
        self.running = False
        self.cameras: dict[int, Any] = {}
        self.flushed: set[int] = set()
        """Cameras that nothing waits for any more."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, number: int, camera: Any) -> None:
        with self._lock:
            self.cameras[number] = camera
            self.flushed.discard(number)
            if not self.running:
                self.running = True
                self._thread = threading.Thread(target=self._listen, name="picamera2 manager", daemon=True)
                self._thread.start()

    def cleanup(self, number: int) -> None:
        with self._lock:
            del self.cameras[number]
            if self.cameras:
                return
            self.running = False
        assert self._thread is not None
        self._thread.join()

    def handle_request(self, flushid: int | None = None) -> None:
        if flushid is not None:
            self.flushed.add(flushid)

    def _listen(self) -> None:
        ended = threading.Event()
        while self.running:
            ended.wait(LOOK_S)
