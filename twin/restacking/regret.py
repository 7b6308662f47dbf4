"""Whether a promotion is regretted: later labels say that its parent would have done better."""

from statistics import NormalDist
from typing import Final

import numpy as np

from twin.l1_logistic import losses_of
from twin.restacking.answers import log_odds_of, side_of
from twin.restacking.ledger import Ledger, evidence_of
from twin.restacking.paired import paired_mean
from twin.restacking.plan import GatePlan
from twin.restacking.stretch import unchanged_since
from twin.stacks import StackVersion

_LEAST: Final = 10  # labels of either class: assumption


def regretted(
    ledger: Ledger,
    parent: StackVersion,
    current: StackVersion,
    before_min: float,
    gate: GatePlan | None,
    look: int = 1,
) -> str:
    """Return why the parent is to come back, or nothing.

    Judged on cases that arrived since the promotion and look as those of today (a shift that has
    ended leaves a stack behind that was right while it lasted), weighted by the inverse of their
    verification probability, paired: worse in log-loss, or in sensitivity by more than the margin,
    each at the gate's confidence. Neither version was fitted to them. It is asked again at every
    epoch, so look k may err with alpha / (k (k + 1)) alone: all looks together then stay below
    alpha (Bonferroni; these shares sum up to 1).

    Parameters:
        look: how many epochs the current version has been in force, from 1.
    """
    plan = gate or GatePlan()
    cases = ledger.cases(current.from_min, before_min)
    alike_min = unchanged_since(cases, current.meta.learners)
    alike = [case for case in cases if case.arrived.at_min >= alike_min]
    since = evidence_of(alike, current.meta.learners)
    malignant = int(since.malignant.sum())
    if min(malignant, len(since) - malignant) < _LEAST:
        return ""
    z = NormalDist().inv_cdf(1.0 - (1.0 - plan.confidence) / (look * (look + 1)))
    loss = losses_of(log_odds_of(current.meta, since), since.malignant) - losses_of(
        log_odds_of(parent.meta, since), since.malignant
    )
    mean, error = paired_mean(loss, since.weight, since.image)
    if mean > z * error:
        return (
            f"version {parent.number} comes back: on {len(since)} later labels the log-loss of "
            f"version {current.number} is {mean:.3f} higher"
        )
    ill = since.malignant
    found = side_of(current, since).flagged[ill].astype(np.float64)
    lost = side_of(parent, since).flagged[ill] - found
    mean, error = paired_mean(lost, since.weight[ill], since.image[ill])
    if mean - z * error > plan.sensitivity_drop_max:
        return (
            f"version {parent.number} comes back: on {malignant} later malignant labels version "
            f"{current.number} misses {mean:.1%} more"
        )
    return ""
