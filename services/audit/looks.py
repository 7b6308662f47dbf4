"""One look at every image: what its file is like, what it shows at a glance, what is wrong."""

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from simulator.cases.checksums import Progress
from simulator.cases.datasets import LabelledImage
from simulator.cases.near_duplicates import EDGE_PX, thumbnail
from twin.decoding import decode
from twin.errors import ImageError

Value = float | str | None  # None is unknown

# These depend on what the picture shows as well: a rich one takes more bytes at one quality.
OF_CONTENT: Final = frozenset({"file size", "bits per pixel"})
_SAMPLINGS: Final = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}  # as Pillow numbers them
_FLAT: Final = 2.0  # standard deviation of grey values; assumption: a lesion has more
_BLACK: Final = 8  # grey value; assumption: skin is lighter
_BLACK_SHARE: Final = 0.5  # assumption: of an image that a round mask leaves less than half of
_AT_ONCE: Final = 32  # images decoded together: a few MB
_NOTHING: Final = np.zeros(EDGE_PX * EDGE_PX, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one image's file and pixels say."""

    facts: Mapping[str, Value] = field(default_factory=dict)  # of the file alone, by name
    thumbnail: NDArray[np.float32] = field(default_factory=lambda: _NOTHING)
    fault: str | None = None  # why it cannot be used
    oddity: str | None = None  # why it deserves a second look


def look_at_all(
    root: Path, images: Sequence[LabelledImage], on_progress: Progress, threads: int = 2
) -> list[Look]:
    """Return a look at each image in turn."""
    found: list[Look] = []
    with ThreadPoolExecutor(threads, thread_name_prefix="audit") as pool:
        for first in range(0, len(images), _AT_ONCE):
            chunk = images[first : first + _AT_ONCE]
            found += pool.map(lambda image: look_at(root, image.path), chunk)
            on_progress("images looked at", len(found), len(images))
    return found


def look_at(root: Path, path: str) -> Look:
    """Return a look at one image; an image that cannot be used gives a fault, not an error."""
    try:
        data = (root / path).read_bytes()
    except OSError as error:
        return Look(fault=f"{path}: {error.strerror}")
    try:
        pixels = decode(data, path)  # the judge of what can be read, so it comes first
        facts = file_facts(data)
    except ImageError as error:
        return Look(fault=str(error))
    return Look(facts=facts, thumbnail=thumbnail(pixels), oddity=_oddity(pixels, path))


def file_facts(data: bytes) -> dict[str, Value]:
    """Return what a file tells without a look at its pixels, by name.

    A classifier that did as well with these alone, but for `OF_CONTENT`, would have learned nothing
    of lesions.

    Raises:
        ImageError: it is no image.
    """
    try:
        image = Image.open(io.BytesIO(data))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError("file", f"is no image: {error}") from error
    width, height = image.size
    facts: dict[str, Value] = {
        "width": float(width),
        "height": float(height),
        "aspect ratio": width / height,
        "file size": float(len(data)),
        "bits per pixel": 8 * len(data) / (width * height),
        "file format": str(image.format),
        "colour mode": image.mode,
        "EXIF": "yes" if image.info.get("exif") else "no",
        "colour profile": "yes" if image.info.get("icc_profile") else "no",
    }
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        tables = image.quantization
        sampling = JpegImagePlugin.get_sampling(image)
        facts |= {
            # The mean step of the brightness table: the coarser, the larger.
            "JPEG quantisation": float(np.mean(tables[0])) if 0 in tables else None,
            "JPEG chroma subsampling": _SAMPLINGS.get(sampling, "other"),
            "JPEG tables": str(len(tables)),
            "JPEG progressive": "yes" if image.info.get("progressive") else "no",
            "JPEG density": str(image.info.get("dpi") or image.info.get("jfif_density")),
        }
    return facts


def _oddity(pixels: NDArray[np.uint8], path: str) -> str | None:
    grey = pixels.mean(axis=2)
    if grey.std() < _FLAT:
        return f"{path}: one colour all over"
    if (grey < _BLACK).mean() > _BLACK_SHARE:
        return f"{path}: more than half of it is black"
    if not np.ptp(pixels, axis=2).any():
        return f"{path}: has no colour"
    return None
