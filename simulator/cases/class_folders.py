"""Images in folders that name their class."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simulator.cases.facts import LABELS, SPLITS
from simulator.cases.labelled_image import LabelledImage
from twin.errors import DataError

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


def images_in_folders(root: Path) -> Iterator[LabelledImage]:
    """Yield the images of class folders, in splits or not; their sha256 is not known yet.

    Raises:
        DataError: two folders differ by case only.
    """
    splits = {name: folder for name, folder in _folders(root).items() if name in SPLITS}
    for split, top in splits.items() or [(None, root)]:
        for label, folder in _folders(top).items():
            if label not in LABELS:
                continue
            for file in folder.iterdir():
                if file.suffix.lower() in _SUFFIXES and file.is_file():
                    path = file.relative_to(root).as_posix()
                    yield LabelledImage(
                        path=path, sha256="", malignant=LABELS[label], split=split, group=path
                    )


def _folders(top: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in sorted(top.iterdir()):
        if folder.is_dir() and found.setdefault(folder.name.lower(), folder) != folder:
            raise DataError(folder, f"differs from {found[folder.name.lower()].name} by case only")
    return found
