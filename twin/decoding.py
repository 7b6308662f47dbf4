"""From encoded bytes to the pixels that the stem expects.

Bytes come from outside, so nothing about them is believed: the header is read and judged before
a pixel is decoded, whatever Pillow stumbles over becomes an `ImageError`, and reasons are our
own words, the same on every run, because they travel in events (law 5).
"""

import io
import struct
import threading
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from twin.errors import ImageError

EDGE_PX: Final = 224  # the paper's input size, Sampath et al. 2025, doi:10.3389/fcomp.2025.1646311
MIN_EDGE_PX: Final = 32  # assumption: a smaller picture, enlarged seven times, shows no structure
MAX_MEGAPIXELS: Final = 64  # assumption: above every dermatoscope camera; 256 MB once decoded

# First bytes of the formats that we read, and of those that people try. WebP and HEIF name
# themselves behind a length, hence the offsets.
_READ: Final = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("BMP", 0, b"BM"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("WEBP", 8, b"WEBP"),
)
_REFUSED: Final = (
    ("GIF", 0, b"GIF8"),
    ("PDF", 0, b"%PDF"),
    ("DICOM", 128, b"DICM"),
    ("HEIF or AVIF", 4, b"ftyp"),
    ("JPEG 2000", 0, b"\0\0\0\x0cjP  "),
    ("BigTIFF", 0, b"II+\0"),
    ("BigTIFF", 0, b"MM\0+"),
)

# Pillow warns about damaged metadata, and the warnings module can only be quietened for the whole
# process: two threads that do so at once may leave it quiet for good.
_QUIET: Final = threading.Lock()


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Return an image as uint8 RGB of shape (224, 224, 3); the same bytes give the same pixels.

    The first frame is taken, turned upright by its EXIF orientation, laid over white where it is
    transparent, scaled from 16 to 8 bits, and converted to RGB without colour management. An
    image of 224 × 224 is not resampled; of any other, the central square is, with an antialiased
    bicubic filter.

    Parameters:
        data: an encoded JPEG, PNG, BMP, TIFF or WebP.
        name: what to call the image in messages.

    Raises:
        ImageError: the bytes are empty, no image, another format, truncated, damaged, smaller
            than 32 px along an edge, or larger than 64 megapixels.

    >>> file = io.BytesIO()
    >>> Image.new("L", (400, 300), 128).save(file, "PNG")
    >>> decode(file.getvalue(), "grey.png")[0, 0].tolist()
    [128, 128, 128]
    """
    kind = _kind(data, name)
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                _check_size(image.size, name)
                upright = _upright(image)
                return _square(_rgb(upright, kind, name))
        except (ImageError, MemoryError):
            raise
        except Image.DecompressionBombError as cause:
            raise ImageError(name, _too_large()) from cause
        except Exception as cause:  # whatever hostile bytes make Pillow's parsers raise
            raise ImageError(name, f"truncated or damaged {kind}") from cause


def _kind(data: bytes, name: str) -> str:
    if not data:
        raise ImageError(name, "empty file")
    for kind, offset, magic in _READ:
        if data.startswith(magic, offset):
            return kind
    for kind, offset, magic in _REFUSED:
        if data.startswith(magic, offset):
            raise ImageError(name, f"{kind} is not supported: use JPEG, PNG, BMP, TIFF or WebP")
    raise ImageError(name, "not an image: neither JPEG, PNG, BMP, TIFF nor WebP")


def _too_large() -> str:
    return f"more than {MAX_MEGAPIXELS} megapixels"


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if min(size) < MIN_EDGE_PX:
        raise ImageError(name, f"{width} x {height} px: edges need at least {MIN_EDGE_PX} px")
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise ImageError(name, f"{width} x {height} px: {_too_large()}")


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, struct.error, ValueError, TypeError, KeyError, OSError):
        # EXIF 2.32, 4.6.4: without a (readable) orientation, rows run from the top.
        return image


def _rgb(image: Image.Image, kind: str, name: str) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and kind == "PNG"):
        # 65535 becomes 255; Pillow's own conversion would clip everything above 255.
        wide = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise ImageError(name, "32-bit samples are not supported: their range is not known")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _square(image: Image.Image) -> NDArray[np.uint8]:
    left, top = ((length - min(image.size)) / 2 for length in image.size)
    box = (left, top, left + min(image.size), top + min(image.size))
    return np.array(image.resize((EDGE_PX, EDGE_PX), Image.Resampling.BICUBIC, box=box))
