"""Support vector machine with an RBF kernel (Cortes & Vapnik 1995), Platt's sigmoid on top.

scikit-learn fits it; NumPy serves it from the support vectors.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import pack, unpack
from twin.kernels import Samples, View, fit_view, relevance, samples
from twin.l1_logistic import fit_l1_logistic
from twin.learners.contract import Features, Fitted, Labels, Scores, Settings, to_scores

_FILE: Final = "svm.npz"
_PLATT_FOLDS: Final = 3  # as in Platt 1999: decisions that the sigmoid sees are held out


@dataclass(frozen=True, slots=True, kw_only=True)
class Svm:
    """A fitted support vector machine."""

    view: View
    support: Samples
    dual: NDArray[np.float64]  # (support vectors,) coefficients
    intercept: float
    gamma: float  # of exp(−γ·distance²), per squared unit of the view
    platt: tuple[float, float]  # log-odds = platt[0] + platt[1] · decision

    def decision(self, x: Features) -> Scores:
        """Return the signed distance from the boundary, shape (n,), in margins."""
        total = np.empty(len(x))
        for place, row in enumerate(x):
            kernel = np.exp(-self.gamma * self.support.square_distances(self.view.of(row)))
            total[place] = np.einsum("s,s->", kernel, self.dual) + self.intercept
        return total

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`."""
        return to_scores(self.platt[0] + self.platt[1] * self.decision(x))

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        return pack(
            {
                "mean": self.view.mean,
                "scale": self.view.scale,
                "axes": self.view.axes,
                "support": self.support.points.T,
                "dual": self.dual,
                "scalars": np.array([self.intercept, self.gamma, *self.platt]),
            }
        )


def fit_svm(x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:
    """Fit on principal coordinates; γ is `gamma` over dimensions times variance, as sklearn's.

    `relevance`, an exponent, weighs features by how much each tells the classes apart; without it
    all weigh the same.
    """
    exponent = float(settings.get("relevance", 0.0))
    view = fit_view(
        x, int(settings["dimensions"]), relevance(x, y) ** exponent if exponent else None
    )
    seen = view.of_all(x)
    gamma = float(settings["gamma"]) / (seen.shape[1] * float(seen.var()))
    # Folds know nothing of lesions here, so the sigmoid may be a little too sure of itself; the
    # stack, fitted on lesion-grouped scores, corrects the scale.
    held_out = np.empty(len(y))
    for fold in _interleaved(y, seed):
        machine = _fitted(seen[~fold], y[~fold], gamma, settings)
        held_out[fold] = machine.decision_function(seen[fold])
    # Platt's a and b without a penalty; the tiny one keeps separable classes finite.
    platt = fit_l1_logistic(held_out[:, None], y, penalty=1e-6)
    machine = _fitted(seen, y, gamma, settings)
    return Svm(
        view=view,
        support=samples(machine.support_vectors_),
        dual=machine.dual_coef_[0],
        intercept=float(machine.intercept_[0]),
        gamma=gamma,
        platt=(platt.intercept, float(platt.weights[0])),
    )


def load_svm(content: bytes) -> Fitted:
    """Read a machine back.

    Raises:
        ArtefactError: the bytes are no file of arrays.
    """
    arrays = unpack(content, _FILE)
    intercept, gamma, *platt = (float(value) for value in arrays["scalars"])
    return Svm(
        view=View(mean=arrays["mean"], scale=arrays["scale"], axes=arrays["axes"]),
        support=samples(arrays["support"]),
        dual=arrays["dual"],
        intercept=intercept,
        gamma=gamma,
        platt=(platt[0], platt[1]),
    )


def _fitted(seen: NDArray[np.float64], y: Labels, gamma: float, settings: Settings) -> Any:  # noqa: ANN401 - untyped
    from sklearn.svm import SVC

    return SVC(C=float(settings["C"]), gamma=gamma, cache_size=200).fit(seen, y)


def _interleaved(y: Labels, seed: int) -> list[NDArray[np.bool_]]:
    """Return masks of folds, each with its share of both classes."""
    fold = np.empty(len(y), int)
    for kind in (False, True):
        rows = np.random.default_rng(seed).permutation(np.flatnonzero(y == kind))
        fold[rows] = np.arange(len(rows)) % _PLATT_FOLDS
    return [fold == index for index in range(_PLATT_FOLDS)]
