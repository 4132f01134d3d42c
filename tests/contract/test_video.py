"""The contract of a camera."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from pi_drivers.buses.video.contract import COMPRESSED, PIXEL_FORMATS, RawFrame, VideoDevice, Wanted
from pi_drivers.errors import ArgumentError, BusAbsentError, ClaimedError, ClosedError, ConfigError
from tests.conftest import open_descriptors

from .asides import MILLISECOND, SECOND
from .grounds import Facility
from .video_grounds import VideoGround

AT_ONCE_S = 0.3
LONG_NS = 60 * SECOND


@pytest.fixture
def camera(video: VideoGround) -> VideoDevice:
    return video.open()


@pytest.fixture
def running(video: VideoGround, camera: VideoDevice) -> VideoDevice:
    camera.start(video.wanted)
    return camera


def next_of(camera: VideoDevice) -> RawFrame:
    frame = camera.read(5 * SECOND)
    assert frame is not None
    return frame


def test_a_camera_is_listed_and_found_by_each_of_its_names(video: VideoGround):
    [source] = [source for source in video.cameras.sources() if source.path == video.path]
    assert (source.label, source.unfit) == (video.label, "")
    number = source.path.removeprefix("/dev/video")
    for name in (source.path, f"video{number}", number, source.label, *source.names):
        device = video.open(name)
        assert (device.place, device.source) == (source.path, source)
        device.close()


def test_a_camera_that_is_not_there_is_absent_and_those_that_are_there_are_named(video: VideoGround):
    with pytest.raises(BusAbsentError, match=f'^/dev/video99: .*There are: .*{video.path} "{video.label}"'):
        video.open("/dev/video99")


def test_it_says_what_it_can_deliver(video: VideoGround, camera: VideoDevice):
    modes = camera.modes()
    for wanted in (video.wanted, video.other):
        assert wanted.width is not None
        assert wanted.height is not None
        fit = [mode for mode in modes if mode.pixel_format == wanted.pixel_format]
        assert any(mode.has(wanted.width, wanted.height) for mode in fit)
    assert {mode.pixel_format for mode in modes} <= set(PIXEL_FORMATS)
    for mode in modes:
        assert list(mode.frame_rates) == sorted(mode.frame_rates, reverse=True)


@pytest.mark.parametrize("which", ["wanted", "other"])
def test_form_size_and_rate_are_those_asked_for(video: VideoGround, camera: VideoDevice, which):
    wanted: Wanted = getattr(video, which)
    chosen = camera.start(wanted)
    frame = next_of(camera)

    assert (chosen.pixel_format, chosen.width, chosen.height) == (wanted.pixel_format, wanted.width, wanted.height)
    assert chosen.frame_rate == pytest.approx(wanted.frame_rate, rel=0.02)
    assert (frame.pixel_format, frame.width, frame.height) == (chosen.pixel_format, chosen.width, chosen.height)
    if frame.pixel_format in COMPRESSED:
        assert frame.stride == 0
        assert frame.data[:2] == b"\xff\xd8"
    else:
        assert frame.stride >= frame.width
        assert len(frame.data) >= frame.stride * frame.height


def test_what_it_cannot_do_is_refused_and_it_can_be_opened_again(video: VideoGround, camera: VideoDevice):
    with pytest.raises(ConfigError, match=f"^{video.path}: the camera has no width_px and height_px 66 x 50; it has: "):
        camera.start(Wanted(width=66, height=50))
    camera.close()
    again = video.open()
    again.start(video.wanted)

    assert next_of(again).data


def test_pictures_come_one_after_the_other_each_once_with_the_moment_it_was_taken(
    video: VideoGround, running: VideoDevice
):
    frames = [next_of(running) for _ in range(10)]

    assert not any(frame.broken for frame in frames)
    for before, after in pairwise(frames):
        assert after.sequence > before.sequence
        assert after.taken_ns > before.taken_ns
    assert 0 <= video.now_ns() - frames[-1].taken_ns < SECOND
    for frame in frames:
        assert type(frame.data) is bytes


def test_who_looks_away_gets_no_picture_from_then(video: VideoGround, running: VideoDevice):
    first = next_of(running)
    video.settle(SECOND)
    looked_ns = video.now_ns()
    frame = next_of(running)

    assert frame.taken_ns > looked_ns - SECOND // 2
    assert frame.sequence > first.sequence + 3


def test_a_read_of_nothing_ends_when_its_time_is_over(video: VideoGround, running: VideoDevice):
    video.need(Facility.FAULTS)
    video.silence()
    while running.read(0) is not None:
        pass
    began_ns = video.now_ns()
    assert running.read(40 * MILLISECOND) is None

    assert 40 * MILLISECOND <= video.now_ns() - began_ns < 2 * SECOND
    video.silence(False)
    assert next_of(running).data


def test_a_picture_that_comes_ends_the_wait(video: VideoGround, running: VideoDevice):
    next_of(running)
    began_ns = video.now_ns()
    assert video.aside(lambda: running.read(LONG_NS)).result() is not None

    assert video.now_ns() - began_ns < 5 * SECOND


def test_waking_ends_a_read_at_once_and_those_to_come(video: VideoGround, running: VideoDevice):
    video.need(Facility.FAULTS)
    video.silence()
    while running.read(0) is not None:
        pass
    waiting = video.aside(lambda: running.read(LONG_NS))
    began = time.monotonic()
    running.wake()

    assert waiting.result() is None
    assert running.read(LONG_NS) is None
    assert time.monotonic() - began < AT_ONCE_S


def test_closing_ends_a_read_that_waits_at_once(video: VideoGround, running: VideoDevice):
    video.need(Facility.FAULTS)
    video.silence()
    while running.read(0) is not None:
        pass
    waiting = video.aside(lambda: running.read(LONG_NS))
    began = time.monotonic()
    running.close()
    with pytest.raises(ClosedError, match=video.path):
        waiting.result()

    assert time.monotonic() - began < AT_ONCE_S


def test_a_closed_camera_does_nothing_and_closing_and_waking_it_again_is_nothing(
    video: VideoGround, running: VideoDevice
):
    running.close()
    running.close()
    running.wake()
    calls: tuple[Callable[[], object], ...] = (
        lambda: running.read(0),
        lambda: running.start(video.wanted),
        running.modes,
        running.controls,
        lambda: running.set_control(video.control, 0),
    )
    for call in calls:
        with pytest.raises(ClosedError, match=video.path):
            call()


def test_a_camera_that_was_not_started_delivers_nothing(video: VideoGround, camera: VideoDevice):
    with pytest.raises(ArgumentError, match=f"{video.path}.*not started"):
        camera.read(0)


def test_a_camera_runs_for_one_at_a_time(video: VideoGround, running: VideoDevice):
    other = video.open()
    with pytest.raises(ClaimedError, match=f"{video.path}: another program uses this camera"):
        other.start(video.wanted)
    other.close()
    assert next_of(running).data

    running.close()
    third = video.open()
    third.start(video.wanted)
    assert next_of(third).data


def test_a_camera_can_be_opened_and_closed_for_ever(video: VideoGround):
    video.open().close()
    before = open_descriptors()
    for _ in range(20):
        device = video.open()
        device.start(video.wanted)
        assert next_of(device).data
        device.close()

    assert open_descriptors() <= before


def test_a_control_is_set_and_read_back(video: VideoGround, running: VideoDevice):
    [control] = [control for control in running.controls() if control.name == video.control]
    assert (control.kind, control.read_only, control.inactive) == ("integer", False, False)
    assert control.minimum <= control.default <= control.maximum
    for value in (control.minimum, control.maximum, control.default):
        assert running.set_control(control.name, value) == value
        assert {one.name: one.value for one in running.controls()}[control.name] == value


def test_what_sets_a_control_by_itself_is_a_control_too(video: VideoGround, running: VideoDevice):
    there = {control.name: control for control in running.controls()}
    automatic = {control.name: control.automatic for control in there.values() if control.automatic is not None}
    assert {switch for switch, _ in automatic.values()} <= set(there)
    for switch, manual in automatic.values():
        assert there[switch].minimum <= manual[0] <= there[switch].maximum


def test_a_control_that_is_not_there_or_cannot_have_the_value_is_refused(video: VideoGround, running: VideoDevice):
    [control] = [control for control in running.controls() if control.name == video.control]
    too_much = control.maximum + control.step
    with pytest.raises(ArgumentError, match=f"{video.path}: {control.name} must be {control.minimum:g} to "):
        running.set_control(control.name, too_much)
    with pytest.raises(ArgumentError, match=f'{video.path}: the camera has no control "no_such"; it has: '):
        running.set_control("no_such", 1)

    assert {one.name: one.value for one in running.controls()}[control.name] == control.value


def test_a_camera_that_is_unplugged_says_so_to_everybody_for_good(video: VideoGround, running: VideoDevice):
    video.need(Facility.FAULTS)
    video.silence()
    while running.read(0) is not None:
        pass
    waiting = video.aside(lambda: running.read(LONG_NS))
    unplugged = f"^{video.path}: the camera was unplugged"
    began = time.monotonic()
    video.unplug()
    with pytest.raises(BusAbsentError, match=unplugged):
        waiting.result()
    assert time.monotonic() - began < AT_ONCE_S
    video.silence(False)
    video.replug()
    with pytest.raises(BusAbsentError, match=unplugged):
        running.read(SECOND)
    with pytest.raises(BusAbsentError, match=unplugged):
        running.controls()
    running.close()


def test_a_camera_that_is_back_is_opened_anew(video: VideoGround, running: VideoDevice):
    video.need(Facility.FAULTS)
    video.unplug()
    with pytest.raises(BusAbsentError, match=f"{video.path}: there is no such camera"):
        video.open()
    running.close()
    video.replug()
    again = video.open()
    again.start(video.wanted)

    assert next_of(again).data


def test_where_there_is_a_choice_one_that_is_taken_is_passed_over(video: VideoGround):
    there = [source.path for source in video.cameras.sources() if not source.unfit]
    for taken in ([], there[:1], there):
        device = video.cameras.open(None, taken)
        assert device.place == next((path for path in there if path not in taken), there[0])
        device.close()


@pytest.mark.parametrize("name", ["", ";video0"])
def test_a_name_that_names_nothing_is_a_mistake_in_the_config(video: VideoGround, name: str):
    with pytest.raises(ConfigError, match=f'^"{name}" names no camera: write its path, .* or leave video_path out'):
        video.open(name)
