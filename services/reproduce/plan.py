"""How much of everything a reproduction takes: the full one, and a quick look at all its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.cases.datasets import LabelledImage
from twin.evaluation.resampling import RESAMPLES
from twin.mobilenet.tuned import TuningSettings

LEAST_FOLDS: Final = 5  # of the full model: lesions of each class must be enough for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes of the parts."""

    name: str
    images: int | None  # at most so many of each split and class; None: all
    is_quick_model: bool  # small learners instead of the full ones
    outer_folds: int
    map_images: int  # on each t-SNE map, at most
    epochs: int  # of the baseline's training, at most
    explained: int  # test images whose maps are judged
    resamples: int  # of lesions, for intervals


FULL: Final = Plan(
    name="full",
    images=None,
    is_quick_model=False,
    outer_folds=5,
    map_images=1000,
    epochs=TuningSettings().epochs,
    explained=60,
    resamples=RESAMPLES,
)
# Shows every part of the report on a fifth of the data; its figures stand for nothing.
QUICK: Final = Plan(
    name="quick",
    images=130,
    is_quick_model=True,
    outer_folds=2,
    map_images=200,
    epochs=2,
    explained=10,
    resamples=500,
)


def chosen(images: Sequence[LabelledImage], most: int | None) -> list[LabelledImage]:
    """Return at most so many images of each split and class, spread evenly over all of them."""
    if most is None:
        return list(images)
    kept = []
    for split in dict.fromkeys(image.split for image in images):
        for malignant in (False, True):
            some = [one for one in images if (one.split, one.malignant) == (split, malignant)]
            count = min(most, len(some))
            kept += [some[place * len(some) // count] for place in range(count)]
    return sorted(kept, key=lambda image: image.path)
