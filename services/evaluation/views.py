"""Views of scored images: which of them a figure is taken over, and why, or why not.

    split      the test split as the directory has it
    unleaked   without images of lesions that training met
    matched    of these, a source that gave images of both classes: its benign, its malignant
    folds      nested cross-validation over all images
    folds-matched   the same source's images in it

A view that a directory cannot give is kept, with the reason.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.cases.datasets import LabelledImage
from twin.evaluation.resampling import Bools

SPLIT: Final = "split"
UNLEAKED: Final = "unleaked"
MATCHED: Final = "matched"
FOLDS: Final = "folds"
FOLDS_MATCHED: Final = "folds-matched"
FEWEST: Final = 10  # images of each class; assumption: of fewer, an interval says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A choice among scored images."""

    key: str
    title: str
    about: str  # one sentence
    mask: Bools | None  # shape (images,); None if the directory cannot give it
    why_not: str = ""  # then


def split_views(images: Sequence[LabelledImage], trained: Sequence[LabelledImage]) -> list[View]:
    """Return the views of test images: as split, without leaked lesions, and of one source.

    Parameters:
        images: those that were scored.
        trained: those that the model learned from.
    """
    if not images:
        why = "the directory has no test split"
        return [
            _left_out(SPLIT, "Test split", why),
            _left_out(UNLEAKED, "Test without leaked lesions", why),
            _left_out(MATCHED, "Test of one source", why),
        ]
    whole = _view(
        SPLIT, "Test split", "All test images, as the directory has them.", images, _all(images)
    )
    met = {image.group for image in trained}
    leaked = np.array([image.group in met for image in images])
    known = any(_has_lesion(image) for image in images)
    about = (
        f"{int(leaked.sum())} test images show a lesion that training met (one lesion id, ISIC id, "
        "content, or stated near duplicate) and are left out."
    )
    if known or leaked.any():
        unleaked = _view(UNLEAKED, "Test without leaked lesions", about, images, ~leaked)
    else:
        unleaked = _left_out(
            UNLEAKED,
            "Test without leaked lesions",
            "no lesion ids, ISIC ids or near duplicates are stated: nobody knows what leaks; "
            "`dermtwin data near-duplicates` finds images that look alike",
        )
    rest = unleaked.mask if unleaked.mask is not None else _all(images)
    return [whole, unleaked, _matched(MATCHED, "Test of one source", images, rest)]


def fold_views(images: Sequence[LabelledImage]) -> list[View]:
    """Return the views of cross-validated images: all, and of one source."""
    about = (
        "Every image, answered by a model that met no image of its lesion in any step of training."
    )
    return [
        _view(FOLDS, "Cross-validation by lesion", about, images, _all(images)),
        _matched(FOLDS_MATCHED, "Cross-validation, one source", images, _all(images)),
    ]


def matched_source(images: Sequence[LabelledImage]) -> str | None:
    """Return the source with the most images of its rarer class; None if none has both classes."""
    counts = Counter((image.source, image.malignant) for image in images if image.source)
    rarer = {source: min(counts[source, True], counts[source, False]) for source, _ in counts}
    best = max(sorted(rarer, key=str), key=lambda source: rarer[source], default=None)
    return best if best is not None and rarer[best] else None


def _matched(key: str, title: str, images: Sequence[LabelledImage], rest: Bools) -> View:
    if not any(image.source for image in images):
        return _left_out(key, title, "the directory states no sources")
    inside = [image for image, keep in zip(images, rest, strict=True) if keep]
    source = matched_source(inside)
    if source is None:
        return _left_out(key, title, "no source gave images of both classes")
    mask = rest & np.array([image.source == source for image in images])
    found = [image for image, keep in zip(images, mask, strict=True) if keep]
    about = (
        f"{source} alone: {_kinds(found, malignant=False)} against "
        f"{_kinds(found, malignant=True)}; who recognises the source gains nothing here."
    )
    return _view(key, title, about, images, mask)


def _kinds(images: Sequence[LabelledImage], *, malignant: bool) -> str:
    of_class = [image for image in images if image.malignant == malignant]
    names = Counter(image.diagnosis for image in of_class)
    label = "malignant" if malignant else "benign"
    listed = ", ".join(
        f"{name or 'diagnosis unknown'} {count}" for name, count in names.most_common()
    )
    return f"{len(of_class)} {label} ({listed})"


def _view(key: str, title: str, about: str, images: Sequence[LabelledImage], mask: Bools) -> View:
    for label, malignant in (("benign", False), ("malignant", True)):
        count = sum(
            image.malignant == malignant for image, keep in zip(images, mask, strict=True) if keep
        )
        if count < FEWEST:
            return _left_out(key, title, f"{count} {label} images, and {FEWEST} are the least")
    return View(key=key, title=title, about=about, mask=mask)


def _left_out(key: str, title: str, why: str) -> View:
    return View(key=key, title=title, about="", mask=None, why_not=why)


def _has_lesion(image: LabelledImage) -> bool:
    return image.isic_id is not None or image.group != image.path


def _all(images: Sequence[LabelledImage]) -> Bools:
    return np.ones(len(images), bool)
