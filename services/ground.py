"""The ground that every figure needs: labelled images of both classes, and enough of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from simulator.cases.datasets import LabelledImage
from simulator.cases.facts import LABELS
from twin.errors import DataError
from twin.folds import LESIONS_PER_FOLD

FEW: Final = 50  # images of a class; assumption: of fewer, an interval is wider than 0.15


def leak_note(learned: Sequence[LabelledImage], held_out: Sequence[LabelledImage]) -> list[str]:
    """Return a warning if held-out images show lesions that are learned from."""
    met = {image.group for image in learned}
    leaked = sum(image.group in met for image in held_out)
    if not leaked:
        return []
    return [
        f"{leaked} of {len(held_out)} test images show a lesion of the training images: the test "
        "figures are not those of new lesions; `dermtwin card --data DIR` leaves them out"
    ]


def learned_and_held_out(
    images: Sequence[LabelledImage],
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Return training and test images; all are training images where there is no such split."""
    learned = [image for image in images if image.split == "train"]
    return learned or list(images), [image for image in images if image.split == "test"]


def require_ground(
    images: Sequence[LabelledImage], for_what: str, *, root: Path | str = "data", folds: int = 1
) -> list[str]:
    """Return warnings about images that are too few or unrelated; raise if they are no ground.

    Parameters:
        images: what a figure or a fit would rest on.
        for_what: in words, for the message: "training", "the test", "the audit".
        root: the data directory, for the message.
        folds: into how many parts the lesions will be divided.

    Raises:
        DataError: no images, one class only, or too few lesions of a class for the folds.
    """
    lesions = {
        label: len({image.group for image in images if image.malignant == malignant})
        for label, malignant in LABELS.items()
    }
    counts = {
        label: sum(image.malignant == malignant for image in images)
        for label, malignant in LABELS.items()
    }
    if not images:
        raise DataError(root, f"no images for {for_what}")
    said = " and ".join(f"{count} {label}" for label, count in counts.items())
    least = LESIONS_PER_FOLD * folds
    for label, count in lesions.items():
        if not count:
            raise DataError(
                root, f"{said} images for {for_what}: one class alone is no ground for a score"
            )
        if count < least:
            raise DataError(
                root,
                f"{said} images for {for_what}, of {count} {label} lesions: "
                f"{least} lesions of each class are the least"
                + (f" for {folds} folds" if folds > 1 else ""),
            )
    warnings = [
        f"{count} {label} images for {for_what}: figures on so few are rough, see their intervals"
        for label, count in counts.items()
        if count < FEW
    ]
    if all(image.group == image.path for image in images):
        warnings.append(
            f"no lesion ids or near duplicates are stated for {for_what}: each image counts as a "
            "lesion of its own, and scores are too good if some are of one lesion"
        )
    return warnings
