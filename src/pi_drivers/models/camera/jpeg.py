"""What a JPEG is made of, as far as it can be told without decoding it.

A webcam's own JPEGs are handed on as they are. So somebody has to see whether they are whole: on a busy USB cable a
frame loses its end or a piece of its middle, and what is left may hang or break whoever decodes it. All markers are
looked at (ITU-T T.81, annex B); what lies between them is not. It takes well under a millisecond.
"""

import re
from collections.abc import Iterator
from itertools import cycle
from typing import NamedTuple

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
SOF0, SOF1, SOF2 = 0xC0, 0xC1, 0xC2
DHT, DQT, DRI, COM = 0xC4, 0xDB, 0xDD, 0xFE
APPLICATION = range(0xE0, 0xF0)

FRAMES = frozenset({SOF0, SOF1, SOF2})
"""Huffman-coded: baseline, extended and progressive."""
UNDECODED = frozenset(range(0xC3, 0xD0)) - {DHT} | {0xDE, 0xDF}
"""Lossless, hierarchical and arithmetic-coded frames, and what goes with them."""
BETWEEN_SCANS = frozenset({DHT, DQT, DRI, SOS, EOI})
IN_HEADER = BETWEEN_SCANS | FRAMES | {COM, *APPLICATION}

MOST_SEGMENTS = 1000
"""Cameras write about a dozen. Somebody who writes a hundred thousand keeps whoever looks at them busy."""
STRAY = 16
"""Bytes that may lie between two segments. Some webcams leave a few there, which every decoder skips."""
NEXT_MARKER = re.compile(rb"[^\xff]{0,%d}+\xff++([^\x00\xff])" % STRAY)
"""Any number of FF may stand before a marker."""
IN_SCAN = re.compile(rb"\xff([^\x00\xff])")
"""Within a picture's data FF 00 stands for the byte FF; before anything else FF begins a marker."""
RESTARTS = bytes(range(0xD0, 0xD8))
"""Markers within a picture's data, in this order over and over."""
LOST = "a piece was lost"

HUFFMAN_TABLES = bytes.fromhex(
    "FFC4 01A2"
    # Table K.3: luminance, DC.
    "00 00010501010101010100000000000000 000102030405060708090A0B"
    # Table K.5: luminance, AC.
    "10 0002010303020403050504040000017D"
    "01020300041105122131410613516107227114328191A1082342B1C11552D1F02433627282090A161718191A25262728292A3435363738393A"
    "434445464748494A535455565758595A636465666768696A737475767778797A838485868788898A92939495969798999AA2A3A4A5A6A7A8A9"
    "AAB2B3B4B5B6B7B8B9BAC2C3C4C5C6C7C8C9CAD2D3D4D5D6D7D8D9DAE1E2E3E4E5E6E7E8E9EAF1F2F3F4F5F6F7F8F9FA"
    # Table K.4: chrominance, DC.
    "01 00030101010101010101010000000000 000102030405060708090A0B"
    # Table K.6: chrominance, AC.
    "11 00020102040403040705040400010277"
    "0001020311040521310612415107617113223281081442"
    "91A1B1C109233352F0156272D10A162434E125F11718191A262728292A353637"
    "38393A434445464748494A535455565758595A636465666768696A737475767778797A82838485868788898A92939495969798999AA2A3A4A5"
    "A6A7A8A9AAB2B3B4B5B6B7B8B9BAC2C3C4C5C6C7C8C9CAD2D3D4D5D6D7D8D9DAE2E3E4E5E6E7E8E9EAF2F3F4F5F6F7F8F9FA"
)  # fmt: skip
"""One DHT segment with the typical tables of ITU-T T.81, annex K.3, which a frame without any is to be read with."""


class BadJpegError(ValueError):
    """These bytes are no whole JPEG. The message goes after "the frame": "ends in the middle"."""


class JpegFacts(NamedTuple):
    """What the markers say."""

    width: int
    height: int
    """Pixels."""
    components: int
    """1 when it is grey, 3 when it has colours."""
    length: int
    """Bytes up to its end. Cameras fill up their buffers with zeros or with the rest of an earlier frame."""


class _Segment(NamedTuple):
    marker: int
    begin: int
    """Where its length stands, behind the two bytes of the marker."""
    end: int


def examine(data: bytes) -> JpegFacts:
    """Whether this is a whole JPEG, and what is in it. Any thread.

    Raises:
        BadJpegError: it is not.
    """
    frame = b""
    has_scan = False
    end = 0
    for segment in _segments(data):
        if segment.marker in FRAMES:
            if frame:
                raise BadJpegError("has two frame headers")
            frame = data[segment.begin + 2 : segment.end]
        elif segment.marker == SOS:
            if not frame:
                raise BadJpegError("has no frame header")
            has_scan = True
        end = segment.end
    if not has_scan:
        raise BadJpegError("has no picture in it")
    return _facts(frame, end)


def with_huffman_tables(data: bytes) -> bytes:
    """The same JPEG, with the standard Huffman tables put in if it has none. Any thread.

    Webcams leave them out, as is the habit in AVI files; some browsers and Go's decoder refuse such frames.

    Args:
        data: begins with a whole JPEG, as `examine` says.

    Raises:
        BadJpegError: it does not.
    """
    for segment in _segments(data):
        if segment.marker == DHT:
            return data
        if segment.marker == SOS:
            at = segment.begin - 2
            return b"".join((data[:at], HUFFMAN_TABLES, data[at:]))
    return data


def without_strays(data: bytes) -> bytes:
    """The same JPEG without what lies between the segments of its header, which some decoders do not bear. Any thread.

    Args:
        data: begins with a whole JPEG, as `examine` says.
    """
    header = [data[:2]]
    for segment in _segments(data):
        header.append(bytes((0xFF, segment.marker)) + data[segment.begin : segment.end])
        if segment.marker == SOS:
            return b"".join((*header, data[segment.end :]))
    return data


def _facts(frame: bytes, length: int) -> JpegFacts:
    """What a frame header says (T.81, B.2.2)."""
    if len(frame) < 6 or len(frame) != 6 + 3 * frame[5]:
        raise BadJpegError("has a frame header of a wrong length")
    if frame[0] != 8:
        raise BadJpegError(f"has {frame[0]} bits per sample, where 8 are usual")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if not (height and width and frame[5]):
        raise BadJpegError(f"is {width} pixels wide and {height} high, with {frame[5]} components")
    return JpegFacts(width, height, frame[5], length)


def _segments(data: bytes) -> Iterator[_Segment]:
    """All segments, in order, the last of them the end of the image."""
    if not data:
        raise BadJpegError("is empty")
    if data[:2] != bytes((0xFF, SOI)):
        raise BadJpegError("does not begin with FF D8")
    at, allowed = 2, IN_HEADER
    for _ in range(MOST_SEGMENTS):
        marker, begin = _marker_at(data, at, allowed)
        at = begin if marker == EOI else _end_of_segment(data, begin)
        yield _Segment(marker, begin, at)
        if marker == EOI:
            return
        if marker == SOS:
            at, allowed = _end_of_scan(data, at), BETWEEN_SCANS
    raise BadJpegError(f"has more than {MOST_SEGMENTS} segments")


def _marker_at(data: bytes, at: int, allowed: frozenset[int]) -> tuple[int, int]:
    """The next marker, and where it ends."""
    found = NEXT_MARKER.match(data, at)
    if found is None:
        if len(data) - at < STRAY + 2:
            raise BadJpegError("ends in the middle")
        raise BadJpegError(f"has something else at byte {at}, where a marker belongs")
    marker = found[1][0]
    if marker in allowed:
        return marker, found.end()
    if marker in UNDECODED and allowed is IN_HEADER:
        raise BadJpegError(f"is of a kind that nobody decodes (FF {marker:02X})")
    raise BadJpegError(f"has FF {marker:02X} at byte {found.start(1) - 1}, where it cannot be: {LOST}")


def _end_of_segment(data: bytes, begin: int) -> int:
    """Where the segment ends whose length stands at `begin`; something has to follow."""
    end = begin + int.from_bytes(data[begin : begin + 2], "big")
    if end >= len(data) or begin + 2 > len(data):
        raise BadJpegError("ends in the middle")
    if end < begin + 2:
        raise BadJpegError(f"has a segment of a wrong length at byte {begin}")
    return end


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the first marker after the picture's data stands. Restart markers are numbered, so a gap shows."""
    for found, due in zip(IN_SCAN.finditer(data, at), cycle(RESTARTS), strict=False):
        marker = found[1][0]
        if marker not in RESTARTS:
            return found.start()
        if marker != due:
            raise BadJpegError(f"has FF {marker:02X} at byte {found.start()}, where FF {due:02X} is due: {LOST}")
    raise BadJpegError("ends in the middle")
