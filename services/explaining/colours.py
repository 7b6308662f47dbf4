"""The colours of maps: dark blue for 0 to light yellow for 1.

The ramp is a straight line in CIELAB from blue to yellow: lightness rises evenly, and hue moves
along the axis that people without red or green receptors see as well. In print without colours,
lightness alone tells the values.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Lightness, green to red, blue to yellow (CIE 15): the ends are the darkest blue and the lightest
# yellow of this line that screens show without much clipping.
_FIRST: Final = (15.0, 8.0, -42.0)
_LAST: Final = (91.0, -5.0, 66.0)
_STEPS: Final = 256
# IEC 61966-2-1: XYZ under D65 to linear sRGB, and the white point.
_TO_SRGB: Final = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
_WHITE: Final = np.array([0.95047, 1.0, 1.08883])


@cache
def ramp() -> NDArray[np.uint8]:
    """Return the colours from 0 to 1, sRGB, shape (256, 3)."""
    share = np.linspace(0, 1, _STEPS)[:, None]
    lab = np.array(_FIRST) + share * (np.array(_LAST) - np.array(_FIRST))
    green_red = (lab[:, 0] + 16) / 116
    root = np.stack([green_red + lab[:, 1] / 500, green_red, green_red - lab[:, 2] / 200], axis=1)
    near_black = 3 * (6 / 29) ** 2 * (root - 4 / 29)
    xyz = _WHITE * np.where(root > 6 / 29, root**3, near_black)
    linear = np.einsum("cx,sx->sc", _TO_SRGB, xyz).clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    colours: NDArray[np.uint8] = (255 * encoded).round().astype(np.uint8)
    colours.flags.writeable = False  # shared by all who ask
    return colours


def coloured(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the colour of each value from 0 to 1, with one more dimension of 3.

    >>> coloured(np.array([0.0, 1.0]))[:, 2].tolist() == [ramp()[0, 2], ramp()[-1, 2]]
    True
    """
    place = (np.clip(values, 0, 1) * (_STEPS - 1)).round().astype(np.intp)
    found: NDArray[np.uint8] = ramp()[place]
    return found


def css_gradient() -> str:
    """Return the ramp from left to right, as CSS has it."""
    stops = ramp()[:: (_STEPS - 1) // 5]
    return f"linear-gradient(to right,{','.join(f'rgb({r},{g},{b})' for r, g, b in stops)})"
