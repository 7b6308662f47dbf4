"""One outer fold of nested cross-validation: everything is fitted without the outer fold.

Stem calibration, features, inner folds, penalty, learners and meta-learner see the outer training
part alone; the lesions of the outer fold are met only when all is fixed (Varma & Simon 2006,
doi:10.1186/1471-2105-7-91). Folds are made from labels, groups and seed alone, so each can be
done on its own, in any order.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.evaluation.resampling import Bools, Floats
from twin.evaluation.scorer import Scorer
from twin.folds import lesion_folds
from twin.stem_weights import StemWeights
from twin.training import Pixels, Progress, TrainSettings, train


@dataclass(frozen=True, slots=True, kw_only=True)
class OuterFold:
    """Answers to the images of one outer fold, from a model that met none of their lesions."""

    places: NDArray[np.intp]  # of the images, among all
    p_malignant: Floats  # of the stack, same shape
    log_odds: Mapping[str, Floats]  # per learner, same shape
    model_id: str  # of the fold's own model


def outer_fold(
    pixels: Pixels,
    labels: Bools,
    groups: Sequence[str],
    fold: int,
    *,
    outer: int,
    inner: int,
    stem: StemWeights,
    settings: TrainSettings,
    seed: int,
    threads: int,
    on_progress: Progress,
) -> OuterFold:
    """Train without one fold of lesions and answer to it.

    Parameters:
        pixels: brings image i, and the same one whenever it is asked; from several threads.
        labels: shape (n,), True is malignant.
        groups: n names; images of one lesion share one.
        fold: which, from 0.
        outer: how many outer folds.
        inner: folds inside the training part; fewer than the settings say save time.

    Raises:
        DataError: too few lesions of a class.
    """
    seen, unseen = lesion_folds(labels, groups, outer, seed)[fold]
    model = train(
        lambda place: pixels(int(seen[place])),
        labels[seen],
        [groups[place] for place in seen],
        stem=stem,
        settings=replace(settings, folds=inner),
        seed=seed,
        threads=threads,
        on_progress=on_progress,
    )
    scorer = Scorer(model)
    rows = []
    with ThreadPoolExecutor(threads, thread_name_prefix="outer-fold") as pool:
        found = pool.map(lambda place: scorer.features(pixels(int(place))), unseen)
        for done, row in enumerate(found, start=1):
            rows.append(row)
            on_progress("held out", done, len(unseen))
    p_malignant, log_odds = scorer.score(np.stack(rows))
    return OuterFold(
        places=unseen, p_malignant=p_malignant, log_odds=log_odds, model_id=model.model_id
    )
