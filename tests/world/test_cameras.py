"""The simulated cameras: what one delivers and when, what is wrong with it when it is told to be, and its number."""

from typing import Any

import cv2
import numpy as np
import pytest

from pi_drivers.buses.video.contract import Chosen, Control, RawFrame, VideoMode
from pi_drivers.world.cameras import BUFFERS, LATE_BY, CameraTwin, RunningCamera
from pi_drivers.world.pixels import ALIGNED, packed, stride_of
from pi_drivers.world.world import World
from tests import scene_reader

MS = 1_000_000
SMALL = Chosen("MJPG", 160, 120, 10.0)
TAKES_NS = 20 * MS
"""From the exposure to the picture in memory."""
PATH, LABEL = "/dev/video0", "Cam"


@pytest.fixture
def world() -> World:
    made = World.by_hand()
    made.clock.advance(1_000_000_007)
    return made


def camera(world: World, path: str = PATH, *controls: Control) -> CameraTwin:
    size = (160, 120)
    return world.cameras.add(
        CameraTwin(
            world.clock,
            world.scene,
            path=path,
            label=LABEL,
            driver="uvcvideo",
            names=(f"usb-{LABEL}",),
            modes=[VideoMode("MJPG", size, size)],
            controls=controls,
        )
    )


def started(world: World, twin: CameraTwin, chosen: Chosen = SMALL) -> RunningCamera:
    """It runs, and each 100 ms from now on a picture is there."""
    running = twin.start(chosen)
    world.clock.advance(TAKES_NS)
    return running


def taken_after(world: World, twin: CameraTwin, running: RunningCamera, duration_ns: int) -> RawFrame | None:
    world.clock.advance(duration_ns)
    exposure = twin.take(running)
    return None if exposure is None else twin.frame(exposure)


def next_frame(world: World, twin: CameraTwin, running: RunningCamera) -> RawFrame:
    frame = taken_after(world, twin, running, 100 * MS)
    assert frame is not None
    return frame


def decoded(frame: RawFrame) -> Any:
    return cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_COLOR)


def test_pictures_come_at_their_pace_a_moment_after_they_were_exposed(world: World):
    twin = camera(world)
    began_ns = world.clock.now_ns()
    running = twin.start(SMALL)

    assert twin.next_there_ns(running) == began_ns + 100 * MS + TAKES_NS
    assert taken_after(world, twin, running, 100 * MS + TAKES_NS - 1) is None
    first = taken_after(world, twin, running, 1)
    assert first is not None
    assert (first.sequence, first.taken_ns) == (1, began_ns + 100 * MS)
    assert twin.take(running) is None
    seen = scene_reader.read(decoded(first))
    assert (seen.frame_number, seen.taken_ms) == (1, first.taken_ns // MS)
    assert next_frame(world, twin, running).sequence == 2


def test_the_same_frame_is_the_same_picture(world: World):
    twin = camera(world)
    running = twin.start(SMALL)
    world.clock.advance(300 * MS)
    exposure = twin.take(running)

    assert exposure is not None
    assert twin.frame(exposure) == twin.frame(exposure)


def test_of_those_that_wait_the_newest_is_given_out(world: World):
    twin = camera(world)
    running = started(world, twin)
    first = next_frame(world, twin, running)
    later = taken_after(world, twin, running, (BUFFERS - 1) * 100 * MS)

    assert later is not None
    assert later.sequence - first.sequence == BUFFERS - 1


def test_who_looks_away_for_long_gets_nothing_old_and_sees_from_the_next_number_what_he_missed(world: World):
    twin = camera(world)
    running = started(world, twin)
    first = next_frame(world, twin, running)
    assert taken_after(world, twin, running, BUFFERS * 100 * MS) is None
    assert next_frame(world, twin, running).sequence - first.sequence == BUFFERS + 1
    assert taken_after(world, twin, running, 60_000 * MS) is None
    later = next_frame(world, twin, running)

    assert later.sequence - first.sequence == BUFFERS + 602
    assert world.clock.now_ns() - later.taken_ns == TAKES_NS


def test_faults_are_spent_on_pictures_that_wait_and_not_on_all_that_were_missed(world: World):
    twin = camera(world)
    running = started(world, twin)
    twin.faults.garbage = 100
    taken_after(world, twin, running, 10_000 * MS)

    assert twin.faults.garbage == 100 - BUFFERS


def test_pictures_that_were_lost_take_no_room(world: World):
    twin = camera(world)
    running = started(world, twin)
    first = next_frame(world, twin, running)
    twin.faults.lost = BUFFERS
    later = taken_after(world, twin, running, (BUFFERS + 2) * 100 * MS)

    assert later is not None
    assert later.sequence - first.sequence == BUFFERS + 2


@pytest.mark.parametrize("pixel_format", ["YUYV", "UYVY", "NV12", "YU12", "BGR3", "RGB3", "GREY"])
def test_lines_are_as_long_as_they_are_said_to_be(world: World, pixel_format):
    twin = camera(world)
    frame = next_frame(world, twin, started(world, twin, Chosen(pixel_format, 162, 120, 10.0)))

    assert frame.stride % ALIGNED == 0
    lines = 180 if pixel_format in {"NV12", "YU12"} else 120
    assert len(frame.data) == frame.stride * lines
    assert frame.data[frame.stride - 1] == 0x55  # no pixel


def test_pixels_are_where_their_form_has_them():
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = (10, 20, 30)

    assert packed(picture, "BGR3")[:6] == bytes((10, 20, 30, 10, 20, 30))
    assert packed(picture, "RGB3")[:6] == bytes((30, 20, 10, 30, 20, 10))
    yuyv, uyvy = packed(picture, "YUYV"), packed(picture, "UYVY")
    assert (yuyv[0], yuyv[1], yuyv[3]) == (uyvy[1], uyvy[0], uyvy[2])
    assert stride_of("MJPG", 64) == 0
    planes, pairs = packed(picture, "YU12"), packed(picture, "NV12")
    luma = 64 * 48
    assert planes[:luma] == pairs[:luma]
    assert (planes[luma], planes[luma + luma // 4]) == (pairs[luma], pairs[luma + 1])


def test_garbage_is_noise_and_half_is_half(world: World):
    twin = camera(world)
    running = started(world, twin)
    whole = next_frame(world, twin, running)
    twin.faults.garbage = twin.faults.half = twin.faults.broken = 1
    garbage, half, broken = (next_frame(world, twin, running) for _ in range(3))

    assert decoded(garbage) is None
    assert (whole.broken, half.broken, broken.broken) == (False, False, True)
    for cut in (half, broken):
        assert cut.data[:2] == b"\xff\xd8"
        assert not cut.data.endswith(b"\xff\xd9")
    assert scene_reader.read(decoded(next_frame(world, twin, running))).frame_number == whole.sequence + 4


def test_another_size_is_half_of_it_and_not_said(world: World):
    twin = camera(world)
    running = started(world, twin, Chosen("MJPG", 64, 48, 10.0))
    twin.faults.other_size = 1
    frame = next_frame(world, twin, running)

    assert (frame.width, frame.height) == (64, 48)
    assert decoded(frame).shape == (24, 32, 3)


def test_what_is_lost_never_comes_and_what_is_late_is_old(world: World):
    twin = camera(world)
    running = started(world, twin)
    first = next_frame(world, twin, running)
    twin.faults.lost = 2
    assert taken_after(world, twin, running, 200 * MS) is None
    twin.faults.late = 1
    late = next_frame(world, twin, running)

    assert late.sequence == first.sequence + 3
    assert late.taken_ns == first.taken_ns + (3 - LATE_BY) * 100 * MS
    assert scene_reader.read(decoded(late)).taken_ms == late.taken_ns // MS


def test_a_silent_camera_promises_nothing(world: World):
    twin = camera(world)
    running = started(world, twin)
    twin.faults.silent = True

    assert twin.next_there_ns(running) is None
    assert taken_after(world, twin, running, 5000 * MS) is None
    twin.faults.silent = False
    assert next_frame(world, twin, running)


def test_a_camera_that_is_unplugged_is_gone_for_good_for_whoever_had_it(world: World):
    twin = camera(world)
    running = started(world, twin)
    twin.unplug()
    assert (running.gone, running.bell.rung, twin.in_use) == (True, True, False)
    assert world.cameras.sources() == []
    twin.plug_in()

    assert running.gone
    assert world.cameras.at(PATH) is twin


def test_a_camera_forgets_what_was_set_when_it_is_unplugged(world: World):
    twin = camera(world, PATH, Control("brightness", "integer", -64, 64, 1, 0, 0))
    twin.set_control("brightness", 32)
    assert [control.value for control in twin.controls()] == [32]
    twin.unplug()
    twin.plug_in()

    assert [control.value for control in twin.controls()] == [0]


def test_a_camera_comes_back_where_it_was_unless_another_one_is_there(world: World):
    first = camera(world)
    first.unplug()
    world.cameras.replug(first)
    assert world.cameras.at(PATH) is first
    first.unplug()
    second = camera(world)
    world.cameras.replug(first)

    assert (world.cameras.at(PATH), world.cameras.at("/dev/video1")) == (second, first)


def test_elsewhere_is_a_number_that_no_camera_has_or_had(world: World):
    first, second = camera(world), camera(world, "/dev/video1")
    world.cameras.replug_elsewhere(first)
    world.cameras.replug_elsewhere(second)

    assert [source.path for source in world.cameras.sources()] == ["/dev/video2", "/dev/video3"]
    assert world.cameras.named(PATH) is first
    assert world.cameras.at(PATH) is None
