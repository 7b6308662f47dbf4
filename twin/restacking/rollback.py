"""Going back: by order, and when the stack in force does worse than the one before it.

Both are held against labels of cases that arrived after the promotion, which neither was fitted
to. They are looked at again at every epoch, so the error of each look shrinks: with
alpha / (k (k + 1)) at look k all looks together stay below alpha (Bonferroni; the sum is 1).
"""

from statistics import NormalDist
from typing import Final

import numpy as np

from twin.l1_logistic import log_losses
from twin.restacking.evidence import Evidence
from twin.restacking.paired import mean_difference
from twin.restacking.plan import GatePlan, RollbackOrder
from twin.restacking.scores import answers, part_of, stack_log_odds
from twin.stacks import StackVersion

LEAST: Final = 10  # labels of either class before anything is concluded


def does_worse(
    evidence: Evidence, parent: StackVersion, current: StackVersion, plan: GatePlan, look: int
) -> str | None:
    """Return in words why the stack in force should go; None where nothing shows it.

    Parameters:
        evidence: labels of cases that arrived under it, weighted by what is known.
        look: how many epochs it has been in force, from 1.
    """
    malignant = evidence.malignant
    if min(int(malignant.sum()), int((~malignant).sum())) < LEAST:
        return None
    quantile = NormalDist().inv_cdf(1 - (1 - plan.confidence) / (look * (look + 1)))
    losses = [
        log_losses(stack_log_odds(one.meta, evidence.log_odds, evidence.sketch), malignant)
        for one in (parent, current)
    ]
    loss = mean_difference(losses[1] - losses[0], evidence.weight, evidence.image)
    if loss.above(0.0, quantile):
        return (
            f"the log-loss on {len(evidence)} later labels is higher by "
            f"{loss.value:.4f} ± {loss.error:.4f} nats than with stack {parent.number}"
        )
    ill = part_of(evidence, malignant)
    found = [answers(one, ill).flagged.astype(np.float64) for one in (parent, current)]
    missed = mean_difference(found[0] - found[1], ill.weight, ill.image)
    if missed.above(plan.sensitivity_drop_max, quantile):
        return (
            f"sensitivity on {len(ill)} later malignant labels is lower by "
            f"{missed.value:.3f} ± {missed.error:.3f} than with stack {parent.number}"
        )
    return None


def due(
    orders: tuple[RollbackOrder, ...], after_min: float, until_min: float
) -> RollbackOrder | None:
    """Return the last order given in (after, until]; later ones replace earlier ones."""
    some = [one for one in orders if after_min < one.at_min <= until_min]
    return max(some, key=lambda one: one.at_min) if some else None
