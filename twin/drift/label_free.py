"""How well a stack does where nobody has said yet what the lesions were.

Confidence-based: if a calibrated stack says 0.9, nine of ten such lesions are malignant. The
probabilities are calibrated on the reference (Platt 1999) and moved to the window's own
prevalence by expectation–maximisation: Saerens, Latinne & Decaestecker (2002), "Adjusting the
outputs of a classifier to new a priori probabilities", Neural Computation 14, equations 2.4 and
2.7. The interval holds what the window's true figure may be: calibration and prevalence vary over
bootstrap resamples, labels are drawn from the probabilities.

All of it rests on one assumption: benign and malignant lesions look as in training and only
their shares may differ. That is tested (twin/drift/mixture.py); where it does not hold, the
estimate says so and is not valid. Nor is it where labels have come back and contradict it: scores
of training images are out of fold, and learners that saw all of few images are better than that.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.drift.columns import Columns, Floats, disagreement, logit, probability
from twin.drift.mixture import MixtureTest
from twin.events import Estimate
from twin.reference import Reference
from twin.restacking.evidence import Evidence
from twin.restacking.paired import paired_mean
from twin.stacks import StackVersion

METRICS: Final = (
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "prevalence",
)
CASES_MIN: Final = 50  # with fewer the interval says next to nothing
# Of the test: so often a window is refused though only prevalence changed, if scores of new images
# are distributed as the out-of-fold ones. They are nearly: on ISIC 7 to 12 % are refused.
ALPHA: Final = 0.01
_RESAMPLES: Final = 400  # of reference and window: bounds are then steady to about 0.003
_NEWTON: Final = 12  # steps of the calibration's fit; it converges in six
_HALVINGS: Final = 21  # of the interval that holds the prevalence: to within a millionth
_NONE: Final = 0.05  # share of draws without a case of a class at which its figure is left out
_SEED: Final = 20020115
_CONTRADICTED: Final = 2.0  # standard errors: one epoch in twenty is refused without cause

CHANGED: Final = "the images changed in a way that prevalence alone does not explain"


class LabelFree:
    """Estimates one stack's performance, answering with certain learners.

    Parameters:
        reference: what the training images looked like.
        version: the stack.
        there: which learners answer, shape (learners,).
    """

    def __init__(
        self, reference: Reference, version: StackVersion, there: NDArray[np.bool_]
    ) -> None:
        self._version, self._there = version, there
        known = np.where(there, reference.log_odds, np.nan)
        score = self._score(known, reference.sketch)
        self._test = MixtureTest(_seen(score, known, reference.sketch), reference.malignant)
        count = len(score)
        stream = np.random.Generator(np.random.Philox(key=_SEED))
        resamples = _resamples(count, stream)
        self._line = _calibrated(score, reference.malignant, resamples)
        self._prior = (resamples * reference.malignant).sum(axis=1) / resamples.sum(axis=1)

    def contradicted(self, cases: Columns, labels: Evidence) -> str:
        """Return in words by how much labels contradict the scores; nothing if they do not.

        Accuracy by the labels, each weighted by the inverse of its verification probability,
        against accuracy by the scores, on the same cases.

        Parameters:
            cases: all of a time, answered by the learners that are there.
            labels: those of them that have one.
        """
        if len(labels) < CASES_MIN:
            return ""
        ratio = self._ratio(self._score(cases.log_odds, cases.sketch), 1)
        prevalence = _prevalence(ratio, np.full(ratio.shape, 1 / len(cases)))
        score = self._score(labels.log_odds, labels.sketch)
        ill = _posterior(self._ratio(score, 1), prevalence)[0]
        flagged = self._flagged(score)
        right = (flagged == labels.malignant).astype(np.float64)
        said = np.where(flagged, ill, 1 - ill)
        gap, error = paired_mean(right - said, labels.weight, labels.image)
        if abs(gap) <= _CONTRADICTED * error:
            return ""
        truth = float((labels.weight * right).sum() / labels.weight.sum())
        return (
            f"{len(labels)} labels that came back put accuracy at {truth:.1%}, the scores at "
            f"{truth - gap:.1%}"
        )

    def estimate(
        self, window: Columns, seed: int, confidence: float, contradiction: str = ""
    ) -> tuple[Estimate, ...]:
        """Return each of `METRICS` for a window.

        Parameters:
            window: answered by the learners that are there.
            seed: of the draws, such as the epoch.
            confidence: of the intervals.
            contradiction: why labels say that it cannot be trusted; empty: they do not.
        """
        if len(window) < CASES_MIN:
            return invalid(f"{len(window)} cases by these learners, fewer than {CASES_MIN}")
        score = self._score(window.log_odds, window.sketch)
        fit = self._test.fit(_seen(score, window.log_odds, window.sketch))
        against = contradiction
        if fit.p_value < ALPHA:
            against = f"{CHANGED} (p = {_spoken(fit.p_value)})"
        reason, drawn = against or self._assumption(), self._drawn(score, seed)
        valid = not against
        return tuple(_estimate(name, drawn, confidence, valid, reason) for name in METRICS)

    def _assumption(self) -> str:
        number = self._version.number
        about = "assumes that each class looks as in training and only prevalence differs"
        if number:
            return f"{about}; stack {number} is calibrated on the training images, not on feedback"
        return about

    def _score(self, log_odds: Floats, sketch: Floats) -> Floats:
        return logit(probability(self._version.meta, log_odds, sketch))

    def _drawn(self, score: Floats, seed: int) -> "_Drawn":
        stream = np.random.Generator(np.random.Philox(key=[_SEED, seed]))
        count = len(score)
        weights = _resamples(count, stream) / count
        ratio = self._ratio(score)
        posterior = _posterior(ratio, _prevalence(ratio, weights))
        labels = stream.random(posterior[1:].shape) < posterior[1:]
        return _Drawn(self._flagged(score), posterior[0], labels)

    def _ratio(self, score: Floats, rows: int | None = None) -> Floats:
        """Return p(z | malignant) / p(z | benign) by the first calibrations, shape (rows, n)."""
        intercept, slope = (one[:rows, None] for one in self._line)
        odds = np.exp(np.clip(intercept + slope * score, -30, 30))
        prior = self._prior[:rows, None]
        found: Floats = odds * ((1 - prior) / prior)
        return found

    def _flagged(self, score: Floats) -> NDArray[np.bool_]:
        return np.asarray(logit(np.array([self._version.threshold]))[0] <= score)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    flagged: NDArray[np.bool_]  # (n,)
    posterior: Floats  # (n,) best guess of each case's probability of malignancy
    labels: NDArray[np.bool_]  # (resamples, n), drawn

    def figures(self, metric: str, ill: Floats) -> Floats:
        """Return a metric for labels or their probabilities, shape (rows,); NaN if undefined."""
        flagged = self.flagged
        if metric == "prevalence":
            return np.asarray(ill.mean(axis=1))
        if metric == "balanced_accuracy":
            both = self.figures("sensitivity", ill) + self.figures("specificity", ill)
            return np.asarray(both / 2)
        hits, passes = (ill * flagged).sum(axis=1), ((1 - ill) * ~flagged).sum(axis=1)
        total, of = {
            "accuracy": (hits + passes, np.full(len(ill), float(ill.shape[1]))),
            "sensitivity": (hits, ill.sum(axis=1)),
            "specificity": (passes, (1 - ill).sum(axis=1)),
        }[metric]
        share: Floats = np.divide(total, of, out=np.full(len(ill), np.nan), where=of > 0)
        return share


def invalid(reason: str) -> tuple[Estimate, ...]:
    """Return estimates that say nothing, and why."""
    return tuple(
        Estimate(metric=name, value=None, low=None, high=None, valid=False, reason=reason)
        for name in METRICS
    )


def _estimate(metric: str, drawn: _Drawn, confidence: float, valid: bool, reason: str) -> Estimate:
    value = float(drawn.figures(metric, drawn.posterior[None, :])[0])
    spread = drawn.figures(metric, drawn.labels.astype(np.float64))
    if np.isnan(value) or np.isnan(spread).mean() > _NONE:
        absent = np.isnan(drawn.figures("sensitivity", drawn.labels.astype(np.float64)))
        word = "malignant" if absent.mean() > _NONE else "benign"
        why = f"hardly any {word} case in the window"
        return Estimate(metric=metric, value=None, low=None, high=None, valid=False, reason=why)
    low, high = np.nanquantile(spread, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(
        metric=metric,
        value=round(value, 6),
        low=round(float(low), 6),
        high=round(float(high), 6),
        valid=valid,
        reason=reason,
    )


def _seen(score: Floats, log_odds: Floats, sketch: Floats) -> Floats:
    """Return what the test looks at: the sketch, the stack's log-odds, the disagreement.

    Not the single learners' scores: out-of-fold learners saw fewer images than those that answer,
    so their scores differ a little in directions that performance does not depend on.
    """
    spread = disagreement(log_odds)
    columns = [sketch, score[:, None]]
    return np.concatenate(columns if np.isnan(spread).any() else [*columns, spread[:, None]], 1)


def _resamples(count: int, stream: np.random.Generator) -> Floats:
    """Return how often each row is drawn: once each, then in bootstrap resamples."""
    drawn = stream.multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    return np.concatenate([np.ones((1, count)), drawn.astype(np.float64)])


def _calibrated(
    score: Floats, malignant: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats]:
    """Return intercepts and slopes, for each row of weights.

    Logistic regression of the label on the score by Newton's method, a little drawn to the score
    itself (intercept 0, slope 1), so that classes that a score parts perfectly have a fit.
    """
    rows = len(weights)
    intercept, slope = np.zeros(rows), np.ones(rows)
    for _ in range(_NEWTON):
        p = 1 / (1 + np.exp(-np.clip(intercept[:, None] + slope[:, None] * score, -30, 30)))
        gap, curve = weights * (p - malignant), weights * p * (1 - p)
        g0, g1 = gap.sum(axis=1) + intercept, (gap * score).sum(axis=1) + slope - 1
        h00, h01 = curve.sum(axis=1) + 1, (curve * score).sum(axis=1)
        h11 = (curve * score**2).sum(axis=1) + 1
        determinant = h00 * h11 - h01**2
        intercept = intercept - (h11 * g0 - h01 * g1) / determinant
        slope = slope - (h00 * g1 - h01 * g0) / determinant
    return intercept, slope


def _posterior(ratio: Floats, prevalence: Floats) -> Floats:
    """Return the probability of malignancy of each case, for each row."""
    odds = prevalence[:, None] * ratio
    found: Floats = odds / (odds + 1 - prevalence[:, None])
    return found


def _prevalence(ratio: Floats, weights: Floats) -> Floats:
    """Return the most likely share of malignant cases, for each row.

    Where expectation–maximisation ends: the likelihood of a share is concave, so its slope has one
    zero, which halving the interval finds in fewer rounds.
    """
    low, high = np.zeros(len(ratio)), np.ones(len(ratio))
    gain = ratio - 1
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rises = (weights * gain / (1 + middle[:, None] * gain)).sum(axis=1) > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return (low + high) / 2


def _spoken(p_value: float) -> str:
    return f"{p_value:.3f}" if p_value >= 0.001 else "below 0.001"
