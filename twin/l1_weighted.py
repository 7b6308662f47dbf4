"""The L1 logistic regression of twin/l1_logistic.py with a weight for each row, and quick.

Re-stacking fits some hundred of them at an epoch, on thousands of labels and columns that are
nearly alike. So the rows are laid out by column, a Hessian serves several steps while little
moves (the chord method; Ortega and Rheinboldt 1970, section 7.1), and the penalised quadratic
model is minimised by its active set: on the columns that are in, with their signs, it is a
linear system, and the subgradient conditions say when these were the right ones (Osborne,
Presnell and Turlach 2000, section 3). Training keeps the plain one, and so its bits.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.l1_logistic import Logistic, losses_of

Floats = NDArray[np.float64]

_STEPS: Final = 200
_ROUNDS: Final = 200
EXACT: Final = 1e-10  # nats of mean log-loss: a gain that no decision can depend on
_NEAR: Final = 0.05  # a step so small leaves the Hessian as good as it was
_TINY: Final = 1e-9  # relative, of a subgradient


class WeightedL1:
    """Mean weighted log-loss + penalty · Σ|weight|; the intercept is free.

    Parameters:
        z: shape (n, columns), on one common scale.
        y: shape (n,).
        weight: of each row in the mean, shape (n,), not negative, some positive.
    """

    def __init__(self, z: Floats, y: NDArray[np.bool_], weight: Floats) -> None:
        self._x = np.ones((z.shape[1] + 1, len(z)))
        self._x[1:] = z.T
        self._y, self._target = y, y.astype(np.float64)
        self._share = weight / weight.sum()

    def fit(self, penalty: float, start: Logistic | None = None, flat: float = EXACT) -> Logistic:
        """Return the minimum.

        Parameters:
            penalty: positive, in nats per unit of weight.
            start: where to begin; near the minimum it saves steps.
            flat: it has converged where a step gains less, in nats of mean log-loss.

        Raises:
            InvariantError: it does not converge, which a convex problem of this size should.
        """
        penalties = np.r_[0.0, np.full(len(self._x) - 1, penalty)]
        beta = self._begin() if start is None else np.r_[start.intercept, start.weights]
        log_odds = self._log_odds(beta)
        loss = self._objective(log_odds, beta, penalties)
        hessian, fresh = self._hessian(log_odds), True
        for _ in range(_STEPS):
            aim = minimum(self._gradient(log_odds), hessian, beta, penalties)
            step = 1.0
            while True:
                tried = beta + step * (aim - beta)
                its_log_odds = self._log_odds(tried)
                lower = self._objective(its_log_odds, tried, penalties)
                if lower <= loss or step < 1e-6:
                    break
                step /= 2
            change = float(np.abs(tried - beta).max())
            gained = loss - lower
            if gained >= 0:
                beta, log_odds, loss = tried, its_log_odds, lower
            if gained < flat and (fresh or gained >= 0):
                return Logistic(float(beta[0]), beta[1:])
            fresh = change > _NEAR or gained < 0 or step < 1
            if fresh:
                hessian = self._hessian(log_odds)
        raise InvariantError(f"weighted logistic regression did not converge in {_STEPS} steps")

    def starts(self, fitted: Logistic, sets: list[list[int]], penalty: float) -> list[Logistic]:
        """Return about where the minimum is on each set of columns, from that on all of them.

        The quadratic model at `fitted`, minimised with the other weights at zero.
        """
        beta = np.r_[fitted.intercept, fitted.weights]
        log_odds = self._log_odds(beta)
        gradient, hessian = self._gradient(log_odds), self._hessian(log_odds)
        return [_reduced(gradient, hessian, beta, kept, penalty) for kept in sets]

    def _begin(self) -> Floats:
        count = len(self._target)
        malignant = float(np.sum(self._target * self._share)) * count
        prevalence = (malignant + 0.5) / (count + 1.0)
        beta = np.zeros(len(self._x))
        beta[0] = np.log(prevalence / (1 - prevalence))
        return beta

    def _log_odds(self, beta: Floats) -> Floats:
        return np.asarray(np.einsum("ji,j->i", self._x, beta))

    def _objective(self, log_odds: Floats, beta: Floats, penalties: Floats) -> float:
        loss = float(np.sum(self._share * losses_of(log_odds, self._y)))
        return loss + float(np.sum(penalties * np.abs(beta)))

    def _gradient(self, log_odds: Floats) -> Floats:
        return np.asarray(
            np.einsum("ji,i->j", self._x, (_sigmoid(log_odds) - self._target) * self._share)
        )

    def _hessian(self, log_odds: Floats) -> Floats:
        p = _sigmoid(log_odds)
        found: Floats = np.einsum("ji,ki->jk", self._x * (p * (1 - p) * self._share), self._x)
        found[np.diag_indices_from(found)] += 1e-10
        return found


def minimum(gradient: Floats, hessian: Floats, beta: Floats, penalties: Floats) -> Floats:
    """Minimise gradient · d + d · hessian · d / 2 + Σ penalty · |beta + d|; return beta + d.

    All of shape (k,), the Hessian (k, k) and positive definite.
    """
    found = beta.copy()
    linear = gradient - np.einsum("jk,k->j", hessian, beta)  # slope = linear + hessian · found
    for _ in range(_ROUNDS):
        # A sweep of coordinate descent proposes which columns are in, and on which side of zero.
        _sweep(linear, hessian, found, penalties)
        signs = np.sign(found)
        into = (signs != 0) | (penalties == 0)
        solved = np.linalg.solve(
            hessian[np.ix_(into, into)], -linear[into] - penalties[into] * signs[into]
        )
        aim = np.zeros_like(found)
        aim[into] = solved
        crossed = into & (penalties > 0) & (np.sign(aim) != signs)
        if crossed.any():
            # As far as the first weight reaches zero: downhill all the way.
            part = found[crossed] / (found[crossed] - aim[crossed])
            nearest = float(part.min())
            leaving = np.flatnonzero(crossed)[part <= nearest]
            found += nearest * (aim - found)
            found[leaving] = 0.0
            continue
        found = aim
        slope = linear + np.einsum("jk,k->j", hessian, found)
        if (np.abs(slope[~into]) <= penalties[~into] * (1 + _TINY) + 1e-14).all():
            break
    return found


def _sweep(linear: Floats, hessian: Floats, found: Floats, penalties: Floats) -> None:
    slope = linear + np.einsum("jk,k->j", hessian, found)
    for j in range(len(found)):
        curvature = hessian[j, j]
        aim = found[j] - slope[j] / curvature
        shrunk = np.sign(aim) * max(abs(aim) - penalties[j] / curvature, 0.0)
        if shrunk != found[j]:
            slope += hessian[j] * (shrunk - found[j])
            found[j] = shrunk


def _reduced(
    gradient: Floats, hessian: Floats, beta: Floats, kept: list[int], penalty: float
) -> Logistic:
    places = [0, *(column + 1 for column in kept)]
    gone = beta.copy()
    gone[places] = 0.0
    slope = (gradient - np.einsum("jk,k->j", hessian, gone))[places]
    penalties = np.r_[0.0, np.full(len(kept), penalty)]
    found = minimum(slope, hessian[np.ix_(places, places)], beta[places], penalties)
    return Logistic(float(found[0]), found[1:])


def _sigmoid(log_odds: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * log_odds))  # cannot overflow
