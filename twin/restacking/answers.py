"""A stack's answers to the cases of an evidence, column by column."""

import numpy as np
from numpy.typing import NDArray

from twin.meta import MetaStack
from twin.restacking.evidence import Evidence, Side
from twin.stacks import StackVersion

_DECIMALS = 6  # of probabilities, as verdicts have them


def side_of(version: StackVersion, evidence: Evidence) -> Side:
    """Return what a stack version says of the cases, each with the learners that it had."""
    log_odds = log_odds_of(version.meta, evidence)
    p_malignant = np.round(1.0 / (1.0 + np.exp(-log_odds)), _DECIMALS)
    return Side(p_malignant=p_malignant, threshold=version.threshold)


def log_odds_of(meta: MetaStack, evidence: Evidence) -> NDArray[np.float64]:
    """Return the stack's log-odds, shape (n,)."""
    found = np.empty(len(evidence))
    there = ~np.isnan(evidence.log_odds)
    for pattern in np.unique(there, axis=0):
        rows = (there == pattern).all(axis=1)
        names = [name for name, is_there in zip(meta.learners, pattern, strict=True) if is_there]
        weights = meta.weights_for(names)
        total = np.full(int(rows.sum()), weights.intercept)
        for column, name in enumerate(meta.learners):
            if pattern[column]:
                total += weights.weights.get(name, 0.0) * evidence.log_odds[rows, column]
        for name in meta.inputs:
            place = int(name.rpartition(".")[2])
            total += weights.weights[name] * evidence.sketch[rows, place]
        found[rows] = total
    return found
