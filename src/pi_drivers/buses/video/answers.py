"""What can go wrong with a camera, in the words of every back end."""

from collections.abc import Sequence

from pi_drivers.buses.video.contract import NUMBERED, Chosen, VideoSource, plain_name
from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    BusPermissionError,
    ClaimedError,
    ClosedError,
    ConfigError,
)

PROCESSES = "it works on pictures and takes none"
DESCRIBES = "it gives data about pictures only"
FORBIDDEN = "this user may not open it. Run sudo usermod -aG video $USER and log in again"
MISSING = "its device file is missing"
NO_CAMERAS = (PROCESSES, DESCRIBES)
"""Why a device is unfit that nobody takes for a camera; a Pi has a dozen."""


def absent(wanted: str | None, sources: Sequence[VideoSource]) -> BusAbsentError:
    """There is no such camera, or none at all."""
    if wanted is None:
        return BusAbsentError(f"there is no camera that could be used. {what_there_is(sources)}")
    path = plain_name(wanted)
    if not path.startswith(NUMBERED):
        return BusAbsentError(f"{wanted}: there is no such camera. {what_there_is(sources)}")
    stays = " Numbers change when cameras are plugged in anew; a name below /dev/v4l/by-id stays."
    return BusAbsentError(
        f"{path}: there is no such camera. {what_there_is(sources)}{stays if _cameras(sources) else ''}"
    )


def no_name(wanted: str) -> ConfigError:
    """The config has a name in which there is none."""
    return ConfigError(
        f'"{wanted}" names no camera: write its path, its name below /dev/v4l/by-id, its number or what it calls '
        "itself, or leave video_path out for any"
    )


def not_a_camera(place: str) -> BusAbsentError:
    """A device file of something else."""
    return BusAbsentError(f"{place} is not a camera")


def no_camera(wanted: str, sources: Sequence[VideoSource]) -> BusAbsentError:
    """Something else has this path."""
    return BusAbsentError(f"{wanted} is there, but it is no camera. {what_there_is(sources)}")


def misleading(wanted: str, to: str, sources: Sequence[VideoSource]) -> BusAbsentError:
    """A link that leads to no camera."""
    return BusAbsentError(f"{wanted} is a link that leads {to}. {what_there_is(sources)}")


def what_there_is(sources: Sequence[VideoSource]) -> str:
    """The cameras of a machine, in a sentence."""
    cameras = _cameras(sources)
    if not cameras:
        return "None is plugged in: check its cable, and what dmesg says of it."
    return f"There are: {'; '.join(map(described, cameras))}."


def _cameras(sources: Sequence[VideoSource]) -> list[VideoSource]:
    return [source for source in sources if source.unfit not in NO_CAMERAS]


def described(source: VideoSource) -> str:
    """A camera as people tell it from others."""
    names = [name for name in source.names if name]
    known_as = f" ({names[0]})" if names else ""
    unfit = f", which cannot be used: {source.unfit}" if source.unfit else ""
    return f'{source.path} "{source.label}"{known_as}{unfit}'


def unfit(source: VideoSource) -> BusError:
    """It is there, but it is no camera for us."""
    if source.forbidden:
        return not_allowed(source.path)
    return BusError(f'{source.path} ("{source.label}") cannot be used as a camera: {source.unfit}')


def unplugged(place: str) -> BusAbsentError:
    """It went away while it was open."""
    return BusAbsentError(f"{place}: the camera was unplugged. Check its cable; it is used again once it is back.")


def in_use(place: str) -> ClaimedError:
    """Another program has it."""
    return ClaimedError(f"{place}: another program uses this camera. Stop it; fuser -v {place} shows which it is.")


def closed(place: str) -> ClosedError:
    """It was closed by us."""
    return ClosedError(f"{place}: the camera was closed")


def refused_value(place: str, name: str, value: float, wanted: str) -> ArgumentError:
    """The camera does not take what it says that it takes."""
    return ArgumentError(
        f"{place}: the camera refuses {value:g} for {name}, though it says that it can have {wanted}: try another value"
    )


def fixed_while_running(place: str, name: str) -> ClaimedError:
    """A control is held as it is."""
    return ClaimedError(f"{place}: {name} cannot be changed while the camera runs, or another program holds it")


def not_allowed(place: str) -> BusPermissionError:
    """This user may not."""
    return BusPermissionError(
        f"{place}: this user may not use this camera. Run sudo usermod -aG video $USER and log in again."
    )


def too_many_files(place: str) -> BusError:
    """There is no number left for another open file."""
    return BusError(
        f"{place}: the camera cannot be opened, because this program or the whole machine has too many files open. "
        "Restart this program; ls /proc/*/fd shows who has so many."
    )


def no_bandwidth(place: str) -> BusError:
    """There is no room for its pictures on their way here."""
    return BusError(
        f"{place}: the USB bus has no room for the camera's pictures beside those of others on it. Take format MJPG, a "
        "smaller size or a lower frame rate, or plug it into another port, not into a hub."
    )


def another_mode(place: str, asked: Chosen, got: str) -> ConfigError:
    """It says what it can deliver, and delivers something else."""
    return ConfigError(
        f"{place}: the camera was asked for {asked.width} x {asked.height} {asked.pixel_format} and gives {got}. "
        "Choose that with width_px, height_px and format."
    )


def another_rate(place: str, asked: float, got: float) -> ConfigError:
    """It takes another frame rate than it was asked for, or none at all."""
    if not got:
        return ConfigError(f"{place}: the camera takes no frame rate and does not tell its own: leave frame_rate out")
    return ConfigError(
        f"{place}: the camera was asked for {asked:g} pictures per second and gives {got:g}. Choose that with "
        "frame_rate, or leave it out."
    )


def failed(place: str, what: str, why: str) -> BusError:
    """It did not do what was asked, for a reason of its own."""
    return BusError(f"{place}: the camera failed to {what}: {why}. If it stays so, plug it out and in again.")
