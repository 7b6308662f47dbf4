"""What pictures there are to have, and what tells one from another."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from twin.images import ImageRef

SIZES: Final = (96, 224)  # px: one for lists; the other is what the stem sees
# Raise it when a picture of the same reference comes to look another way: browsers ask whether
# theirs is still the one.
_LOOKS: Final = 1
PNG: Final = "image/png"
WEBP: Final = "image/webp"


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture that somebody asks for.

    Parameters:
        key: tells it from all others; strong, because pixels are a function of the reference.
        head: what the process that renders is told.
        body: and the array of a map, if there is one.
    """

    key: str
    head: dict[str, Any]
    body: bytes = b""


class PictureFault(Exception):  # noqa: N818  it is the picture that has one
    """Why a picture cannot be had.

    Parameters:
        kind: "gone": there are no such bytes (any more). "unreadable": there are, but nothing
            can be made of them. "away": a store, or the process that renders, did not answer.
            "busy": too many wait.
        reason: in words.
    """

    def __init__(self, kind: Literal["gone", "unreadable", "away", "busy"], reason: str) -> None:
        super().__init__(kind, reason)
        self.kind = kind
        self.reason = reason


def image_json(ref: ImageRef) -> str:
    """Return a reference as canonical JSON."""
    return json.dumps(asdict(ref), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(*parts: str) -> str:
    """Return what names something made of these: 40 hex digits.

    >>> digest_of("a", "b") == digest_of("ab")
    False
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def seen(ref: ImageRef, edge_px: int) -> Wanted:
    """Return the wish for what the twin saw.

    Parameters:
        edge_px: one of `SIZES`.
    """
    image = image_json(ref)
    key = digest_of("seen", str(_LOOKS), image, str(edge_px))
    return Wanted(key, {"look": "seen", "image": image, "edge_px": edge_px})


def map_key(explanation: str, *, overlay: bool, scale: bool) -> str:
    """Return what tells a picture of a map from others.

    Parameters:
        explanation: key of the explanation.
    """
    return digest_of("map", str(_LOOKS), explanation, str(overlay), str(scale))


def drawn_map(
    key: str,
    ref: ImageRef,
    values: bytes,
    *,
    method: str,
    low: float,
    high: float,
    unit: str,
    overlay: bool,
    scale: bool,
) -> Wanted:
    """Return the wish for a map in colours.

    Parameters:
        key: of `map_key`.
        values: the map's, from 0 to 1, as the bytes of an .npy file.
        low: raw value that 0 stands for.
        high: raw value that 1 stands for.
        overlay: over the image in grey; else the colours alone.
        scale: with a bar that says which colour is which value.
    """
    head = {"look": "map", "image": image_json(ref), "method": method, "low": low, "high": high}
    return Wanted(key, head | {"unit": unit, "overlay": overlay, "scale": scale}, values)
