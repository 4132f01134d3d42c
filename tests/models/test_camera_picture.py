"""What becomes of a frame until a client has it: cut, turned, mirrored and encoded, or handed on byte for byte."""

import sys
from importlib.abc import MetaPathFinder
from itertools import product
from typing import Any

import cv2
import numpy as np
import pytest
from grpclib import Status

from pi_drivers.buses.video.contract import RawFrame
from pi_drivers.errors import MissingLibraryError
from pi_drivers.models.camera import picture as picture_module
from pi_drivers.models.camera.jpeg import HUFFMAN_TABLES
from pi_drivers.models.camera.picture import load_libraries, transcode
from pi_drivers.models.camera.webcam import WebcamConfig
from tests import scene_reader
from tests.models.conftest import Bench
from tests.models.webcams import (
    Film,
    image_of,
    only,
    pixels_of,
    plug_in,
    plug_in_plain,
    refusal_of,
    seen_by,
    webcam,
)

WIDTH, HEIGHT = 160, 120
FLIPS = ("none", "horizontal", "vertical", "both")
TURNS = list(product((0, 90, 180, 270), FLIPS))
CROP = {"x_px": 7, "y_px": 5, "width_px": 80, "height_px": 42}
LOSSLESS = {"format": "BGR3", "mime_type": "image/png"}
"""So that every pixel can be told."""
OTHER_FORMATS = ("YUYV", "UYVY", "NV12", "YU12", "BGR3", "RGB3")


def scene_of(bench: Bench, film: Film) -> Any:
    """What was in front of the camera when it took its last picture."""
    frame = film.sent[-1]
    return bench.world.scene.picture(frame.taken_ns, frame.width, frame.height, frame.sequence)


def transformed(picture: Any, rotate: int, flip: str, crop: dict[str, int] | None) -> Any:
    """By another way than the driver's."""
    if crop is not None:
        top, left = crop["y_px"], crop["x_px"]
        picture = picture[top : top + crop["height_px"], left : left + crop["width_px"]]
    picture = np.rot90(picture, -rotate // 90)
    if flip in {"horizontal", "both"}:
        picture = picture[:, ::-1]
    return picture[::-1] if flip in {"vertical", "both"} else picture


@pytest.mark.parametrize(("rotate", "flip"), TURNS)
async def test_every_way_to_turn_and_mirror_is_seen_in_the_picture(bench: Bench, rotate, flip):
    client = await webcam(bench, rotate=rotate, flip=flip)
    image = await image_of(client)
    seen = scene_reader.read(pixels_of(image))

    half_a_turn = 180 if flip in {"vertical", "both"} else 0
    assert seen.rotated == (rotate + half_a_turn) % 360
    assert seen.flipped == (flip in {"horizontal", "vertical"})
    assert (image.width, image.height) == ((120, 160) if rotate in {90, 270} else (160, 120))


@pytest.mark.parametrize(("rotate", "flip"), TURNS)
async def test_cut_then_turned_then_mirrored_to_the_pixel(bench: Bench, rotate, flip):
    film = Film(plug_in(bench))
    client = await webcam(bench, rotate=rotate, flip=flip, crop=CROP, **LOSSLESS)
    image = await image_of(client)

    assert np.array_equal(pixels_of(image), transformed(scene_of(bench, film), rotate, flip, CROP))
    assert (image.width, image.height) == ((42, 80) if rotate in {90, 270} else (80, 42))


async def test_a_cut_at_the_edge_of_the_picture_is_whole(bench: Bench):
    film = Film(plug_in(bench))
    crop = {"x_px": 158, "y_px": 0, "width_px": 2, "height_px": 120}
    client = await webcam(bench, crop=crop, **LOSSLESS)

    assert np.array_equal(pixels_of(await image_of(client)), transformed(scene_of(bench, film), 0, "none", crop))


async def test_a_picture_of_odd_size_is_delivered_with_an_even_one(bench: Bench):
    film = Film(plug_in_plain(bench, only("BGR3", 161, 121, 10.0)))
    client = await bench.client(await bench.make("webcam", "front", mime_type="image/png", rotate=90))
    image = await image_of(client)

    assert (image.width, image.height) == (120, 160)
    even = scene_of(bench, film)[:120, :160]
    assert np.array_equal(pixels_of(image), transformed(even, 90, "none", None))


async def test_a_jpeg_of_odd_size_is_made_anew_with_an_even_one(bench: Bench):
    plug_in_plain(bench, only("MJPG", 161, 121, 10.0))
    client = await bench.client(await bench.make("webcam", "front"))
    image = await image_of(client)

    assert (image.mime_type, image.width, image.height) == ("image/jpeg", 160, 120)
    assert pixels_of(image).shape == (120, 160, 3)
    assert (await client.get_status())["transcoded"] == 1


async def test_png_loses_nothing(bench: Bench):
    film = Film(plug_in(bench))
    image = await image_of(await webcam(bench, **LOSSLESS))

    assert (image.mime_type, image.data[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert np.array_equal(pixels_of(image), scene_of(bench, film))


async def test_raw_pictures_have_their_header_and_are_opaque(bench: Bench):
    film = Film(plug_in(bench))
    client = await webcam(bench, format="BGR3", mime_type="image/vnd.viam.rgba")
    image = await image_of(client)

    assert image.mime_type == "image/vnd.viam.rgba"
    assert image.data[:12] == b"RGBA" + (160).to_bytes(4, "big") + (120).to_bytes(4, "big")
    assert len(image.data) == 12 + 160 * 120 * 4
    assert set(image.data[15::4]) == {255}
    assert np.array_equal(pixels_of(image), scene_of(bench, film))


async def test_quality_is_a_matter_of_size_and_of_likeness(bench: Bench):
    film = Film(plug_in(bench))
    sizes, errors = [], []
    for quality in (5, 50, 100):
        camera = await bench.make(
            "webcam", "front", width_px=160, height_px=120, frame_rate=10, format="BGR3", jpeg_quality=quality
        )
        image = await image_of(await bench.client(camera))
        sizes.append(len(image.data))
        errors.append(np.abs(pixels_of(image).astype(int) - scene_of(bench, film)).mean())
        await camera.close()
        bench.server.resources.clear()
    assert sizes == sorted(set(sizes))
    assert errors == sorted(set(errors), reverse=True)


@pytest.mark.parametrize("pixel_format", OTHER_FORMATS)
async def test_whatever_form_a_picture_comes_in_it_is_the_same_picture(bench: Bench, pixel_format):
    film = Film(plug_in(bench))
    client = await webcam(bench, format=pixel_format, width_px=162, mime_type="image/png")
    image = await image_of(client)

    frame = film.sent[-1]
    assert frame.pixel_format == pixel_format
    assert frame.stride > {"YUYV": 2, "UYVY": 2, "NV12": 1, "YU12": 1, "BGR3": 3, "RGB3": 3}[pixel_format] * 162
    scene = scene_of(bench, film)
    off = np.abs(pixels_of(image).astype(int) - scene)
    # Two or four pixels share a colour in the forms with Y, U and V: it is off where two colours meet, and there only.
    assert np.median(off) <= 2
    assert off.mean() < 4
    seen, there = scene_reader.read(pixels_of(image)), scene_reader.read(scene)
    assert (seen.frame_number, seen.taken_ms) == (there.frame_number, there.taken_ms)
    assert seen.brightness == pytest.approx(there.brightness, abs=0.02)
    assert seen.target == pytest.approx(there.target, abs=0.02)


async def test_a_picture_without_colours_has_three_equal_ones(bench: Bench):
    film = Film(plug_in(bench))
    pixels = pixels_of(await image_of(await webcam(bench, format="GREY", width_px=162, mime_type="image/png")))

    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 1])
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 2])
    assert np.array_equal(pixels[:, :, 0], cv2.cvtColor(scene_of(bench, film), cv2.COLOR_BGR2GRAY))


async def test_bytes_behind_the_last_line_are_no_part_of_the_picture(bench: Bench):
    film = Film(plug_in(bench), lambda data: data + bytes(4096))
    client = await webcam(bench, **LOSSLESS)

    assert np.array_equal(pixels_of(await image_of(client)), scene_of(bench, film))


def without_tables(data: bytes) -> bytes:
    """The same JPEG as cameras send it who save themselves the Huffman tables."""
    at = 2
    kept = [data[:2]]
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] != 0xC4:
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])


async def test_what_fills_up_the_camera_s_buffer_is_cut_off(bench: Bench):
    rest_of_an_older_frame = b"\x00\x00\xff\xd9\xff\xd8\xff\xe0" + bytes(500)
    film = Film(plug_in(bench), lambda data: data + rest_of_an_older_frame)
    client = await webcam(bench)

    assert (await image_of(client)).data == film.sent[-1].data[: -len(rest_of_an_older_frame)]
    assert (await client.get_status())["unfit_frames"] == 0


async def test_missing_huffman_tables_are_put_in_and_all_else_is_left(bench: Bench):
    film = Film(plug_in(bench), without_tables)
    client = await webcam(bench)
    image = await image_of(client)

    assert b"\xff\xc4" not in film.sent[-1].data
    assert image.data.replace(HUFFMAN_TABLES, b"", 1) == film.sent[-1].data
    assert scene_reader.read(pixels_of(image)).taken_ms * 1_000_000 <= film.sent[-1].taken_ns
    assert (await client.get_status())["transcoded"] == 0


@pytest.mark.parametrize(
    "attributes",
    [{"rotate": 180}, {"flip": "vertical"}, {"crop": CROP}, {"mime_type": "image/png"}, {"format": "YUYV"}],
)
async def test_what_is_to_be_changed_is_not_passed_through(bench: Bench, attributes):
    film = Film(plug_in(bench))
    client = await webcam(bench, **attributes)
    image = await image_of(client)

    assert image.data != film.sent[-1].data
    assert (await client.get_status())["transcoded"] == 1


@pytest.mark.parametrize("step", ["transformed", "encoded"])
async def test_what_cannot_be_made_into_what_is_delivered_is_an_error_with_opencv_s_own_words(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step
):
    def fail(*_: Any) -> Any:
        cv2.imdecode(np.zeros(0, np.uint8), cv2.IMREAD_COLOR)

    with pytest.raises(cv2.error) as caught:
        fail()
    monkeypatch.setattr(picture_module, step, fail)
    status, message = await refusal_of(await webcam(bench, rotate=90, mime_type="image/png"))

    assert status is Status.DATA_LOSS
    assert f'camera "front": no image/png can be made of the newest frame: {caught.value.err}' in message
    assert "smaller pictures" in message


BROKEN = '^camera "front": a library that .* cannot be loaded. .* setup.sh again; .* --force-reinstall .* It says:'


class Broken(MetaPathFinder):
    """A library that is there and cannot be loaded."""

    def __init__(self, name: str, error: Exception) -> None:
        self._name = name
        self._error = error

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname == self._name:
            raise self._error


@pytest.mark.parametrize(
    "error",
    [
        ImportError("libturbojpeg.so.0: cannot open shared object file"),
        ValueError("numpy.dtype size changed, may indicate binary incompatibility. Expected 96, got 88"),
    ],
)
@pytest.mark.parametrize("library", ["cv2", "simplejpeg"])
def test_a_library_that_cannot_be_loaded_is_no_fault_of_the_picture(
    monkeypatch: pytest.MonkeyPatch, library: str, error: Exception
):
    frame = RawFrame(b"", "MJPG", 64, 48, 0, 0, 0)
    monkeypatch.delitem(sys.modules, library)
    monkeypatch.setattr(sys, "meta_path", [Broken(library, error), *sys.meta_path])
    with pytest.raises(MissingLibraryError, match=f"{BROKEN} {error}$"):
        transcode('camera "front"', frame, WebcamConfig(rotate=90))

    with pytest.raises(MissingLibraryError, match="cannot be loaded"):
        load_libraries('camera "front"')


async def test_who_builds_a_camera_is_told_that_a_library_is_broken_unless_it_needs_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(sys.modules, "simplejpeg", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken("simplejpeg", ImportError("no such file")), *sys.meta_path])
    with pytest.raises(MissingLibraryError, match=f"{BROKEN} no such file$"):
        await bench.make("webcam", "front", rotate=90)

    assert await image_of(await bench.client(await bench.make("webcam", "rear")))


def noted_upside_down(data: bytes) -> bytes:
    """The same JPEG with an Exif segment whose one entry is the orientation 3, half a turn."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0"
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]


async def test_an_orientation_noted_in_a_jpeg_does_not_turn_it_twice(bench: Bench):
    """A camera that is built in upside down may say so in its JPEGs; the config alone decides what is done."""
    Film(plug_in(bench), noted_upside_down)

    assert (await seen_by(await webcam(bench, rotate=90))).rotated == 90


def test_the_noted_orientation_is_one_that_decoders_obey():
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24] = 255
    _, data = cv2.imencode(".jpg", picture)
    decoded = cv2.imdecode(np.frombuffer(noted_upside_down(data.tobytes()), np.uint8), cv2.IMREAD_COLOR)

    assert decoded is not None
    assert decoded[:20].max() < 10
