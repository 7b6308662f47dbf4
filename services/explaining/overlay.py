"""A map laid over its image, with a scale bar, as PNG."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.explaining.colours import coloured
from twin.explain.maps import Map, Pixels

# Share of the map's colour; the rest is the image in grey, so that its own colours mislead nobody.
_OVER: Final = 0.6
_LIGHTEST: Final = 0.99  # quantile of a map's values from which on all are drawn alike
_BAR_PX: Final = 14
_GAP_PX: Final = 8
_WORDS_PX: Final = 62  # room for numbers beside the bar
_GREY: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma


def top_of(found: Map) -> float:
    """Return the value, from 0 to 1, that has the lightest colour; all above it have it, too.

    Gradients of a few pixels can be a hundred times those of all others, which would then look
    alike.
    """
    top = float(np.quantile(found.values, _LIGHTEST))
    return top if top > 0 else 1.0


def ends_of(found: Map) -> tuple[str, str]:
    """Return what stands at the ends of a map's scale: raw values."""
    top = top_of(found)
    shown = number(found.low + top * (found.high - found.low))
    spread = found.high - found.low
    low = number(found.low) if abs(found.low) > spread / 1000 else "0"
    return low, shown if top == 1 else f"≥ {shown}"


def overlay(pixels: Pixels, found: Map) -> Pixels:
    """Return a map's colours over the image in grey, shape (224, 224, 3)."""
    grey = (pixels @ np.array(_GREY))[..., None]
    mixed = (1 - _OVER) * grey + _OVER * coloured(found.values / top_of(found))
    over: Pixels = mixed.round().clip(0, 255).astype(np.uint8)
    return over


def coloured_map(found: Map) -> Pixels:
    """Return a map's colours alone, shape (224, 224, 3)."""
    return coloured(found.values / top_of(found))


def with_scale(pixels: Pixels, found: Map, unit: str) -> bytes:
    """Return the overlay beside a scale bar with the raw values at its ends, PNG.

    Parameters:
        unit: of raw values.
    """
    return beside_scale(overlay(pixels, found), found, unit)


def beside_scale(drawn: Pixels, found: Map, unit: str) -> bytes:
    """Return a picture of a map beside its scale bar, PNG; parameters as above."""
    from PIL import Image, ImageDraw

    height, width, _ = drawn.shape
    whole = Image.new("RGB", (width + 2 * _GAP_PX + _BAR_PX + _WORDS_PX, height + 20), "white")
    whole.paste(Image.fromarray(drawn), (0, 0))
    levels = np.linspace(1, 0, height)[:, None].repeat(_BAR_PX, axis=1)
    whole.paste(Image.fromarray(coloured(levels)), (width + _GAP_PX, 0))
    draw = ImageDraw.Draw(whole)
    left = width + 2 * _GAP_PX + _BAR_PX
    low, high = ends_of(found)
    draw.text((left, 0), high.replace("≥", ">="), fill="black")  # Pillow's font has no such sign
    draw.text((left, height - 12), low, fill="black")
    draw.text((2, height + 4), f"{found.method}, {unit}", fill="black")
    return _png(whole)


def picture(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels as PNG."""
    from PIL import Image

    return _png(Image.fromarray(pixels))


def number(value: float) -> str:
    """Return a value with three digits that count.

    >>> number(0.0123456), number(-2.0), number(0.0)
    ('0.0123', '-2', '0')
    """
    return f"{value:.3g}"


def _png(image: object) -> bytes:
    from PIL import Image

    assert isinstance(image, Image.Image)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
