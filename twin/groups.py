"""Groups of patients that figures are broken down by: one definition for twin and simulator."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

AGE_BANDS: Final = ("0-39", "40-59", "60-79", "80+")  # years; assumption: as registries often do
AGE_BAND_STARTS: Final = tuple(int(band.split("-")[0].rstrip("+")) for band in AGE_BANDS)
SKIN_TONES: Final[Mapping[str, tuple[str, ...]]] = {  # Fitzpatrick types
    "I-II": ("I", "II"),
    "III-IV": ("III", "IV"),
    "V-VI": ("V", "VI"),
}
GROUP_OF_TONE: Final = {tone: group for group, tones in SKIN_TONES.items() for tone in tones}


def age_band(age: int | None) -> str | None:
    """Return the band of an age in years; None where it is not known.

    >>> age_band(40), age_band(93), age_band(None)
    ('40-59', '80+', None)
    """
    return None if age is None else AGE_BANDS[max(0, bisect_right(AGE_BAND_STARTS, age) - 1)]
