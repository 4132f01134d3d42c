"""The scene of the simulated cameras: a picture alone says when it was taken and what was done to it since."""

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest

from pi_drivers.world.scene import Scene
from tests.scene_reader import Pixels, UnreadableError, read

S = 1_000_000_000
MS = 1_000_000
SIZES = [(64, 48), (65, 49), (97, 48), (192, 51), (320, 240), (640, 480), (641, 481), (480, 640), (1920, 1080)]
ORIENTATIONS = [(rotated, flipped) for rotated in (0, 90, 180, 270) for flipped in (False, True)]


def turned(picture: Pixels, rotated: int, flipped: bool) -> Pixels:
    """Turned clockwise by hand, then mirrored left for right."""
    picture = np.rot90(picture, -rotated // 90)
    return np.ascontiguousarray(picture[:, ::-1] if flipped else picture)


def compressed(picture: Pixels, quality: int = 50) -> Pixels:
    """Through JPEG and back, as a browser would see it."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


@pytest.mark.parametrize(("rotated", "flipped"), ORIENTATIONS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_picture_of_any_size_says_when_it_was_taken_and_which_way_up_it_is(width, height, rotated, flipped):
    picture = Scene().picture(3_723_004 * MS + 999_999, width, height, 70_001)

    seen = read(turned(picture, rotated, flipped))

    assert (seen.frame_number, seen.taken_ms) == (70_001, 3_723_004)
    assert (seen.rotated, seen.flipped) == (rotated, flipped)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(("rotated", "flipped"), ORIENTATIONS)
@pytest.mark.parametrize("taken_ms", [0, 1, 1_234_567, 2**40 - 1])
def test_a_strongly_compressed_picture_is_read_as_well(taken_ms, rotated, flipped):
    scene = Scene()
    picture = turned(scene.picture(taken_ms * MS, 320, 240, taken_ms % 999), rotated, flipped)

    seen = read(compressed(picture))

    assert seen[:4] == (taken_ms % 999, taken_ms, rotated, flipped)
    assert seen.target == pytest.approx(scene.target_at(taken_ms * MS), abs=0.01)


def test_a_flip_upside_down_is_half_a_turn_and_a_mirror():
    seen = read(Scene().picture(0, 320, 240, 0)[::-1])

    assert (seen.rotated, seen.flipped) == (180, True)


@pytest.mark.parametrize("taken_ns", range(0, 4 * S, S // 8))
def test_the_disc_is_where_the_scene_says(taken_ns):
    scene = Scene()
    x, y = scene.target_at(taken_ns)

    seen = read(scene.picture(taken_ns, 640, 480, 0))

    assert seen.target is not None
    assert seen.target[0] * 640 == pytest.approx(x * 640, abs=1)
    assert seen.target[1] * 480 == pytest.approx(y * 480, abs=1)


def test_the_disc_goes_round_in_four_seconds():
    scene = Scene()
    places = [scene.target_at(quarter * S) for quarter in range(5)]

    assert places[0] == places[4]
    assert places[0][0] > places[1][0] > places[2][0]
    assert places[1][1] > places[2][1] > places[3][1]


def test_the_disc_goes_where_it_is_sent():
    scene = Scene(path=lambda taken_ns: (taken_ns / S, 0.5))

    seen = read(scene.picture(S // 4, 640, 480, 0))

    assert seen.target == pytest.approx((0.25, 0.5), abs=0.002)


@pytest.mark.parametrize(
    "place", [(0.5, 0.1), (0.5, 0.8), (0.5, 0.9), (-0.2, 0.5), (1.1, 0.5), (-9.0, 9.0), (0.5, -9.0)]
)
def test_beside_the_stage_the_disc_is_hidden_and_hides_nothing(place):
    seen = read(Scene(path=lambda _: place).picture(5 * S, 320, 240, 8))

    assert seen[:5] == (8, 5000, 0, False, None)


@pytest.mark.parametrize("place", [(0.0, 0.5), (1.0, 0.5), (0.5, 0.25), (0.5, 0.68)])
def test_half_a_disc_is_seen_at_the_rim_of_the_stage(place):
    seen = read(Scene(path=lambda _: place).picture(0, 320, 240, 0))

    assert seen.target == pytest.approx(place, abs=0.04)


def test_the_mark_above_on_the_left_is_unlike_the_others():
    marks = Scene().picture(0, 320, 240, 0)[[7, 22, 217, 232]][:, [8, 24, 296, 312], 0] // 255

    assert marks.tolist() == [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]]


def test_swapped_colours_are_noticed():
    picture = Scene().picture(0, 320, 240, 0)

    with pytest.raises(UnreadableError, match="blue and red are swapped"):
        read(picture[:, :, ::-1])


def test_a_picture_without_colours_is_noticed():
    picture = Scene().picture(0, 320, 240, 0)
    grey = np.repeat(picture[:, :, 1:2], 3, axis=2)

    with pytest.raises(UnreadableError, match="other colours"):
        read(grey)
    with pytest.raises(UnreadableError, match="three colours"):
        read(picture[:, :, 0])


def test_the_bars_are_in_their_order():
    bars = Scene().picture(0, 700, 480, 0)[100, 50::100]

    assert bars.tolist() == [
        [191, 191, 191], [0, 191, 191], [191, 191, 0], [0, 191, 0], [191, 0, 191], [0, 0, 191], [191, 0, 0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "part", [np.s_[:, 40:], np.s_[:, :-40], np.s_[30:], np.s_[:-30], np.s_[60:180, 80:240], np.s_[30:-30, 40:-40]]
)
def test_a_picture_that_was_cut_is_noticed(part):
    picture = Scene().picture(0, 320, 240, 0)

    with pytest.raises(UnreadableError, match="no marks in the corners"):
        read(picture[part])


@pytest.mark.parametrize("row", range(11, 16))
@pytest.mark.parametrize("column", range(2, 18, 5))
def test_one_wrong_square_of_the_code_is_noticed(row, column):
    picture = Scene().picture(12345 * MS, 320, 240, 77)
    picture[row * 15 : row * 15 + 15, column * 16 : column * 16 + 16] ^= 255

    with pytest.raises(UnreadableError, match="do not agree"):
        read(picture)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_is_read_from_a_picture_of_nothing(level):
    with pytest.raises(UnreadableError):
        read(np.full((240, 320, 3), level, np.uint8))


def test_noise_is_not_read():
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)

    with pytest.raises(UnreadableError):
        read(noise)


def test_two_moments_and_two_frames_of_one_moment_differ():
    scene = Scene()
    picture = scene.picture(S, 320, 240, 1)

    assert not np.array_equal(picture, scene.picture(S + MS, 320, 240, 1))
    assert not np.array_equal(picture, scene.picture(S, 320, 240, 2))


def test_full_counters_begin_again():
    seen = read(Scene().picture((2**40 + 5) * MS, 320, 240, 2**24 + 3))

    assert seen[:2] == (3, 5)


@pytest.mark.parametrize("brightness", [0.1, 0.5, 1.0, 1.3])
def test_a_picture_shows_how_bright_it_was_made(brightness):
    seen = read(compressed(Scene().picture(7 * S, 320, 240, 9, brightness)))

    assert seen.brightness == pytest.approx(brightness, abs=0.03)
    assert seen[:4] == (9, 7000, 0, False)
    assert seen.target is not None


def test_a_dim_picture_is_dim_everywhere():
    scene = Scene()
    bright, dim = scene.picture(7 * S, 320, 240, 9), scene.picture(7 * S, 320, 240, 9, 0.5)

    assert np.abs(dim - bright / 2).max() <= 0.5


def test_an_overexposed_picture_says_its_time_yet_and_a_black_one_says_nothing():
    scene = Scene()

    assert read(scene.picture(7 * S, 320, 240, 9, 8.0)).taken_ms == 7000
    with pytest.raises(UnreadableError):
        read(scene.picture(7 * S, 320, 240, 9, 0.0))


def test_the_same_moment_is_the_same_picture_in_another_process():
    code = (
        "import hashlib; from pi_drivers.world.scene import Scene; "
        "print(hashlib.sha256(Scene().picture(123456789, 641, 480, 5, 0.9).tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    here = Scene().picture(123456789, 641, 480, 5, 0.9)
    assert done.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()


def test_a_picture_that_somebody_draws_on_leaves_the_next_one_alone():
    scene = Scene()
    untouched = scene.picture(0, 320, 240, 0).copy()
    scene.picture(0, 320, 240, 0)[:] = 99

    assert np.array_equal(scene.picture(0, 320, 240, 0), untouched)


@pytest.mark.parametrize(("width", "height"), [(63, 48), (64, 47)])
def test_a_size_that_nobody_could_read_is_refused(width, height):
    with pytest.raises(ValueError, match=f"the scene in {width}x{height} could not be read: take at least 64x48"):
        Scene().picture(0, width, height, 0)


def test_the_scene_can_be_imported_without_numpy():
    code = "import sys; sys.modules['numpy'] = None; import pi_drivers.world.scene"

    subprocess.run([sys.executable, "-c", code], check=True)
