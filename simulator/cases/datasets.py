"""Directories of labelled images: class folders, or a manifest beside the images.

    root/{train,test}/{benign,malignant}/*.jpg      or      root/{benign,malignant}/*.jpg
    root/manifest.csv with columns file,label and, where known, split, sha256, lesion_id, dx, age,
    sex, and localization or site; an empty cell means unknown

A manifest wins over folders. `near_duplicates.csv` (file_a,file_b) beside it names images that
show the same lesion. Nothing is guessed: what does not fit is an error that names file and row.
"""

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from twin.errors import DataError
from twin.images import FileRef

_LABELS: Final = {"benign": False, "malignant": True}
_SPLITS: Final = ("train", "test")
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
_UNKNOWN: Final = frozenset({"", "unknown"})
_SEXES: Final = {"female": "female", "f": "female", "male": "male", "m": "male"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """An image file, its truth, and what is known about the patient."""

    path: str  # relative to the data directory, with forward slashes
    sha256: str  # of the file's bytes, hex
    malignant: bool  # the truth
    split: str | None  # "train" or "test"
    group: str  # images of one lesion share it; keep a group on one side of any split
    age: int | None = None  # years
    sex: str | None = None  # "female" or "male"
    site: str | None = None  # body site
    diagnosis: str | None = None  # as the data set names it

    @property
    def ref(self) -> FileRef:
        """The image as events carry it."""
        return FileRef(path=self.path, sha256=self.sha256)


def load_images(root: Path, *, split: str | None = None) -> list[LabelledImage]:
    """Return the images of a data directory, sorted by path.

    Groups are made over all splits, so images of one lesion share a group across them too.

    Parameters:
        root: the data directory.
        split: "train" or "test"; all images if not given.

    Raises:
        DataError: the directory is missing, has no images or images of one class only, or a row
            of a manifest is wrong.
    """
    # Not resolved: the manifest may name the directory as the user does, by a symbolic link.
    root = Path(os.path.normpath(root.absolute()))
    if not root.is_dir():
        raise DataError(root, "no such directory")
    manifest = root / "manifest.csv"
    images = list(_from_manifest(root, manifest) if manifest.is_file() else _from_folders(root))
    if not images:
        raise DataError(root, "no images: expected manifest.csv, or folders benign and malignant")
    images.sort(key=lambda image: image.path)
    grouped = _grouped(root, images)
    chosen = [image for image in grouped if split is None or image.split == split]
    for label, malignant in _LABELS.items():
        if not any(image.malignant == malignant for image in chosen):
            where = f" in split {split}" if split else ""
            raise DataError(root, f"no {label} images{where}")
    return chosen


def data_digest(images: Iterable[LabelledImage]) -> str:
    """Return a sha256 (hex) over paths, contents and labels; the order does not matter."""
    total = hashlib.sha256()
    for image in sorted(images, key=lambda image: image.path):
        total.update(f"{image.path}\0{image.sha256}\0{int(image.malignant)}\n".encode())
    return total.hexdigest()


def _from_folders(root: Path) -> Iterator[LabelledImage]:
    splits = {name: folder for name, folder in _folders(root).items() if name in _SPLITS}
    for split, top in splits.items() or [(None, root)]:
        for label, folder in _folders(top).items():
            if label not in _LABELS:
                continue
            for file in folder.iterdir():
                if file.suffix.lower() in _SUFFIXES and file.is_file():
                    path = file.relative_to(root).as_posix()
                    yield LabelledImage(
                        path=path,
                        sha256=_sha256(file),
                        malignant=_LABELS[label],
                        split=split,
                        group=path,
                    )


def _folders(top: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in sorted(top.iterdir()):
        if folder.is_dir() and found.setdefault(folder.name.lower(), folder) != folder:
            raise DataError(folder, f"differs from {found[folder.name.lower()].name} by case only")
    return found


def _from_manifest(root: Path, manifest: Path) -> Iterator[LabelledImage]:
    seen: dict[str, int] = {}
    for line, row in _rows(manifest, ("file", "label")):
        path = _inside(root, row["file"])
        if path is None:
            raise DataError(manifest, f"row {line}: no such file in the directory: {row['file']}")
        if path in seen:
            raise DataError(manifest, f"row {line}: {row['file']} stands in row {seen[path]} too")
        seen[path] = line
        label = row["label"].lower()
        if label not in _LABELS:
            known = " or ".join(_LABELS)
            raise DataError(manifest, f"row {line}: label {row['label']!r} is not {known}")
        split = row.get("split", "").lower() or None
        if split not in (None, *_SPLITS):
            raise DataError(manifest, f"row {line}: split {split!r} is not train or test")
        sex = row.get("sex", "").lower()
        if sex not in _UNKNOWN and sex not in _SEXES:
            raise DataError(manifest, f"row {line}: sex {sex!r} is not female or male")
        yield LabelledImage(
            path=path,
            sha256=_stated_sha256(manifest, line, row) or _sha256(root / path),
            malignant=_LABELS[label],
            split=split,
            group=row.get("lesion_id") or path,
            age=_age(manifest, line, row),
            sex=_SEXES.get(sex),
            site=_known(row.get("localization") or row.get("site", "")),
            diagnosis=_known(row.get("dx", "")),
        )


def _rows(table: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows of a CSV file with their line number; the header is line 1."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(table, f"row 1: no column {', '.join(missing)}")
            for row in reader:
                if None in row:
                    raise DataError(table, f"row {reader.line_num}: more cells than columns")
                yield reader.line_num, {name: cell.strip() for name, cell in row.items()}
    except (UnicodeDecodeError, csv.Error) as cause:
        raise DataError(table, f"is no CSV file in UTF-8: {cause}") from cause


def _inside(root: Path, cell: str) -> str | None:
    """Return a cell's path relative to the root, or None if there is no such file below it.

    Cells are relative to the root, or to its parent: then they begin with the root's own name.
    """
    for base in (root, root.parent):
        place = Path(os.path.normpath(base / cell))
        if cell and place.is_relative_to(root) and place.is_file():
            return place.relative_to(root).as_posix()
    return None


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stated_sha256(manifest: Path, line: int, row: Mapping[str, str]) -> str:
    stated = row.get("sha256", "").lower()
    if stated and (len(stated) != 64 or not set(stated) <= set("0123456789abcdef")):
        raise DataError(manifest, f"row {line}: sha256 {stated!r} is not 64 hexadecimal digits")
    return stated


def _age(manifest: Path, line: int, row: Mapping[str, str]) -> int | None:
    cell = row.get("age", "")
    if cell.lower() in _UNKNOWN:
        return None
    try:
        age = float(cell)
    except ValueError:
        age = -1.0
    if not 0 <= age <= 130:
        raise DataError(manifest, f"row {line}: age {cell!r} is no age in years")
    return int(age)


def _known(cell: str) -> str | None:
    return None if cell.lower() in _UNKNOWN else cell


def _grouped(root: Path, images: list[LabelledImage]) -> list[LabelledImage]:
    """Merge the groups of images with equal content and of stated near duplicates."""
    parent = {image.group: image.group for image in images}

    def top(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    def merge(a: str, b: str) -> None:
        first, second = sorted((top(a), top(b)))
        parent[second] = first  # the least name stands for all, whatever the order of merging

    by_content: dict[str, str] = {}
    for image in images:
        merge(image.group, by_content.setdefault(image.sha256, image.group))
    duplicates = root / "near_duplicates.csv"
    if duplicates.is_file():
        group_of = {image.path: image.group for image in images}
        for line, row in _rows(duplicates, ("file_a", "file_b")):
            paths = [_inside(root, row[name]) for name in ("file_a", "file_b")]
            known = [group_of[path] for path in paths if path in group_of]
            if len(known) < 2:
                raise DataError(duplicates, f"row {line}: names an image that is not in the data")
            merge(*known)
    return [replace(image, group=top(image.group)) for image in images]
