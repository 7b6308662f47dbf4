"""Labelled images for a command that learns from them, and what it says of those left out."""

from dataclasses import dataclass, field
from pathlib import Path

from services.config import Settings
from services.console import progress_bars, say
from simulator.cases.bad_rows import BadRow
from simulator.cases.labelled_image import LabelledImage
from twin.errors import SettingsError


@dataclass(slots=True, kw_only=True)
class Labelled:
    """What a directory gave."""

    images: list[LabelledImage] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)  # left out on request
    unlabelled: list[BadRow] = field(default_factory=list)  # called neither benign nor malignant
    notes: list[str] = field(default_factory=list)  # on names of classes


def data_root(data: Path | None, settings: Settings) -> Path:
    """Return the directory of images.

    Raises:
        SettingsError: none was given.
    """
    root = data or settings.data
    if root is None:
        raise SettingsError("DERMTWIN_DATA", "", "give --data DIR or set DERMTWIN_DATA")
    return root


def load_labelled(root: Path, *, skip_bad: bool) -> Labelled:
    """Read all images, compare each with its stated checksum, and say which are left out.

    Raises:
        DataError: the directory cannot be used, or, unless they are to be skipped, a row of it.
    """
    from services.commands.skipped import tell_skipped
    from simulator.cases.datasets import load_images

    found = Labelled()
    with progress_bars() as bars:
        found.images = load_images(
            root,
            verify=True,
            decode=skip_bad,  # without, training itself ends at the first one that is damaged
            skip_bad=found.bad if skip_bad else None,
            unlabelled=found.unlabelled,
            notes=found.notes,
            on_progress=bars,
        )
    tell_skipped(found.bad)
    if found.unlabelled:
        count = len(found.unlabelled)
        say(f"left out: {count} images that are called neither benign nor malignant")
    return found
