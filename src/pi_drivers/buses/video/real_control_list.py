"""Listing the controls of a V4L2 camera, also of one that lists some and then knows nothing of them, as many do.

The kernel asks the camera about each control when it is listed. Where the camera does not answer, older kernels end
there, and do not say at which control that was.
"""

import errno
from collections.abc import Iterator

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.real_file import VideoFile
from pi_drivers.buses.video.real_sources import capability_of

NO_MORE = (errno.EINVAL, errno.ENOTTY)
SILENT = (errno.EIO, errno.EPIPE, errno.EPROTO, errno.ETIMEDOUT, errno.EREMOTEIO, errno.EILSEQ, errno.ERANGE)
"""What comes of asking a camera about a control that it knows nothing of."""

MOST = 512
"""Controls of one camera; a driver that never ends its list is not listened to for ever."""

BEGINNINGS = (0x0098_0900, 0x009A_0900)
"""The numbers of controls of pictures, and of the camera's mechanics, begin here."""
SPAN = 64
"""More numbers than either of them uses."""


def list_controls(file: VideoFile) -> Iterator[v4l2.ControlInfo]:
    """What a camera has, by number, without what it does not answer for.

    Raises:
        BusAbsentError: it was unplugged.
        BusError: it answers for none of them.
    """
    number = 0
    answered = silent = False
    for _ in range(MOST):
        info = v4l2.ControlInfo(id=number | v4l2.NEXT_CONTROL)
        refusal = _ask(file, info)
        if refusal in NO_MORE:
            break
        if refusal:
            silent = True
            culprit = _silent_one(file, number) if refusal != errno.ETIMEDOUT else None
            if culprit is None:
                break
            number = culprit
        else:
            answered = True
            number = info.id
            yield info
    if silent and not answered:
        raise answers.failed(file.place, "list its controls", "it does not answer")


def _silent_one(file: VideoFile, number: int) -> int | None:
    """The control behind `number` for which a camera does not answer.

    Asked for by its own number it keeps silent again; asking for a number that it does not have costs nothing. None if
    it cannot be found, or took its whole time: that is seconds, and there may be many.
    """
    for begin in (number + 1, *(other for other in BEGINNINGS if other > number)):
        for candidate in range(begin, begin + SPAN):
            refusal = _ask(file, v4l2.ControlInfo(id=candidate))
            if refusal == errno.ETIMEDOUT:
                return None
            if refusal not in NO_MORE:
                return candidate if refusal else candidate - 1  # this time it answers: the list goes on with it
    return None


def _ask(file: VideoFile, info: v4l2.ControlInfo) -> int:
    refusal = file.ask(v4l2.QUERY_EXT_CTRL, info, "list its controls", expected=(*NO_MORE, *SILENT))
    if refusal in SILENT:
        capability_of(file)  # one that was unplugged meanwhile says so here
    return refusal
