"""Which remedy is enough: the smallest that no larger one beats by a standard error.

    kept ─▶ threshold ─▶ recalibrate (intercept, or with slope) ─▶ restack

Each is tried on folds that it was not fitted to, weighted as labels are. A larger remedy must be
better by more than one standard error of the paired difference (the one-standard-error rule;
Breiman, Friedman, Olshen and Stone 1984, section 3.4.3).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.l1_logistic import losses_of
from twin.meta import MetaStack
from twin.reference import Reference
from twin.restacking.answers import log_odds_of
from twin.restacking.clusters import effective_cases
from twin.restacking.differences import Difference, balanced_difference, mean_difference
from twin.restacking.evidence import Evidence
from twin.restacking.operating_point import logit, threshold_at
from twin.restacking.optimism import optimism
from twin.restacking.plan import Remedy
from twin.restacking.recalibrate import fit_line, fit_shift
from twin.restacking.refit import Refit
from twin.restacking.restack import Choice, choose_recipe
from twin.restacking.rows import FOLDS, Rows, folds_of, reference_rows
from twin.restacking.weighting import effective_size
from twin.stacks import StackVersion

LEAST: Final = 10  # labels of either class that something is fitted to
_DECIMALS: Final = 6
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is to be put in force, if the gate lets it pass."""

    how: str  # a Remedy; "" where the stack in force is good enough
    meta: MetaStack  # of a re-stack: for all learners alone
    threshold: float
    finished: Callable[[], MetaStack]  # the stacks for every set of learners
    reason: str  # in words
    facts: dict[str, float] = field(default_factory=dict)


def propose(
    evidence: Evidence,
    champion: StackVersion,
    reference: Reference,
    base: StackVersion,
    allowed: tuple[Remedy, ...],
    *,
    seen: NDArray[np.bool_] | None = None,
) -> Proposal:
    """Return the smallest remedy that is enough.

    Parameters:
        evidence: labels to fit to, weighted; `LEAST` of either class or more.
        champion: the stack in force.
        base: version 0, whose operating point is kept (twin/restacking/operating_point.py).
        allowed: what may be done.
        seen: of which cases the champion may know the picture, shape (n,); None: of none.
    """
    bench = _Bench(evidence, champion, reference, base)
    flattered: Floats | None = None
    if seen is not None:
        pictures = effective_cases(evidence.weight, evidence.image)
        flattered = np.where(seen, optimism(champion, base, pictures), 0.0)
    how: str = ""
    best, gain = bench.champion, Difference(0.0, 0.0)
    if "threshold" in allowed and bench.threshold_gain().is_gain:
        how, gain = "threshold", bench.threshold_gain()
    if "recalibrate" in allowed and (found := bench.gain(best, bench.recalibrated)).is_gain:
        how, gain, best = "recalibrate", found, bench.recalibrated
    if "restack" in allowed and bench.restacked is not None:
        against = [bench.champion, *([bench.recalibrated] if "recalibrate" in allowed else [])]
        gains = [
            bench.gain(one, bench.restacked.log_odds, bench.complete, flattered) for one in against
        ]
        if all(one.is_gain for one in gains):
            how, gain = "restack", gains[-1]
    return bench.proposal(how, gain)


class _Bench:
    """The remedies, tried on one set of labels."""

    def __init__(
        self, evidence: Evidence, champion: StackVersion, reference: Reference, base: StackVersion
    ) -> None:
        self._version, self._base_threshold = champion, base.threshold
        self._base_prevalence = float(reference.malignant.mean())
        self._learners = champion.meta.learners
        self.image, y = evidence.image, evidence.malignant
        weight = evidence.weight / evidence.weight.mean()
        self.champion = log_odds_of(champion.meta, evidence)
        self._scored = Rows(self.champion[:, None], y, weight)
        self._fold = folds_of(evidence.image, y)
        self._recalibrate()
        # A refit needs all columns; cases that lacked a learner only take part in the rest.
        self.complete = np.asarray(~np.isnan(evidence.log_odds).any(axis=1))
        columns = [evidence.log_odds]
        every = reference_rows(reference)
        has_sketch = evidence.sketch.shape[1] == reference.sketch.shape[1]
        if has_sketch and not np.isnan(evidence.sketch[self.complete]).any():
            columns.append(evidence.sketch)
        else:
            every = every.columns(len(self._learners))
        self._reference = every
        self._rows = Rows(np.concatenate(columns, axis=1), y, weight).take(self.complete)
        self.restacked: Choice | None = None
        classes = np.bincount(self._rows.y, minlength=2)
        if classes.min() >= LEAST:
            fold = self._fold[self.complete]
            self.restacked = choose_recipe(
                self._rows,
                fold,
                self.image[self.complete],
                every,
                len(self._learners),
                self._base_threshold,
            )

    def _recalibrate(self) -> None:
        """Try intercept alone and with slope; keep the simpler unless the other is better."""
        scored, shifted, sloped = self._scored, self.champion.copy(), self.champion.copy()
        cuts = {fit: np.empty(len(scored)) for fit in (fit_shift, fit_line)}
        for one in range(FOLDS):
            unseen = self._fold == one
            seen = scored.take(~unseen)
            for fit, answer in ((fit_shift, shifted), (fit_line, sloped)):
                line = fit(seen)
                answer[unseen] = line.of(self.champion[unseen])
                cuts[fit][unseen] = line.back(self._cut(seen))
        better = self.gain(shifted, sloped).is_gain
        chosen = fit_line if better else fit_shift
        self.recalibrated = sloped if better else shifted
        self._cuts = cuts[chosen]  # on the champion's log-odds, as each fold's fit has it
        self._line = chosen(scored)

    def gain(
        self,
        first: Floats,
        second: Floats,
        rows: NDArray[np.bool_] | None = None,
        flattered: Floats | None = None,
    ) -> Difference:
        """Return by how much the second's held-out log-loss is lower.

        Parameters:
            rows: which of all rows `second` is of; None: all.
            flattered: by how much the first's loss is too small, of all rows; None: by nothing.
        """
        some = np.ones(len(self._scored), np.bool_) if rows is None else rows
        y, weight = self._scored.y[some], self._scored.weight[some]
        each = losses_of(first[some], y) - losses_of(second, y)
        if flattered is not None:
            each += flattered[some]
        return mean_difference(each, weight, self.image[some])

    def threshold_gain(self) -> Difference:
        """Return what balanced accuracy gains if only the operating point moves."""
        y = self._scored.y
        before = (self.champion >= logit(self._version.threshold)) == y
        after = (self.champion >= self._cuts) == y
        each = after.astype(np.float64) - before
        return balanced_difference(each, y, self._scored.weight, self.image)

    def _cut(self, rows: Rows) -> float:
        """Return the operating point, as calibrated log-odds, at the prevalence of rows."""
        return logit(threshold_at(rows.prevalence, self._base_threshold, self._base_prevalence))

    def proposal(self, how: str, gain: Difference) -> Proposal:
        """Fit what was chosen to all labels."""
        meta, cut = self._version.meta, self._cut(self._scored)
        threshold = _sigmoid(cut)
        finished: Callable[[], MetaStack] | None = None
        if how == "threshold":
            threshold = _sigmoid(self._line.back(cut))
        elif how == "recalibrate":
            meta = self._line.moved(meta)
        elif how == "restack":
            assert self.restacked is not None
            again = Refit(self._rows, self._reference, self.restacked, self._learners)
            meta, finished = again.full, again.all_masks
        else:
            threshold = self._version.threshold
        return Proposal(
            how=how,
            meta=meta,
            finished=finished or (lambda: meta),
            threshold=round(threshold, _DECIMALS),
            reason=self._words(how, gain),
            facts=self._facts(gain),
        )

    def _loss(self, log_odds: Floats, rows: NDArray[np.bool_] | slice) -> float:
        weight = self._scored.weight[rows]
        return float((weight * losses_of(log_odds, self._scored.y[rows])).sum() / weight.sum())

    def _facts(self, gain: Difference) -> dict[str, float]:
        every = slice(None)
        facts = {
            "prevalence": self._scored.prevalence,
            "effective_labels": effective_size(self._scored.weight),
            "weight_max": float(self._scored.weight.max()),  # of a mean of 1
            "log_loss_champion": self._loss(self.champion, every),
            "log_loss_recalibrate": self._loss(self.recalibrated, every),
            "intercept": self._line.intercept,
            "slope": self._line.slope,
            "gain": gain.value,
            "gain_error": gain.error,
        }
        if self.restacked is not None:
            recipe = self.restacked.recipe
            facts |= {
                "log_loss_restack": self._loss(self.restacked.log_odds, self.complete),
                "reference_weight": recipe.reference_weight,
                "penalty": recipe.penalty,
                "inputs": float(recipe.columns - len(self._learners)),
            }
        return {name: round(value, _DECIMALS) + 0.0 for name, value in facts.items()}

    def _words(self, how: str, gain: Difference) -> str:
        amount = f"{gain.value:.4f} ± {gain.error:.4f}"
        if how == "restack":
            return f"weights fitted again lower the held-out log-loss by {amount} nats"
        if how == "recalibrate":
            return f"recalibration lowers the held-out log-loss by {amount} nats and is enough"
        if how == "threshold":
            return f"another operating point raises balanced accuracy by {amount} and is enough"
        return "nothing that was tried is better by more than one standard error"


def _sigmoid(log_odds: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * log_odds))
