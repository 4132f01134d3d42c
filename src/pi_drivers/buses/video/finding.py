"""Which camera is meant: by path, by a name that stays, by number or by what it calls itself.

Numbers go to cameras in the order in which they were found, so that a camera that was unplugged may come back with
another one. Its names below /dev/v4l and its label stay.
"""

from collections.abc import Collection, Sequence

from pi_drivers.buses.video import answers
from pi_drivers.buses.video.contract import VideoSource, plain_name


def find(sources: Sequence[VideoSource], wanted: str | None, taken: Collection[str] = ()) -> VideoSource:
    """The camera that is meant, fit to be used.

    Args:
        sources: those that are there.
        wanted: path, name, number or label; None for any.
        taken: paths that others hold: passed over where there is a choice.

    Raises:
        BusAbsentError: none of them is meant; the message lists them.
        BusPermissionError: this user may not open it, or any that there is.
        BusError: it cannot be used; the message says why.
        ConfigError: the name is empty, or has nothing before its ";".
    """
    if wanted is not None and not plain_name(wanted):
        raise answers.no_name(wanted)
    meant = [source for source in sources if wanted is None or source.answers_to(wanted)]
    fit = [source for source in meant if not source.unfit]
    if fit:
        return next((source for source in fit if source.path not in taken), fit[0])
    forbidden = [source for source in meant if source.forbidden]
    if forbidden:
        raise answers.unfit(forbidden[0])
    if meant and wanted is not None and meant[0].unfit != answers.MISSING:
        raise answers.unfit(meant[0])
    raise answers.absent(wanted, sources)
