"""Logistic regression with an L1 penalty, for a handful of columns.

Proximal Newton steps, each solved by coordinate descent (Friedman, Hastie & Tibshirani 2010,
"Regularization paths for generalized linear models via coordinate descent", section 3). Our
own, because the stack is refitted while the twin runs and scikit-learn takes seconds to import;
its liblinear would also penalise the intercept.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError

_STEPS: Final = 100
_SWEEPS: Final = 200
_TOLERANCE: Final = 1e-9
_FLAT: Final = 1e-10  # nats: a gain that no decision can depend on


@dataclass(frozen=True, slots=True)
class Logistic:
    """log-odds = intercept + weights · row."""

    intercept: float
    weights: NDArray[np.float64]  # (columns,)


def fit_l1_logistic(
    z: NDArray[np.float64],
    y: NDArray[np.bool_],
    penalty: float,
    *,
    sample_weight: NDArray[np.float64] | None = None,
    start: Logistic | None = None,
) -> Logistic:
    """Minimise mean log-loss + penalty · Σ|weight|; the intercept is free.

    Parameters:
        z: shape (n, columns), on one common scale.
        y: shape (n,).
        penalty: positive, in nats per unit of weight.
        sample_weight: shape (n,), not negative; what each row counts in the mean. None: alike.
        start: where to begin; a solution nearby saves steps.

    Raises:
        InvariantError: it does not converge, which a convex problem of this size should.

    >>> z, y = np.array([[-1.0], [1.0], [-1.0], [1.0]]), np.array([False, True, True, True])
    >>> bool(fit_l1_logistic(z, y, 0.01).weights[0] > 0)
    True
    """
    x = np.concatenate([np.ones((len(z), 1)), z], axis=1)
    penalties = np.r_[0.0, np.full(z.shape[1], penalty)]
    target = y.astype(np.float64)
    share = np.full(len(y), 1.0 / len(y))
    if sample_weight is not None:
        share = sample_weight / sample_weight.sum()
    prevalence = (float(np.sum(target * share)) * len(y) + 0.5) / (len(y) + 1.0)
    beta = np.r_[np.log(prevalence / (1 - prevalence)), np.zeros(z.shape[1])]
    if start is not None:
        beta = np.r_[start.intercept, start.weights]
    loss = _objective(x, target, beta, penalties, share)
    for _ in range(_STEPS):
        p = _sigmoid(np.einsum("ij,j->i", x, beta))
        gradient = np.einsum("ij,i->j", x, (p - target) * share)
        hessian = np.einsum("ij,ik->jk", x * (p * (1 - p) * share)[:, None], x)
        hessian[np.diag_indices_from(hessian)] += 1e-10
        move = _descended(gradient, hessian, beta, penalties) - beta
        step = 1.0
        while True:
            tried = beta + step * move
            lower = _objective(x, target, tried, penalties, share)
            if lower <= loss or step < 1e-6:
                break
            step /= 2
        if lower > loss:  # no step is downhill: this is the bottom, as far as floats can tell
            return Logistic(float(beta[0]), beta[1:])
        change = float(np.abs(tried - beta).max())
        if sample_weight is not None and loss - lower < _FLAT:
            change = 0.0  # weighted columns can be nearly alike: a long valley without a slope
        beta, loss = tried, min(lower, loss)
        if change < _TOLERANCE:
            return Logistic(float(beta[0]), beta[1:])
    raise InvariantError(f"logistic regression did not converge in {_STEPS} steps")


def log_loss(log_odds: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """Return the mean log-loss, in nats.

    >>> round(log_loss(np.zeros(3), np.array([True, False, True])), 4)
    0.6931
    """
    return float(np.mean(losses_of(log_odds, y)))


def losses_of(log_odds: NDArray[np.float64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each case's log-loss, shape (n,), in nats."""
    return np.asarray(np.logaddexp(0.0, np.where(y, -log_odds, log_odds)))


def _sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * (1.0 + np.tanh(0.5 * log_odds))  # cannot overflow


def _objective(
    x: NDArray[np.float64],
    target: NDArray[np.float64],
    beta: NDArray[np.float64],
    penalties: NDArray[np.float64],
    share: NDArray[np.float64],
) -> float:
    losses = losses_of(np.einsum("ij,j->i", x, beta), target > 0.5)
    return float(np.sum(share * losses)) + float(np.sum(penalties * np.abs(beta)))


def _descended(
    gradient: NDArray[np.float64],
    hessian: NDArray[np.float64],
    beta: NDArray[np.float64],
    penalties: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Minimise the penalised quadratic model around beta, one coordinate at a time.

    Plain floats: for a handful of columns they are several times quicker than arrays.
    """
    found: list[float] = beta.tolist()
    slope: list[float] = gradient.tolist()  # of the quadratic model at `found`
    rows: list[list[float]] = hessian.tolist()
    for _ in range(_SWEEPS):
        largest = 0.0
        for j, penalty in enumerate(penalties.tolist()):
            curvature = rows[j][j]
            aim = found[j] - slope[j] / curvature
            shrunk = math.copysign(max(abs(aim) - penalty / curvature, 0.0), aim)
            change = shrunk - found[j]
            if change:
                found[j] = shrunk
                slope = [s + h * change for s, h in zip(slope, rows[j], strict=True)]
                largest = max(largest, abs(change))
        if largest < _TOLERANCE / 10:
            break
    return np.array(found)
