"""What the header of an uploaded image says, read without decoding a pixel.

Pillow is not asked: what it would do for some bytes is what has to be known before it does it.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
# What people try, by how it begins; text formats after white space and a byte order mark.
_OTHERS: Final = (
    ("GIF", 0, b"GIF8"),
    ("PDF", 0, b"%PDF"),
    ("ZIP", 0, b"PK\x03\x04"),
    ("DICOM", 128, b"DICM"),
    ("HEIF or AVIF", 4, b"ftyp"),
    ("WebP", 8, b"WEBP"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("BMP", 0, b"BM"),
)
_MARKUP: Final = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?:[!?/a-zA-Z])")
_SVG: Final = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_MARKUP_BYTES: Final = 1024
# The next marker after entropy-coded data: in it, 0xFF is followed by 0 or a restart marker.
_MARKER: Final = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_MOST_PARTS: Final = 5000  # chunks or segments; files have some dozens: assumption
# SOF0 to SOF15 but for DHT, JPG and DAC, which have numbers among them (T.81, table B.1).
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOS, _EOI, _APP2 = 0xDA, 0xD9, 0xE2


@dataclass(frozen=True, slots=True)
class Header:
    """What an image says of itself."""

    kind: str  # "PNG" or "JPEG"
    width_px: int
    height_px: int
    pictures: int  # frames of an animation, or pictures of a multi-picture file
    scans: int  # of a JPEG: a decoder goes over the whole picture for each


class NotReadError(Exception):
    """The bytes are of no format that is read. Argument: what they are, in words."""


class DamagedError(Exception):
    """The format is right and the header is not. Argument: the format."""


def header_of(data: bytes) -> Header:
    """Return what the header of a PNG or a JPEG says; of the first bytes, not of any name.

    Raises:
        NotReadError: the bytes are something else.
        DamagedError: there is no picture in them.
    """
    try:
        if data.startswith(_PNG):
            return _png(data)
        if data.startswith(_JPEG):
            return _jpeg(data)
    except (struct.error, IndexError) as cause:
        raise DamagedError("PNG" if data.startswith(_PNG) else "JPEG") from cause
    raise NotReadError(_words(data))


def _words(data: bytes) -> str:
    for kind, offset, magic in _OTHERS:
        if data.startswith(magic, offset):
            return kind
    if _MARKUP.match(data[:_MARKUP_BYTES]):
        return "SVG" if _SVG.search(data[:_MARKUP_BYTES]) else "HTML or XML"
    return "not an image"


def _png(data: bytes) -> Header:
    length, name, width, height = struct.unpack_from(">I4sII", data, len(_PNG))
    if name != b"IHDR" or length != 13:
        raise DamagedError("PNG")
    pictures, at = 1, len(_PNG)
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            break  # truncated: the size is judged first, and decoding says so
        length, name = struct.unpack_from(">I4s", data, at)
        if name in {b"IDAT", b"IEND"}:
            break
        if name == b"acTL":  # an animated PNG tells its frames before the first picture
            pictures = max(2, struct.unpack_from(">I", data, at + 8)[0])
        at += length + 12
    else:
        raise DamagedError("PNG")
    return Header("PNG", width, height, pictures, 1)


def _jpeg(data: bytes) -> Header:
    size, pictures, scans, at = None, 1, 0, 2
    for _ in range(_MOST_PARTS):
        if (found := _MARKER.search(data, at)) is None:
            break
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            break
        length = struct.unpack_from(">H", data, at)[0]
        if marker in _FRAMES and size is None:
            height, width = struct.unpack_from(">HH", data, at + 3)
            size = width, height
        elif marker == _SOS:
            scans += 1
        elif marker == _APP2 and data.startswith(b"MPF\0", at + 2):
            pictures = max(pictures, _pictures_of(data[at + 6 : at + length]))
        at += length
    else:
        raise DamagedError("JPEG")
    if size is None or not scans:
        raise DamagedError("JPEG")
    return Header("JPEG", *size, pictures, scans)


def _pictures_of(index: bytes) -> int:
    """Return how many pictures a multi-picture index names (CIPA DC-007, 5.2.3)."""
    order = "<" if index.startswith(b"II") else ">"
    at = struct.unpack_from(f"{order}I", index, 4)[0]
    for number in range(struct.unpack_from(f"{order}H", index, at)[0]):
        tag, _, _, value = struct.unpack_from(f"{order}HHII", index, at + 2 + 12 * number)
        if tag == 0xB001:
            return int(value)
    return 1
