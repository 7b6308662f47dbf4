"""Pixels and scores of a gallery's images."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twin.errors import ImageError
from twin.images import ImageRef
from twin.imaging import Imaging
from twin.ports import Answer, Stack, Unscorable

_BATCH: Final = 64
# Hardly to be told from the pixels, at a fifth of a PNG's size: assumption, looked at.
JPEG_QUALITY: Final = 90

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One image as the page shows it."""

    jpeg: bytes | None  # None where there are no pixels
    answer: Answer | None  # None without a model

    @property
    def source(self) -> str | None:
        """The picture as a data URI."""
        if self.jpeg is None:
            return None
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()


def looks_of(
    refs: Sequence[ImageRef], imaging: Imaging, stack: Stack | None, on_progress: OnProgress
) -> Mapping[ImageRef, Look]:
    """Return picture and score of each image.

    An image that cannot be read has no picture, and an answer that says why.

    Raises:
        DependencyError: the file system or the stack did not answer.
    """
    answers: dict[ImageRef, Answer] = {}
    for first in range(0, len(refs) if stack else 0, _BATCH):
        assert stack is not None
        chunk = refs[first : first + _BATCH]
        answers |= zip(chunk, stack.submit(chunk).collect(), strict=True)
        on_progress("scores", first + len(chunk), len(refs))
    found: dict[ImageRef, Look] = {}
    for place, ref in enumerate(refs):
        try:
            found[ref] = Look(jpeg=_jpeg(imaging.pixels(ref)), answer=answers.get(ref))
        except ImageError as error:
            found[ref] = Look(jpeg=None, answer=Unscorable(reason=str(error)))
        on_progress("pictures", place + 1, len(refs))
    return found


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    # Without subsampling: fine coloured structures are what is looked at.
    Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return file.getvalue()
