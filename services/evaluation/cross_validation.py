"""Nested cross-validation over all images of a directory; each outer fold is kept when done."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.evaluation.scoring import STACK, ImageScores, probabilities
from services.image_store import FileReader
from services.learning import Lesson
from services.steps import Result, Steps
from simulator.cases.checksums import Progress
from simulator.cases.datasets import LabelledImage, data_digest
from twin.evaluation.nested import outer_fold
from twin.imaging import Imaging

OUTER: Final = 5
# Assumption: three inner folds instead of the five of a full training. They only weigh the
# learners against one another, and cost a third less.
INNER: Final = 3
_STACK: Final = "p_malignant"  # the stack's array among a fold's


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is cross-validated, and how."""

    root: Path  # data directory
    images: Sequence[LabelledImage]  # all that take part, both splits
    lesson: Lesson
    outer: int = OUTER
    inner: int = INNER

    def key(self) -> str:
        """Return a digest of all that decides the answers: equal keys, equal answers."""
        decisive = [
            self.lesson.recipe(data_digest(self.images), self.lesson.weights()),
            self.outer,
            self.inner,
            [[image.path, image.group] for image in self.images],
        ]
        return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:24]


def cross_validate_fold(plan: Plan, fold: int, on_progress: Progress) -> Result:
    """Return what one outer fold answers: places among the images, and log-odds by learner.

    Parameters:
        fold: which, from 0.
    """
    imaging = Imaging(FileReader(plan.root))
    images, lesson = plan.images, plan.lesson

    def told(stage: str, done: int, total: int) -> None:
        on_progress(f"fold {fold + 1} of {plan.outer}: {stage}", done, total)

    found = outer_fold(
        lambda place: imaging.pixels(images[place].ref),
        np.array([image.malignant for image in images]),
        [image.group for image in images],
        fold,
        outer=plan.outer,
        inner=plan.inner,
        stem=lesson.weights(),
        settings=lesson.settings,
        seed=lesson.seed,
        threads=lesson.threads,
        on_progress=told,
    )
    return Result(
        facts={"model_id": found.model_id},
        arrays={"places": found.places, _STACK: found.p_malignant, **found.log_odds},
    )


def cross_validate(home: Path, plan: Plan, on_progress: Progress) -> ImageScores:
    """Return everybody's answers to all images, each from a model that never met its lesion.

    A fold that was done before, with the same images, settings and code, is read back.

    Parameters:
        home: `DERMTWIN_HOME`; folds are kept in its folder `evaluation`.
    """
    steps = Steps(home / "evaluation", {"plan": plan.key()})
    p_malignant: dict[str, Any] = {}
    for fold in range(plan.outer):
        kept = steps("fold", partial(cross_validate_fold, plan, fold, on_progress), fold=fold)
        log_odds = dict(kept.arrays)
        places, of_stack = log_odds.pop("places"), log_odds.pop(_STACK)
        for who, p in probabilities(of_stack, log_odds).items():
            p_malignant.setdefault(who, np.full(len(plan.images), np.nan))[places] = p
        on_progress("outer folds", fold + 1, plan.outer)
    assert STACK in p_malignant
    return ImageScores(plan.images, p_malignant, ())
