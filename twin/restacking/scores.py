"""A stack's answers to many cases at once."""

import numpy as np
from numpy.typing import NDArray

from twin.meta import INPUT, MetaStack
from twin.restacking.evidence import Evidence, Side
from twin.stacks import StackVersion

_DECIMALS = 6  # as verdicts


def stack_log_odds(
    meta: MetaStack, log_odds: NDArray[np.float64], sketch: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the meta-learner's log-odds, shape (n,); each case by the stack for its learners.

    Parameters:
        log_odds: shape (n, learners); NaN where a learner was missing.
        sketch: shape (n, columns); used where the stack weighs it.
    """
    found = np.empty(len(log_odds))
    there = ~np.isnan(log_odds)
    masks, of_row = np.unique(there, axis=0, return_inverse=True)
    for number, mask in enumerate(masks):
        rows = np.flatnonzero(of_row.reshape(-1) == number)
        names = [name for name, here in zip(meta.learners, mask, strict=True) if here]
        weights = meta.weights_for(names)
        total = np.full(len(rows), weights.intercept)
        for name, weight in weights.weights.items():  # in the order that verdicts sum in
            if name.startswith(INPUT):
                total += weight * sketch[rows, int(name.removeprefix(INPUT))]
            else:
                total += weight * log_odds[rows, meta.learners.index(name)]
        found[rows] = total
    return found


def probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities in steps of 1e-6, as verdicts hold them."""
    return np.round(0.5 * (1.0 + np.tanh(0.5 * log_odds)), _DECIMALS)


def answers(version: StackVersion, evidence: Evidence) -> Side:
    """Return what a stack answers to the cases of an evidence."""
    log_odds = stack_log_odds(version.meta, evidence.log_odds, evidence.sketch)
    return Side(p_malignant=probability(log_odds), threshold=version.threshold)


def part_of(evidence: Evidence, rows: NDArray[np.bool_]) -> Evidence:
    """Return some rows of an evidence, shape (n,) true where wanted."""
    chosen = np.flatnonzero(rows).tolist()
    return Evidence(
        case_id=tuple(evidence.case_id[row] for row in chosen),
        at_min=evidence.at_min[rows],
        log_odds=evidence.log_odds[rows],
        sketch=evidence.sketch[rows],
        malignant=evidence.malignant[rows],
        referred=evidence.referred[rows],
        p_verified=evidence.p_verified[rows],
        weight=evidence.weight[rows],
        image=evidence.image[rows],
        held_out=evidence.held_out[rows],
        groups={
            key: tuple(values[row] for row in chosen) for key, values in evidence.groups.items()
        },
    )
