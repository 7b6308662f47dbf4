"""Images in folders that name their class."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from simulator.cases.class_names import folded, unknown_classes
from simulator.cases.facts import LABELS, SPLITS
from simulator.cases.labelled_image import LabelledImage
from twin.errors import DataError

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


def images_in_folders(
    root: Path, names: Mapping[str, bool], notes: list[str]
) -> Iterator[LabelledImage]:
    """Yield the images of class folders, in splits or not; their sha256 is not known yet.

    Parameters:
        names: what each class name means, True for malignant; names are folded.
        notes: takes what was read in another way than it is written, and what was left out.

    Raises:
        DataError: two folders differ by case only, images lie in no class folder, or a class
            has no folder while others hold images.
    """
    splits = {name: folder for name, folder in _folders(root).items() if name in SPLITS}
    if splits:
        _note_left_out(root, splits, notes)
    for split, top in splits.items() or [(None, root)]:
        folders = _folders(top)
        classes = {name: folder for name, folder in folders.items() if name in names}
        others = {name: folder for name, folder in folders.items() if name not in names}
        images_of = {name: list(_images(folder)) for name, folder in others.items()}
        filled = [others[name].name for name, found in images_of.items() if found]
        if filled and len({names[name] for name in classes}) < len(LABELS):
            raise unknown_classes(
                top, root, [*filled, *(folder.name for folder in classes.values())], names
            )
        loose = sum(1 for _ in _images(top))
        if loose and not classes:
            raise DataError(
                top,
                f"{loose} images without labels: expected folders benign and malignant, or "
                f"{root / 'manifest.csv'} with columns file,label; no score has a ground without",
            )
        if loose:
            notes.append(f"left out: {loose} images in {top} itself, in no class folder")
        notes += [f"left out: {top / name}, which is no class folder" for name in filled]
        for name, folder in classes.items():
            label = next(label for label, malignant in LABELS.items() if malignant == names[name])
            if folder.name != label:
                notes.append(f"folder {folder.relative_to(root)} is read as {label}")
            for file in _images(folder):
                path = file.relative_to(root).as_posix()
                yield LabelledImage(
                    path=path, sha256="", malignant=names[name], split=split, group=path
                )


def _images(folder: Path) -> Iterator[Path]:
    for file in folder.iterdir():
        if file.suffix.lower() in _SUFFIXES and file.is_file():
            yield file


def _note_left_out(root: Path, splits: Mapping[str, Path], notes: list[str]) -> None:
    for name, folder in _folders(root).items():
        if name not in splits and any(
            any(_images(inner)) for inner in (folder, *_folders(folder).values())
        ):
            notes.append(f"left out: folder {folder.name}, which is neither train nor test")


def _folders(top: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in sorted(top.iterdir()):
        if folder.is_dir() and found.setdefault(folded(folder.name), folder) != folder:
            raise DataError(folder, f"differs from {found[folded(folder.name)].name} by case only")
    return found
