"""Can these labels be believed? The share of wrong ones, from where they contradict the scores.

Nobody knows which labels are wrong. But where labels are right, cases with a very low score are
hardly ever malignant and cases with a very high one hardly ever benign, also after a shift, once
the scores have been fitted again. Labels that were turned round at random break this: in a group
with 30 % of them turned round, no score is low enough to leave less than 30 % malignant.

Model (Copas 1988, "Binary regression models for contaminated data", section 2): a label is what
the lesion is, except that it is turned round with probability `share` in one group,

    P(label malignant) = share + (1 - 2 · share) · p,    logit p = a + b · score + c · referred + d

with d for the group alone (it may have another prevalence). The score is a logistic refit of the
learners' log-odds on these labels, cross-fitted by picture, so that a case's own label is not in
its score. Cases are not weighted: the readers' decision is in the model, and given it and the
score whether a case was verified says no more. Bounds are those of the profile likelihood,
divided by the design effect of pictures that several patients share (Kish 1965, section 8.2); the
upper one is never below what as many labels could show if none contradicted.

A few per cent are not suspicious: some melanomas look benign to every learner. What is found is
the share of labels that contradict the scores, whoever of the two is wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.restacking.clusters import effective_cases
from twin.restacking.evidence import Evidence

Floats = NDArray[np.float64]

_FOLDS: Final = 4
_BINS: Final = 50  # of the score: sums over bins make the likelihood's cost independent of n
_SHARES: Final = np.r_[0.0, 0.005, 0.01, np.arange(0.02, 0.5, 0.02)]  # 0.5 would say nothing
_RIDGE: Final = 1e-2  # of the refit, on nats: little, so that few labels give no infinite weight
_LOOSE: Final = 1e-3  # of the model of contamination
_STEPS: Final = 25
_ENOUGH: Final = 1e-4  # log-likelihood that a step must gain
_FAR: Final = 15.0  # nats; beyond that a probability is 0 or 1 to six decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseEstimate:
    """How many labels of a group contradict the scores."""

    group: str  # such as "sex=female"; empty for all
    share: float  # of its labels, most likely
    low: float  # bounds, each one-sided
    high: float
    labels: int
    malignant: int


def label_noise(evidence: Evidence, per: Sequence[str], z: float) -> tuple[NoiseEstimate, ...]:
    """Return the estimate for all, then for each group.

    Parameters:
        evidence: all labels that there are, fitted to or held out.
        per: keys of `evidence.groups`.
        z: standard errors of a bound; a bound is where twice the log-likelihood is z² lower.

    Labels of one class alone contradict nothing and support nothing: the share is then 0 with
    bounds 0 and 0.5.
    """
    table = _Table.of(evidence)
    found = [table.estimate("", np.ones(len(evidence), np.bool_), z)]
    found += [table.estimate(name, inside, z) for name, inside in groups_of(evidence, per)]
    return tuple(found)


def groups_of(evidence: Evidence, per: Sequence[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the name of each group, such as "sex=female", and who is in it, shape (n,)."""
    for key in per:
        values = np.array([value or "" for value in evidence.groups.get(key, ())])
        for value in sorted(set(values.tolist()) - {""}):
            yield f"{key}={value}", values == value


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """What the model of contamination is fitted to."""

    malignant: NDArray[np.bool_]
    referred: NDArray[np.bool_]
    image: NDArray[np.intp]
    bin: NDArray[np.intp]  # of the score
    score: Floats  # mean of each bin, nats

    @classmethod
    def of(cls, evidence: Evidence) -> "_Table":
        score = cross_fitted(evidence)
        count = min(_BINS, len(score))
        rank = np.searchsorted(np.sort(score), score)  # equal scores share a bin
        place = (rank * count // max(len(score), 1)).astype(np.intp)
        mean = np.bincount(place, weights=score) / np.maximum(np.bincount(place), 1)
        return cls(evidence.malignant, evidence.referred, evidence.image, place, mean)

    def estimate(self, group: str, inside: NDArray[np.bool_], z: float) -> NoiseEstimate:
        labels, malignant = int(inside.sum()), int(self.malignant[inside].sum())
        none = NoiseEstimate(
            group=group, share=0.0, low=0.0, high=0.5, labels=labels, malignant=malignant
        )
        if not labels or self.malignant.all() or not self.malignant.any():
            return none
        curve = self._profile(inside)
        pictures = effective_cases(np.ones(labels), self.image[inside])
        curve *= pictures / labels
        best = int(curve.argmax())
        drop = curve - curve[best] + z * z / 2.0
        low = _crossing(drop[: best + 1][::-1], _SHARES[: best + 1][::-1])
        high = max(_crossing(drop[best:], _SHARES[best:]), _if_none(pictures, z))
        return replace(
            none,
            share=round(float(_SHARES[best]), 6),
            low=round(low, 6),
            high=round(min(high, 0.5), 6),
        )

    def _profile(self, inside: NDArray[np.bool_]) -> Floats:
        """Return the log-likelihood of each share, all else at its best."""
        code = (self.bin * 2 + self.referred) * 2 + inside
        codes, place = np.unique(code, return_inverse=True)
        cases = np.bincount(place).astype(np.float64)
        hits = np.bincount(place, weights=self.malignant).astype(np.float64)
        there = (codes % 2).astype(np.float64)
        referred = (codes // 2 % 2).astype(np.float64)
        x = np.stack([np.ones(len(codes)), self.score[codes // 4], referred, there], axis=1)
        if inside.all():
            x = x[:, :3]
        right = np.zeros((1, len(codes)))
        start, _ = _fitted(x, hits, cases, right, np.zeros(x.shape[1]), _LOOSE)
        return _fitted(x, hits, cases, _SHARES[:, None] * there, start[0], _LOOSE)[1]


def _if_none(cases: float, z: float) -> float:
    """Return the exact upper bound of a share of which no case was seen.

    1 - alpha^(1/n) (Clopper & Pearson 1934). At share 0, the edge of what can be, the likelihood
    ratio is not chi-squared, and its bound is half as high: twelve labels would clear a feed.
    """
    return 1.0 - float((1.0 - NormalDist().cdf(z)) ** (1.0 / max(cases, 1.0)))


def cross_fitted(evidence: Evidence) -> Floats:
    """Return a logistic refit's log-odds of each case, fitted without its picture; shape (n,).

    A learner that is missing is taken to say what the others say on average.
    """
    present = ~np.isnan(evidence.log_odds)
    filled = np.where(present, evidence.log_odds, 0.0)
    mean = filled.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    x = np.concatenate(
        [np.ones((len(evidence), 1)), np.where(present, filled, mean[:, None])], axis=1
    )
    y = evidence.malignant.astype(np.float64)
    _, picture = np.unique(evidence.image, return_inverse=True)
    fold = picture % _FOLDS
    score = np.zeros(len(evidence))
    for number in range(_FOLDS):
        rest = fold != number
        if not rest.any():
            continue
        count = int(rest.sum())
        start, right = np.zeros(x.shape[1]), np.zeros((1, count))
        beta, _ = _fitted(x[rest], y[rest], np.ones(count), right, start, _RIDGE)
        score[~rest] = np.einsum("ij,j->i", x[~rest], beta[0])
    return np.round(score, 6)


def _fitted(
    x: Floats, hits: Floats, cases: Floats, wrong: Floats, beta: Floats, ridge: float
) -> tuple[Floats, Floats]:
    """Fit the model for each of several shares at once, all from one start.

    Fisher scoring with halved steps, so that each is uphill; penalty ridge · Σ slope² / 2 a case.

    Parameters:
        x: shape (m, k); `hits` of `cases` have a malignant label, both (m,).
        wrong: share of labels turned round, shape (shares, m).
        beta: start, shape (k,).

    Returns:
        Weights, (shares, k), and log-likelihoods, (shares,).
    """
    total = float(cases.sum())
    pull = np.r_[0.0, np.full(len(beta) - 1, ridge)]
    squares = np.einsum("mj,mk->mjk", x, x).reshape(len(x), -1)
    found = np.repeat(beta[None, :], len(wrong), axis=0)
    p, q, height = _height(x, hits, cases, wrong, found, pull * total)
    for _ in range(_STEPS):
        slope = (1.0 - 2.0 * wrong) * p * (1.0 - p)
        spread = q * (1.0 - q)
        gradient = np.einsum("mk,sm->sk", x, slope * (hits - cases * q) / spread) / total
        gradient -= pull * found
        information = np.einsum("sm,mj->sj", cases * slope * slope / spread, squares) / total
        information = information.reshape(len(wrong), len(beta), len(beta))
        information = information + np.diag(pull + 1e-6)
        move = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        # What a parabola would gain; shares that are at their top wait for the others.
        going = 0.5 * total * np.einsum("sk,sk->s", gradient, move) > _ENOUGH
        if not going.any():
            break
        # No leap into the flat.
        step = np.minimum(1.0, 5.0 / np.maximum(np.abs(move).max(axis=1), 1e-12))
        while True:
            aim = found + step[:, None] * move
            at, said, higher = _height(x, hits, cases, wrong, aim, pull * total)
            short = going & (higher <= height) & (step >= 1e-3)
            if not short.any():
                break
            step = np.where(short, step / 2.0, step)
        up = higher > height
        if not (up & (higher > height + _ENOUGH)).any():
            break
        found = np.where(up[:, None], aim, found)
        p, q = np.where(up[:, None], at, p), np.where(up[:, None], said, q)
        height = np.where(up, higher, height)
    return found, _known(hits, cases, q)


def _height(
    x: Floats, hits: Floats, cases: Floats, wrong: Floats, beta: Floats, pull: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the probability of malignancy, that of a malignant label, and what is maximised."""
    log_odds = np.clip(np.einsum("mk,sk->sm", x, beta), -_FAR, _FAR)
    p = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
    q = wrong + (1.0 - 2.0 * wrong) * p
    return p, q, _known(hits, cases, q) - 0.5 * np.einsum("k,sk->s", pull, beta * beta)


def _known(hits: Floats, cases: Floats, q: Floats) -> Floats:
    return np.asarray(np.sum(hits * np.log(q) + (cases - hits) * np.log(1.0 - q), axis=1))


def _crossing(drop: Floats, shares: Floats) -> float:
    """Return where a falling curve reaches 0, from its top on; the last share if it does not."""
    below = np.flatnonzero(drop < 0)
    if not len(below):
        edge = float(shares[-1])
        return 0.5 if edge > 0.4 else edge  # the likelihood at one half is not in the table
    after = int(below[0])
    high, low = float(drop[after - 1]), float(drop[after])
    part = high / (high - low)
    return float(shares[after - 1] + part * (shares[after] - shares[after - 1]))
