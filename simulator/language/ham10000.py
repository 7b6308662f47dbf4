"""Counts in HAM10000, where a scenario does not say who comes.

Tschandl et al. 2018, doi:10.1038/sdata.2018.161. That site and sex do not depend on the diagnosis
is an assumption.
"""

from typing import Final

SEXES: Final = {"male": 5406, "female": 4552}
SITES: Final = {
    "back": 2192,
    "lower extremity": 2077,
    "trunk": 1404,
    "upper extremity": 1118,
    "abdomen": 1022,
    "face": 745,
    "chest": 407,
    "foot": 319,
    "neck": 168,
    "scalp": 128,
    "hand": 90,
    "ear": 56,
    "genital": 48,
    "acral": 7,
}
