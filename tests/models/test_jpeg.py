"""JPEGs as OpenCV writes them, and what becomes of them on the way from a webcam."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_drivers.models.camera.jpeg import BadJpegError, JpegFacts, examine, with_huffman_tables

WIDTH, HEIGHT = 64, 48
END = b"\xff\xd9"

CHOSEN = settings(max_examples=300, deadline=None, database=None, derandomize=True)


def picture(*shape: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def jpeg_of(image: Any, **options: int) -> bytes:
    numbers = [number for name, value in options.items() for number in (getattr(cv2, f"IMWRITE_JPEG_{name}"), value)]
    good, data = cv2.imencode(".jpg", image, numbers)
    assert good
    return data.tobytes()


FRAME = jpeg_of(picture(HEIGHT, WIDTH, 3))
RESTARTED = jpeg_of(picture(HEIGHT, WIDTH, 3), RST_INTERVAL=1)
FACTS = JpegFacts(WIDTH, HEIGHT, 3, len(FRAME))


def pixels_of(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def header_of(data: bytes) -> list[tuple[int, bytes]]:
    """The segments up to the picture's data, each with its marker, and all of the rest as the last one."""
    segments, at = [], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        segments.append((data[at + 1], data[at:end]))
        at = end
    return [*segments, (0xDA, data[at:])]


def without(data: bytes, unwanted: int) -> bytes:
    return data[:2] + b"".join(segment for marker, segment in header_of(data) if marker != unwanted)


def tables_of(data: bytes) -> bytes:
    return b"".join(segment[4:] for marker, segment in header_of(data) if marker == 0xC4)


def with_frame_header(data: bytes, at: int, *values: int) -> bytes:
    """With some bytes of its frame header changed, counted from its marker."""
    place = data.index(b"\xff\xc0") + at
    return data[:place] + bytes(values) + data[place + len(values) :]


def assert_bad(data: bytes, why: str) -> None:
    with pytest.raises(BadJpegError) as caught:
        examine(data)
    assert str(caught.value) == why


@pytest.mark.parametrize("options", [{}, {"QUALITY": 30}, {"PROGRESSIVE": 1}, {"OPTIMIZE": 1}, {"RST_INTERVAL": 1}])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 8), (641, 479), (1280, 720)])
def test_a_whole_jpeg_says_how_large_it_is_and_where_it_ends(width, height, options):
    data = jpeg_of(picture(height, width, 3), **options)
    assert examine(data) == JpegFacts(width, height, 3, len(data))


def test_a_grey_one_has_one_component():
    assert examine(jpeg_of(picture(HEIGHT, WIDTH))).components == 1


@pytest.mark.parametrize("rest", [b"\0", bytes(5000), b"\xff" * 9, b"left over", FRAME, FRAME[100:]])
def test_what_fills_the_camera_s_buffer_is_no_part_of_it(rest):
    assert examine(FRAME + rest) == FACTS


@pytest.mark.parametrize("data", [FRAME, RESTARTED, jpeg_of(picture(HEIGHT, WIDTH, 3), PROGRESSIVE=1)])
def test_one_that_lost_its_end_is_refused_wherever_it_was_cut(data):
    for length in range(2, len(data)):
        assert_bad(data[:length], "ends in the middle")


def test_one_that_lost_its_end_and_is_followed_by_zeros_is_refused():
    assert_bad(FRAME[:1500] + bytes(1500), "ends in the middle")


def test_two_that_ran_into_each_other_are_refused():
    assert_bad(FRAME[:1500] + FRAME, "has FF D8 at byte 1500, where it cannot be: a piece was lost")
    assert_bad(FRAME[:158] + FRAME, "has FF D8 at byte 158, where it cannot be: a piece was lost")


def test_one_whose_data_has_a_marker_that_cannot_be_there_is_refused():
    assert_bad(
        FRAME[:1500] + b"\xff\xe3" + FRAME[1502:], "has FF E3 at byte 1500, where it cannot be: a piece was lost"
    )


def test_one_that_lost_a_piece_from_one_restart_marker_to_another_is_refused():
    gap = slice(RESTARTED.index(b"\xff\xd2"), RESTARTED.index(b"\xff\xd4"))
    assert_bad(
        RESTARTED[: gap.start] + RESTARTED[gap.stop :],
        f"has FF D4 at byte {gap.start}, where FF D2 is due: a piece was lost",
    )


def test_restart_markers_begin_anew_after_the_eighth():
    assert RESTARTED.count(b"\xff\xd0") > 1
    assert examine(RESTARTED).length == len(RESTARTED)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (bytes(1000), "does not begin with FF D8"),
        (b"\xff", "does not begin with FF D8"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "does not begin with FF D8"),
        (b"\xff\xd8" + bytes(1000), "has something else at byte 2, where a marker belongs"),
        (b"\xff\xd8" + END, "has no picture in it"),
        (FRAME[: FRAME.index(b"\xff\xda")] + END, "has no picture in it"),
        (without(FRAME, 0xC0), "has no frame header"),
        (with_frame_header(FRAME, 0, 0xFF, 0xC9), "is of a kind that nobody decodes (FF C9)"),
        (with_frame_header(FRAME, 0, 0xFF, 0xC3), "is of a kind that nobody decodes (FF C3)"),
        (with_frame_header(FRAME, 2, 0, 1), "has a segment of a wrong length at byte 160"),
        (with_frame_header(FRAME, 4, 12), "has 12 bits per sample, where 8 are usual"),
        (with_frame_header(FRAME, 5, 0, 0), "is 64 pixels wide and 0 high, with 3 components"),
        (with_frame_header(FRAME, 7, 0, 0), "is 0 pixels wide and 48 high, with 3 components"),
        (with_frame_header(FRAME, 9, 4), "has a frame header of a wrong length"),
    ],
)  # fmt: skip
def test_why_it_is_none(data, why):
    assert_bad(data, why)


def test_stray_bytes_between_segments_are_skipped_as_decoders_do():
    (first, header), *rest = header_of(FRAME)
    assert first == 0xE0
    data = FRAME[:2] + header + b"\0\n\0" + b"\xff\xff" + b"".join(segment for _, segment in rest)
    assert examine(data) == FACTS._replace(length=len(FRAME) + 5)
    assert np.array_equal(pixels_of(data), pixels_of(FRAME))


def test_a_small_picture_within_the_header_is_not_taken_for_the_picture():
    preview = jpeg_of(picture(8, 8, 3))
    data = FRAME[:2] + b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview + FRAME[2:]
    assert examine(data) == FACTS._replace(length=len(data))


def test_a_frame_without_huffman_tables_gets_the_standard_ones():
    bare = without(FRAME, 0xC4)
    repaired = with_huffman_tables(bare)
    assert tables_of(bare) == b""
    assert tables_of(repaired) == tables_of(FRAME)
    assert without(repaired, 0xC4) == bare
    assert examine(repaired) == FACTS._replace(length=len(repaired))
    assert np.array_equal(pixels_of(repaired), pixels_of(FRAME))


def test_a_frame_that_has_huffman_tables_is_left_as_it_is():
    assert with_huffman_tables(FRAME) is FRAME
    own = jpeg_of(picture(HEIGHT, WIDTH, 3), OPTIMIZE=1)
    assert with_huffman_tables(own) is own


@CHOSEN
@given(st.binary(max_size=200))
def test_any_bytes_are_a_jpeg_or_refused(rest):
    assert_judged(rest)
    assert_judged(b"\xff\xd8" + rest)


@CHOSEN
@given(st.integers(0, len(FRAME)), st.integers(0, 400), st.binary(max_size=40), st.sampled_from([FRAME, RESTARTED]))
def test_a_jpeg_with_anything_in_place_of_a_piece_is_a_jpeg_or_refused(begin, length, instead, data):
    assert_judged(data[:begin] + instead + data[begin + length :])


def test_one_with_segments_without_end_is_refused():
    comment = b"\xff\xfe\x00\x02"

    assert examine(FRAME[:2] + comment * 100 + FRAME[2:])[:3] == FACTS[:3]
    with pytest.raises(BadJpegError, match="has more than 1000 segments"):
        examine(FRAME[:2] + comment * 1000 + FRAME[2:])


@CHOSEN
@given(
    st.lists(st.sampled_from([b"\xff", b"\0", b"\2", b"\x0b", *(bytes([0xFF, each]) for each in range(0xC0, 0xF0))]))
)
def test_any_markers_in_any_order_are_a_jpeg_or_refused(pieces):
    assert_judged(b"\xff\xd8" + b"".join(pieces))


def assert_judged(data: bytes) -> None:
    try:
        facts = examine(data)
    except BadJpegError:
        return
    assert data[: facts.length].endswith(END)
    assert examine(with_huffman_tables(data))[:3] == facts[:3]
