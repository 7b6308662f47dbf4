"""From what absorbs to light.

Skin is two absorbing layers, melanin over blood, that light passes on its way in and out. All is
a sum of absorbances until one exponential makes light of it:

    I_c = exp(-(a_0 + m_c M(x, y) + h_c B(x, y)) / gamma),    c in red, green, blue

(Beer and Lambert's law, as used for skin by Claridge et al. 2003,
doi:10.1016/S1361-8415(03)00033-1). What scatters above the pigment (veil, scar) or lies on the
skin (hair) is blended in afterwards.
"""

from functools import cache
from typing import Final

import numpy as np

from twin.dermoscopy.textures import EDGE_PX, Field

# Relative attenuation at 620, 550 and 460 nm. Melanin absorbs as wavelength^-3.33 (Jacques 2013,
# doi:10.1088/0031-9155/58/11/R37); blue light, scattered back from less deep, meets less of it:
# ^-2.7 is an assumption. Blood: 75 % oxygenated haemoglobin (Prahl 1999, tables).
_MELANIN: Final = (0.72, 1.0, 1.62)
_BLOOD: Final = (0.051, 1.0, 0.86)
_DERMIS: Final = 0.22  # absorbance of skin without melanin and blood
GAMMA: Final = 2.2  # of sRGB, IEC 61966-2-1
_STEPS_PER_UNIT: Final = 512  # of absorbance: finer than a grey level
_MOST_ABSORBANCE: Final = 16  # black


def light_of(melanin: Field, blood: Field) -> Field:
    """Return light that comes back, shape (3, 224, 224), from 0 to 1, with gamma applied."""
    light = np.empty((3, EDGE_PX, EDGE_PX), np.float32)
    scaled = np.empty_like(melanin)
    for channel, of_melanin, of_blood in zip(light, _MELANIN, _BLOOD, strict=True):
        np.multiply(melanin, of_melanin * _STEPS_PER_UNIT, out=scaled)
        np.multiply(blood, of_blood * _STEPS_PER_UNIT, out=channel)
        scaled += channel
        # The table's end is black: what absorbs more is as black.
        np.take(_decay(), scaled.astype(np.intp), out=channel, mode="clip")
    return light


def cover(light: Field, colour: tuple[float, float, float], share: Field) -> None:
    """Lay a colour over light (3, 224, 224), where and as much as `share` says."""
    for channel, level in enumerate(colour):
        change = level - light[channel]
        change *= share
        light[channel] += change


@cache
def _decay() -> Field:
    """Return the exponential of the file's first formula as a table over absorbance."""
    absorbance = np.arange(_MOST_ABSORBANCE * _STEPS_PER_UNIT) / _STEPS_PER_UNIT
    return np.exp(-(_DERMIS + absorbance) / GAMMA).astype(np.float32)
