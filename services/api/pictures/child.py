"""The process that renders and decodes: `python -m services.api.pictures.child`.

It is told its settings first, then one picture after another, and ends with its input: a server
that was killed leaves none behind. It imports neither TensorFlow nor a server.
"""

import contextlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter

from services.api.pictures.frames import receive, send
from services.api.pictures.wanted import PNG, WEBP, Picture
from services.explaining.overlay import beside_scale, coloured_map, overlay, picture
from services.image_store import FileReader, ImageStore, RedisBlobs
from twin.decoding import EDGE_PX
from twin.errors import DependencyError, ImageError
from twin.explain.maps import Map
from twin.images import ImageRef
from twin.imaging import Imaging

_NICE: Final = 5  # pictures wait for scoring, not the other way round: assumption
_QUALITY: Final = 82  # of a small picture, 2 kB each: assumption; the large one is exact


class NotThereError(ImageError):
    """There are no such bytes, or no longer; nothing is said of what they would show."""


class Stores:
    """Reads as `ImageStore` does, and says apart that nothing is there."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def read(self, ref: ImageRef) -> bytes:
        """Return the encoded image.

        Raises:
            NotThereError: it cannot be had.
            DependencyError: the store did not answer.
        """
        try:
            return self._store.read(ref)
        except ImageError as error:
            raise NotThereError(*error.args) from error


def main(inward: IO[bytes], outward: IO[bytes]) -> None:
    """Answer until the input ends."""
    first = receive(inward)
    if first is None:
        return
    told = first[0]
    data, redis = told.get("data"), told.get("redis")
    store = ImageStore(
        files=FileReader(Path(data)) if data else None,
        blobs=RedisBlobs(redis, told["prefix"]) if redis else None,
    )
    imaging = Imaging(Stores(store))
    refs: TypeAdapter[ImageRef] = TypeAdapter(ImageRef)
    send(outward, {"status": "ready"})
    while (asked := receive(inward)) is not None:
        head, body = asked
        try:
            made = made_of(imaging, refs.validate_json(head["image"]), head, body)
        except NotThereError as error:
            send(outward, {"status": "gone", "reason": str(error)})
        except DependencyError as error:
            send(outward, {"status": "away", "reason": str(error)})
        except ImageError as error:
            send(outward, {"status": "unreadable", "reason": str(error)})
        except MemoryError:
            send(outward, {"status": "unreadable", "reason": "takes more memory than there is"})
        except Exception as error:  # noqa: BLE001  one picture's fault must not be that of all
            reason = f"cannot be drawn ({type(error).__name__})"
            send(outward, {"status": "unreadable", "reason": reason})
        else:
            send(outward, {"status": "made", "media_type": made.media_type}, made.content)


def made_of(imaging: Imaging, ref: ImageRef, head: dict[str, Any], body: bytes) -> Picture:
    """Return the picture that a message asks for.

    Raises:
        ImageError: the image cannot be had or read.
        DependencyError: the store of images did not answer.
    """
    if head["look"] == "seen":
        return _seen(imaging.pixels(ref), head["edge_px"])
    found = Map(
        method=head["method"],
        values=np.load(io.BytesIO(body), allow_pickle=False),
        low=head["low"],
        high=head["high"],
        fidelity=None,
        model_id="",
    )
    drawn = overlay(imaging.pixels(ref), found) if head["overlay"] else coloured_map(found)
    shown = beside_scale(drawn, found, head["unit"]) if head["scale"] else picture(drawn)
    return Picture(shown, PNG)


def _seen(pixels: NDArray[np.uint8], edge_px: int) -> Picture:
    file, image = io.BytesIO(), Image.fromarray(pixels)
    if edge_px == EDGE_PX:
        # Exact as a PNG is, a fifth smaller, and encoded in 3 ms instead of 20.
        image.save(file, "WEBP", lossless=True, method=0)
    else:
        small = image.resize((edge_px, edge_px), Image.Resampling.LANCZOS)
        small.save(file, "WEBP", quality=_QUALITY)
    return Picture(file.getvalue(), WEBP)


if __name__ == "__main__":
    # Ctrl-C goes to all processes of a terminal; the server's end is this one's, too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):  # Windows has none; some boxes refuse it
        os.nice(_NICE)
    with contextlib.suppress(BrokenPipeError):
        main(sys.stdin.buffer, sys.stdout.buffer)
