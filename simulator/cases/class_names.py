"""What the two classes are called: benign and malignant, and whatever `classes.csv` adds.

    name,label
    benigno,benign
    maligno,malignant

Capitals do not matter. A name that nobody explained is never guessed: a wrong guess would turn
every figure around.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from simulator.cases.bad_rows import BadRows, complain
from simulator.cases.csv_rows import csv_rows
from simulator.cases.facts import LABELS
from twin.errors import DataError

CLASSES: Final = "classes.csv"
_COLUMNS: Final = ("name", "label")
# For the suggestion in a message alone.
_BENIGN_WORDS: Final = "benigno benigna benigni gutartig bénin goedaardig nevo nevi nevus naevus nv"
_MALIGNANT_WORDS: Final = "maligno maligna bösartig malin kwaadaardig melanoma melanom mélanome mel"
_HINTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_BENIGN_WORDS.split(), "benign"),
    **dict.fromkeys(_MALIGNANT_WORDS.split(), "malignant"),
}


def folded(name: str) -> str:
    """Return a name as names are compared: one way of writing accents, no capitals.

    >>> folded("BÖSARTIG") == folded("bo\\u0308sartig")
    True
    """
    return unicodedata.normalize("NFC", name.strip()).casefold()


def class_names(root: Path) -> dict[str, bool]:
    """Return what each class name of a directory means, True for malignant; names are folded.

    Raises:
        DataError: `classes.csv` is no such table, or a label in it is neither.
    """
    names = dict(LABELS)
    table = root / CLASSES
    if not table.is_file():
        return names
    bad = BadRows([])
    for line, row in csv_rows(table, _COLUMNS, bad):
        label = row["label"].lower()
        if label not in LABELS or not row["name"]:
            reason = f"name {row['name']!r}, label {row['label']!r}: a label is "
            bad.add(table, line, row["name"], reason + " or ".join(LABELS))
        elif names.setdefault(folded(row["name"]), LABELS[label]) != LABELS[label]:
            bad.add(table, line, row["name"], f"{row['name']!r} is said to be both classes")
    complain(bad.found)
    return names


def unknown_classes(
    top: Path, root: Path, found: Iterable[str], names: Mapping[str, bool]
) -> DataError:
    """Return the error for folders whose names say no class, with what to write where.

    Parameters:
        top: directory that holds the folders.
        root: the data directory.
        found: names of the folders that hold images.
        names: known class names.
    """
    listed = sorted(found)
    known = [name for name in listed if folded(name) in names]
    unknown = [name for name in listed if folded(name) not in names]
    rows = "".join(f"\n    {name},{_HINTS.get(folded(name), '?')}" for name in unknown)
    other = f" beside {', '.join(known)}" if known else ""
    return DataError(
        top,
        f"the class folders {', '.join(unknown)}{other} are not named benign or malignant, and "
        f"nothing is guessed. Write {root / CLASSES} to say what they are (check each row):"
        f"\n    name,label{rows}",
    )
