"""Plays a USB camera that the kernel's own driver, uvcvideo, takes for a real one.

Its pictures are files that the test hands over, each a frame as a camera would send it: a JPEG, or bare pixels. It is
told what to do as outside_i2c is: by lines on standard input, each answered with `ok` and what was asked for, or with
`error`. It starts unplugged. The commands:

    plug                       plug the camera in
    unplug                     pull it out
    show FOURCC SIZE FILE...   what to send in this mode, such as MJPG 640x480, one after the other, over and over again
    half TIMES                 send only the first half of so many frames
    garbage TIMES              send other bytes in place of so many frames
    flagged TIMES              mark so many frames as faulty, as a camera does that noticed it
    silent                     send nothing
    go                         send again
    deaf                       answer nothing until unplugged
    clear                      unplug; forget pictures and faults
    seen                       what the computer has set and started since this was last asked

In a mode for which it was shown nothing it sends nothing.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.hil.interruptible import allow_interruptions
from tests.hil.usb_camera import Camera, Film
from tests.hil.usb_camera_descriptors import Mode


class Outside:
    """The camera and the commands. Used by one thread."""

    def __init__(self) -> None:
        self._film = Film()
        self._seen: list[str] = []
        self._camera: Camera | None = None
        self._commands: dict[str, Callable[..., str | None]] = {
            "plug": self._plug,
            "unplug": self.unplug,
            "show": self._show,
            "half": lambda times: self._go_wrong("half", times),
            "garbage": lambda times: self._go_wrong("garbage", times),
            "flagged": lambda times: self._go_wrong("flagged", times),
            "silent": lambda: self._be_silent(True),
            "go": lambda: self._be_silent(False),
            "deaf": self._be_deaf,
            "clear": self._clear,
            "seen": self._tell_seen,
        }

    def obey(self, line: str) -> str:
        """Carry a command out; gives the line to answer with."""
        word, *arguments = line.split()
        try:
            answer = self._commands[word](*arguments)
        except (LookupError, OSError, TypeError, ValueError) as error:
            return f"error {line}: {error!r}"
        return f"ok {answer or ''}".rstrip()

    def unplug(self) -> None:
        """Pull the camera out if it is plugged in."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _plug(self) -> None:
        self.unplug()
        self._camera = Camera(self._film, self._seen)

    def _show(self, fourcc: str, size: str, *files: str) -> None:
        width, height = map(int, size.split("x"))
        self._film.frames[Mode(fourcc, width, height)] = [Path(file).read_bytes() for file in files]

    def _go_wrong(self, fault: str, times: str) -> None:
        self._film.faults[fault] = int(times)

    def _be_silent(self, silent: bool) -> None:
        self._film.silent = silent

    def _be_deaf(self) -> None:
        if self._camera is None:
            raise ValueError("there is no camera plugged in")
        self._camera.be_deaf()

    def _clear(self) -> None:
        self.unplug()
        self._film = Film()
        self._seen.clear()

    def _tell_seen(self) -> str:
        if self._camera is not None:
            self._camera.finish()
        seen = "; ".join(self._seen)
        self._seen.clear()
        return seen


def main() -> None:
    """Play until the input ends."""
    allow_interruptions()
    outside = Outside()
    print("ok", flush=True)
    for line in sys.stdin:
        print(outside.obey(line.strip()), flush=True)
    outside.unplug()


if __name__ == "__main__":
    main()
