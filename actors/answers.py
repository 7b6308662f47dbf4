"""Puts what stem, learners and meta-learner said about a batch together, image by image."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from twin.meta import INPUT
from twin.ports import Answer, Opinion, Unscorable


def assemble(
    images: int,
    faults: Mapping[int, str],
    scores: Mapping[str, NDArray[np.float64]],
    p_malignant: NDArray[np.float64],
    missing: Sequence[str],
    sketch: NDArray[np.float64],
) -> list[Answer]:
    """Return one answer per image of a batch, in its order.

    Parameters:
        images: how many images the batch had.
        faults: place in the batch -> why that image could not be scored.
        scores: learner -> log-odds, shape (scorable,).
        p_malignant: shape (scorable,).
        missing: learners that gave no score.
        sketch: of what the stem saw, shape (scorable, columns).
    """
    answers: list[Answer] = []
    row = 0
    for place in range(images):
        if place in faults:
            answers.append(Unscorable(reason=faults[place]))
            continue
        answers.append(
            Opinion(
                p_malignant=float(p_malignant[row]),
                log_odds={name: float(values[row]) for name, values in scores.items()},
                missing=tuple(missing),
                sketch=tuple(sketch[row].tolist()),
            )
        )
        row += 1
    return answers


def columns_of(
    scores: Mapping[str, NDArray[np.float64]], sketch: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return what a meta-learner may weigh: the learners' log-odds and the sketch's columns."""
    inputs = {f"{INPUT}{place}": column for place, column in enumerate(sketch.T)}
    return {**scores, **inputs} if scores else {}
