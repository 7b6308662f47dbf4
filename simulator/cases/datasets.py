"""Directories of labelled images: class folders, or a table beside the images.

    root/{train,test}/{benign,malignant}/*.jpg      or      root/{benign,malignant}/*.jpg
    root/manifest.csv with columns file,label and, where known, split, sha256, lesion_id, dx, age,
    sex, localization or site, fitzpatrick_skin_type, source or match_set, and isic_id or
    matched_isic_id; an empty cell means unknown
    root/HAM10000_metadata.csv with columns image_id,dx and, where known, lesion_id, age, sex,
    localization; the images are image_id.jpg beside it, in images/, or in HAM10000_images_part_1
    and _2; mel, bcc and akiec are malignant
    root/metadata.csv as the ISIC archive's client writes it; an image that it calls neither
    benign nor malignant is left out and counted

`classes.csv` (name,label) beside them says what else the classes are called. A table wins over
folders. `near_duplicates.csv` (file_a,file_b) beside it names images that show
the same lesion. Nothing is guessed: what does not fit is an error that names file and row, or, if
the caller asks for that, is left out and listed.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from simulator.cases.bad_rows import BadRow, BadRows, complain
from simulator.cases.checksums import Progress
from simulator.cases.class_folders import images_in_folders
from simulator.cases.class_names import class_names
from simulator.cases.facts import LABELS
from simulator.cases.labelled_image import LabelledImage
from simulator.cases.lesions import StatedPair, grouped, stated_pairs
from simulator.cases.manifests import Entry, entries, path_of, table_of
from simulator.cases.soundness import Soundness
from twin.errors import DataError

__all__ = ["BadRow", "DataSet", "LabelledImage", "data_digest", "load_images", "read_data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """What a data directory holds."""

    root: Path
    table: Path | None  # the manifest; None for class folders
    images: list[LabelledImage]  # sorted by path
    pairs: list[StatedPair]  # stated near duplicates
    notes: list[str]  # what was read in another way than it is written, and folders left out
    bad: list[BadRow]  # rows that cannot be used, and groups without images
    unlabelled: list[BadRow]  # rows of which nobody said whether they are malignant


def load_images(
    root: Path,
    *,
    split: str | None = None,
    verify: bool = False,
    decode: bool = False,
    skip_bad: list[BadRow] | None = None,
    unlabelled: list[BadRow] | None = None,
    notes: list[str] | None = None,
    on_progress: Progress | None = None,
) -> list[LabelledImage]:
    """Return the images of a data directory, sorted by path.

    Groups are made over all splits, so images of one lesion share a group across them too.

    Parameters:
        root: the data directory.
        split: "train" or "test"; all images if not given.
        verify: read every file and compare it with the sha256 that the manifest states.
        decode: decode every image; one that is damaged or too small cannot be used.
        skip_bad: a list that takes the rows that cannot be used; without it they are errors.
        unlabelled: a list that takes the rows of which nobody said whether they are malignant;
            they are left out in any case.
        notes: a list that takes what was read in another way than it is written.
        on_progress: told of files that are read: stage, done, total.

    Raises:
        DataError: the directory is missing, has no images or images of one class only, or, unless
            they are to be skipped, rows of a manifest are wrong; the error names up to twenty.
    """
    data = read_data(root, split=split, verify=verify, decode=decode, on_progress=on_progress)
    if skip_bad is None:
        complain(data.bad)
    else:
        skip_bad += data.bad
    if unlabelled is not None:
        unlabelled += data.unlabelled
    if notes is not None:
        notes += data.notes
    for label, malignant in LABELS.items():
        if not any(image.malignant == malignant for image in data.images):
            where = f" in split {split}" if split else ""
            raise DataError(data.root, f"no {label} images{where}")
    return data.images


def read_data(
    root: Path,
    *,
    split: str | None = None,
    verify: bool = False,
    decode: bool = False,
    on_progress: Progress | None = None,
) -> DataSet:
    """Return what a data directory holds, with what is wrong with it; parameters as above.

    Raises:
        DataError: the directory is missing or has no images, or a table cannot be read at all.
    """
    # Not resolved: the manifest may name the directory as the user does, by a symbolic link.
    root = Path(os.path.normpath(root.absolute()))
    if not root.is_dir():
        raise DataError(root, "no such directory")
    bad, unlabelled = BadRows([]), BadRows([])
    notes: list[str] = []
    names = class_names(root)
    table = table_of(root)
    found = (
        list(entries(root, table, bad, unlabelled, names))
        if table is not None
        else [Entry(0, image) for image in images_in_folders(root, names, notes)]
    )
    if not found and not bad.found and not unlabelled.found:
        raise DataError(root, "no images: expected manifest.csv, or folders benign and malignant")
    found.sort(key=lambda entry: entry.image.path)
    named = {entry.image.path for entry in found}
    if table is not None:  # near duplicates may name what is left out
        named |= {path_of(root, table, one.file) or "" for one in (*bad, *unlabelled)}
    judge = Soundness(root, table, bad)
    sound = judge.without_contradictions(judge.with_checksums(found, verify, on_progress))
    if decode:
        sound = judge.without_damage(sound, on_progress)
    pairs = list(stated_pairs(root, named, bad))
    images = grouped([entry.image for entry in sound], pairs)
    lines = {entry.image.path: entry.line for entry in sound}
    chosen = judge.without_lone_classes(
        [image for image in images if split is None or image.split == split], lines, split
    )
    return DataSet(
        root=root,
        table=table,
        images=chosen,
        pairs=pairs,
        notes=notes,
        bad=sorted(bad, key=lambda one: (str(one.table), one.row or 0, one.file)),
        unlabelled=unlabelled.found,
    )


def data_digest(images: Iterable[LabelledImage]) -> str:
    """Return a sha256 (hex) over paths, contents and labels; the order does not matter."""
    total = hashlib.sha256()
    for image in sorted(images, key=lambda image: image.path):
        total.update(f"{image.path}\0{image.sha256}\0{int(image.malignant)}\n".encode())
    return total.hexdigest()
