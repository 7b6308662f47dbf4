"""What a data set consists of, and what of it deserves a second look."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from simulator.cases.datasets import DataSet, LabelledImage
from simulator.cases.diagnoses import DIAGNOSES
from twin.groups import AGE_BAND_STARTS, AGE_BANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Counts of a data set; "unknown" counts images of which a fact is not known."""

    images: int
    by: Mapping[str, Mapping[str, int]]  # fact -> value -> images
    lesions: int  # groups of images that are known or stated to show the same lesion
    lesions_with_several_images: int
    lesions_across_splits: int
    images_of_lesions_across_splits: int
    same_content: int  # images whose bytes are those of another one
    near_duplicates: int  # stated pairs
    near_duplicates_across_splits: int
    near_duplicates_across_labels: int
    against_diagnosis: tuple[str, ...]  # paths of images whose label contradicts the diagnosis
    lesions_with_two_labels: tuple[str, ...]  # groups that hold benign and malignant images


def inventory(data: DataSet) -> Inventory:
    """Return the counts of a data set's usable images."""
    images = data.images
    lesions: dict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        lesions[image.group].append(image)
    across = [group for group in lesions.values() if len({one.split for one in group}) > 1]
    by_path = {image.path: image for image in images}
    pairs = [
        (by_path[pair.a], by_path[pair.b])
        for pair in data.pairs
        if pair.a in by_path and pair.b in by_path
    ]
    return Inventory(
        images=len(images),
        by={
            "split": _counts(image.split for image in images),
            "label": _counts("malignant" if image.malignant else "benign" for image in images),
            "label and split": _counts(
                f"{'malignant' if image.malignant else 'benign'}, {image.split or 'no split'}"
                for image in images
            ),
            "diagnosis": _counts(image.diagnosis for image in images),
            "sex": _counts(image.sex for image in images),
            "age band": _ages(images),
            "site": _counts(image.site for image in images),
            "skin tone": _counts(image.skin_tone for image in images),
        },
        lesions=len(lesions),
        lesions_with_several_images=sum(len(group) > 1 for group in lesions.values()),
        lesions_across_splits=len(across),
        images_of_lesions_across_splits=sum(map(len, across)),
        same_content=len(images) - len({image.sha256 for image in images}),
        near_duplicates=len(pairs),
        near_duplicates_across_splits=sum(a.split != b.split for a, b in pairs),
        near_duplicates_across_labels=sum(a.malignant != b.malignant for a, b in pairs),
        against_diagnosis=tuple(
            image.path
            for image in images
            if DIAGNOSES.get(image.diagnosis or "", image.malignant) != image.malignant
        ),
        lesions_with_two_labels=tuple(
            name for name, group in lesions.items() if len({one.malignant for one in group}) > 1
        ),
    )


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    """Return how often each value occurs, the most frequent first and the unknown last."""
    counts = Counter(value or "unknown" for value in values)
    order = sorted(counts, key=lambda value: (value == "unknown", -counts[value], value))
    return {value: counts[value] for value in order}


def _ages(images: Iterable[LabelledImage]) -> dict[str, int]:
    ages = [image.age for image in images]
    known = [age for age in ages if age is not None]
    places = np.searchsorted(AGE_BAND_STARTS, known, side="right") - 1
    counts = {band: int(np.sum(places == place)) for place, band in enumerate(AGE_BANDS)}
    unknown = ages.count(None)
    return counts | ({"unknown": unknown} if unknown else {})
