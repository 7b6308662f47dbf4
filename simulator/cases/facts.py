"""What a cell of a manifest says about image and patient."""

import unicodedata
from collections.abc import Mapping
from typing import Final

from simulator.cases.bad_rows import RowError

LABELS: Final = {"benign": False, "malignant": True}
SPLITS: Final = ("train", "test")
_UNKNOWN: Final = frozenset({"", "unknown"})
_SEXES: Final = {"female": "female", "f": "female", "male": "male", "m": "male"}
_TONES: Final = (
    "I",
    "II",
    "III",
    "IV",
    "V",
    "VI",
)  # Fitzpatrick 1988, doi:10.1001/archderm.124.6.869
_HEX: Final = frozenset("0123456789abcdef")


def label_of(cell: str, names: Mapping[str, bool]) -> bool:
    """Return whether a label says malignant; `names` are folded."""
    label = unicodedata.normalize("NFC", cell).casefold()
    if label not in names:
        raise RowError(f"label {cell!r} is not {' or '.join(names)}; classes.csv may explain it")
    return names[label]


def split_of(cell: str) -> str | None:
    """Return a split, or None for an empty cell."""
    split = cell.lower() or None
    if split not in (None, *SPLITS):
        raise RowError(f"split {split!r} is not {' or '.join(SPLITS)}")
    return split


def sha256_of(cell: str) -> str:
    """Return a stated checksum, or "" if none is stated."""
    stated = cell.lower()
    if stated and (len(stated) != 64 or not set(stated) <= _HEX):
        raise RowError(f"sha256 {stated!r} is not 64 hexadecimal digits")
    return stated


def age_of(cell: str) -> int | None:
    """Return an age in years."""
    if cell.lower() in _UNKNOWN:
        return None
    try:
        age = float(cell)
    except ValueError:
        age = -1.0
    if not 0 <= age <= 130:
        raise RowError(f"age {cell!r} is no age in years")
    return int(age)


def sex_of(cell: str) -> str | None:
    """Return "female" or "male"."""
    sex = cell.lower()
    if sex not in _UNKNOWN and sex not in _SEXES:
        raise RowError(f"sex {sex!r} is not female or male")
    return _SEXES.get(sex)


def skin_tone_of(row: Mapping[str, str]) -> str | None:
    """Return a Fitzpatrick type, written as I to VI or as 1 to 6."""
    cell = row.get("fitzpatrick_skin_type") or row.get("skin_tone", "")
    if cell.lower() in _UNKNOWN:
        return None
    tone = cell.upper()
    if tone in _TONES:
        return tone
    if tone.isdecimal() and 1 <= int(tone) <= len(_TONES):
        return _TONES[int(tone) - 1]
    raise RowError(f"skin tone {cell!r} is no Fitzpatrick type I to VI")


def known(cell: str) -> str | None:
    """Return what a cell says, or None if it says nothing."""
    return None if cell.lower() in _UNKNOWN else cell
