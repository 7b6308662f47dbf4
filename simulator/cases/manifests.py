"""Tables beside the images: our manifest, HAM10000's metadata, and the ISIC archive's metadata."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.cases import facts
from simulator.cases.bad_rows import BadRows, RowError, Unlabelled
from simulator.cases.csv_rows import csv_rows
from simulator.cases.diagnoses import (
    DIAGNOSES,
    HAM10000,
    diagnosis_of,
    isic_diagnosis_of,
    isic_label_of,
    why_no_label,
)
from simulator.cases.labelled_image import LabelledImage

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that could be read; an empty sha256 was not stated."""

    line: int
    image: LabelledImage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    columns: tuple[str, ...]  # the first one names the image
    places: tuple[str, ...]  # where the image may be, with {} for its name
    # Malignant and diagnosis, of a row and what class names mean.
    truth: Callable[[Row, Mapping[str, bool]], tuple[bool, str | None]]
    ids: tuple[str, ...] = ()  # columns that no two rows share
    age: str = "age"
    sites: tuple[str, ...] = ("localization", "site")
    sources: tuple[str, ...] = ("source", "match_set", "attribution")
    isic_ids: tuple[str, ...] = ("isic_id", "matched_isic_id")
    all_from: str | None = None  # the one source of all images


def _ours(row: Row, names: Mapping[str, bool]) -> tuple[bool, str | None]:
    word = facts.known(row.get("dx", ""))
    return facts.label_of(row["label"], names), diagnosis_of(word or "")


def _ham10000(row: Row, _: Mapping[str, bool]) -> tuple[bool, str | None]:
    if row["dx"].lower() not in HAM10000:
        raise RowError(f"dx {row['dx']!r} is none of {', '.join(HAM10000)}")
    diagnosis = HAM10000[row["dx"].lower()]
    return DIAGNOSES[diagnosis], diagnosis


def _isic(row: Row, _: Mapping[str, bool]) -> tuple[bool, str | None]:
    malignant = isic_label_of(row)
    if malignant is None:
        raise Unlabelled(why_no_label(row))
    return malignant, isic_diagnosis_of(row)


_IN_ITS_PARTS: Final = ("", "images/", "HAM10000_images_part_1/", "HAM10000_images_part_2/")
_LAYOUTS: Final[Mapping[str, _Layout]] = {  # the first that is there wins
    "manifest.csv": _Layout(
        columns=("file", "label"), places=("{}",), truth=_ours, ids=("isic_id", "image_id")
    ),
    "HAM10000_metadata.csv": _Layout(
        columns=("image_id", "dx"),
        places=tuple(f"{folder}{{}}.jpg" for folder in _IN_ITS_PARTS),
        truth=_ham10000,
        ids=("image_id",),
        isic_ids=("image_id",),
        all_from="HAM10000",
    ),
    "metadata.csv": _Layout(  # as the archive's own client writes it
        columns=("isic_id",),
        places=tuple(f"{folder}{{}}.{end}" for folder in ("", "images/") for end in ("jpg", "JPG")),
        truth=_isic,
        ids=("isic_id",),
        age="age_approx",
        sites=("anatom_site_general",),
        sources=("attribution",),
    ),
}


def table_of(root: Path) -> Path | None:
    """Return the table beside the images, if there is one of those we read."""
    return next((root / name for name in _LAYOUTS if (root / name).is_file()), None)


def entries(
    root: Path, table: Path, bad: BadRows, unlabelled: BadRows, names: Mapping[str, bool]
) -> Iterator[Entry]:
    """Yield the rows that can be read; take note of the others.

    Parameters:
        names: what each class name means, True for malignant; names are folded.

    Raises:
        DataError: the table is no CSV file in UTF-8, or a column is missing.
    """
    layout = _LAYOUTS[table.name]
    taken: dict[tuple[str, str], int] = {}
    for line, row in csv_rows(table, layout.columns, bad):
        name = row[layout.columns[0]]
        try:
            image = _image(root, table, row, names)
            keys = [("file", image.path), *((key, row[key]) for key in layout.ids if row.get(key))]
            for kind, key in keys:
                if (kind, key) in taken:
                    what = name if kind == "file" else f"{kind} {key}"
                    raise RowError(f"{what} stands in row {taken[kind, key]} too")
            taken.update(dict.fromkeys(keys, line))
        except RowError as error:
            bad.add(table, line, name, str(error))
        except Unlabelled as reason:
            unlabelled.add(table, line, name, str(reason))
        else:
            yield Entry(line, image)


def path_of(root: Path, table: Path, name: str) -> str | None:
    """Return the path of the image that a row names, relative to the root, if it is there."""
    found = (inside(root, place.format(name)) for place in _LAYOUTS[table.name].places if name)
    return next((path for path in found if path), None)


def inside(root: Path, cell: str) -> str | None:
    """Return a cell's path relative to the root, or None if there is no such file below it.

    Cells are relative to the root, or to its parent: then they begin with the root's own name.
    """
    for base in (root, root.parent):
        place = Path(os.path.normpath(base / cell))
        if cell and place.is_relative_to(root) and place.is_file():
            return place.relative_to(root).as_posix()
    return None


def _image(root: Path, table: Path, row: Row, names: Mapping[str, bool]) -> LabelledImage:
    layout = _LAYOUTS[table.name]
    name = row[layout.columns[0]]
    malignant, diagnosis = layout.truth(row, names)
    path = path_of(root, table, name)
    if path is None:
        raise RowError(f"no such file in the directory: {name}")
    return LabelledImage(
        path=path,
        sha256=facts.sha256_of(row.get("sha256", "")),
        malignant=malignant,
        split=facts.split_of(row.get("split", "")),
        group=row.get("lesion_id") or path,
        age=facts.age_of(row.get(layout.age, "")),
        sex=facts.sex_of(row.get("sex", "")),
        site=_first(row, layout.sites),
        diagnosis=diagnosis,
        skin_tone=facts.skin_tone_of(row),
        source=_first(row, layout.sources) or layout.all_from,
        isic_id=_first(row, layout.isic_ids),
    )


def _first(row: Row, columns: tuple[str, ...]) -> str | None:
    """Return what the first of some columns says that says anything."""
    return facts.known(next((row[key] for key in columns if row.get(key)), ""))
