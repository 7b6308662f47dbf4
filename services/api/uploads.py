"""What is asked of an uploaded image before anything is stored, and how it is refused."""

import asyncio
from typing import Final

from services.api.image_headers import DamagedError, Header, NotReadError, header_of
from services.api.problems import ProblemError
from twin.decoding import MIN_EDGE_PX, decode
from twin.errors import ImageError

MAX_BYTES: Final = 10_000_000  # assumption: three times what a dermatoscope's camera writes
MAX_MEGAPIXELS: Final = 40  # assumption: below the twin's own limit, which is for files at hand
# A progressive JPEG of a few megabytes can make a decoder go over 40 megapixels a hundred thousand
# times; encoders write about ten scans: assumption.
MAX_SCANS: Final = 100
_AT_ONCE: Final = 1  # `twin.decoding` decodes one at a time in a process
_MOST_WAITING: Final = 16  # assumption: some seconds of work
_RETRY_AFTER_S: Final = 2


class UploadCheck:
    """Judges uploads; decodes few at once, and refuses to let many wait."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def ensure(self, data: bytes) -> None:
        """Let an image pass only if the twin can read it.

        Raises:
            ProblemError: 413 too many bytes, 415 another format, 422 a picture that the twin
                cannot score, 503 too many are being judged.
        """
        if self._waiting >= _MOST_WAITING:
            detail = "too many images are being judged: send it again later"
            raise ProblemError(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})
        self._waiting += 1
        try:
            async with self._turn:
                await asyncio.to_thread(_ensure, data)
        finally:
            self._waiting -= 1


def ensure_header(data: bytes) -> Header:
    """Judge an image by its size and its header; return what that says.

    Raises:
        ProblemError: 413, 415 or 422.
    """
    if len(data) > MAX_BYTES:
        raise too_large()
    if not data:
        raise ProblemError(422, "the image is empty")
    try:
        header = header_of(data)
    except NotReadError as cause:
        detail = f"the image is {cause}: send a PNG or a JPEG"
        detail = detail.replace("the image is not an image", "this is no image")
        raise ProblemError(415, detail, headers={"Accept": "image/png, image/jpeg"}) from cause
    except DamagedError as cause:
        raise ProblemError(422, f"truncated or damaged {cause}") from cause
    size = f"{header.width_px} x {header.height_px} px"
    if header.width_px * header.height_px > MAX_MEGAPIXELS * 1_000_000:
        raise ProblemError(422, f"{size}: more than {MAX_MEGAPIXELS} megapixels")
    if min(header.width_px, header.height_px) < MIN_EDGE_PX:
        raise ProblemError(422, f"{size}: edges need at least {MIN_EDGE_PX} px")
    if header.pictures > 1:
        raise ProblemError(422, "the file holds more than one picture: send the one that counts")
    if header.scans > MAX_SCANS:
        raise ProblemError(422, f"a JPEG of more than {MAX_SCANS} scans")
    return header


def _ensure(data: bytes) -> None:
    ensure_header(data)
    ensure_decodes(data)


def ensure_decodes(data: bytes) -> None:
    """Decode an image as the twin will.

    Raises:
        ProblemError: 422, in the twin's words.
    """
    try:
        decode(data, "upload")
    except ImageError as cause:
        raise ProblemError(422, str(cause.args[1])) from cause
    except MemoryError as cause:
        detail = "no memory to judge this image now"
        raise ProblemError(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)}) from cause


def too_large() -> ProblemError:
    """Return what to raise of an upload with too many bytes."""
    return ProblemError(413, f"the image has more than {MAX_BYTES // 1_000_000} MB")
