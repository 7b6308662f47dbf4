"""Support vector machine with an RBF kernel (Cortes & Vapnik 1995), Platt's sigmoid on top.

scikit-learn fits it; NumPy serves it from the support vectors.
"""

from dataclasses import dataclass, replace
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
class Sense:
    """One view of the features, and an RBF kernel on it."""

    first: int  # column that it begins at
    view: View
    support: Samples
    gamma: float  # of exp(−γ·distance²), per squared unit of the view
    share: float  # of the whole kernel

    def kernel(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return its part of the kernel between one row and all support vectors."""
        place = self.view.of(row[self.first : self.first + len(self.view.mean)])
        distances = self.support.square_distances(place)
        return np.asarray(self.share * np.exp(-self.gamma * distances), np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Svm:
    """A fitted support vector machine; its kernel is the sum of those of its senses."""

    senses: tuple[Sense, ...]
    dual: NDArray[np.float64]  # (support vectors,) coefficients
    intercept: float
    platt: tuple[float, float]  # log-odds = platt[0] + platt[1] · decision

    def decision(self, x: Features) -> Scores:
        """Return the signed distance from the boundary, shape (n,), in margins."""
        total = np.empty(len(x))
        for place, row in enumerate(x):
            kernel = sum(sense.kernel(row) for sense in self.senses)
            total[place] = np.einsum("s,s->", kernel, self.dual) + self.intercept
        return total

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`."""
        return to_scores(self.platt[0] + self.platt[1] * self.decision(x))

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        arrays = {"dual": self.dual, "scalars": np.array([self.intercept, *self.platt])}
        for place, sense in enumerate(self.senses):
            arrays |= {
                f"mean_{place}": sense.view.mean,
                f"scale_{place}": sense.view.scale,
                f"axes_{place}": sense.view.axes,
                f"support_{place}": sense.support.points.T,
                f"kernel_{place}": np.array([sense.first, sense.gamma, sense.share]),
            }
        return pack(arrays)


def fit_svm(x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:
    """Fit on principal coordinates; γ is `gamma` over dimensions times variance, as sklearn's.

    With a setting `width`, features before that column and those from it on are two views, each
    with principal coordinates (`dimensions`, `code_dimensions`) and a kernel of its own; `share`
    is the first one's part of their sum. `relevance`, an exponent, weighs features by how much each
    tells the classes apart; without it all weigh the same.
    """
    width = int(settings.get("width", x.shape[1]))
    share = float(settings["share"]) if width < x.shape[1] else 1.0
    senses = [_sense(x[:, :width], y, 0, int(settings["dimensions"]), share, settings)]
    if width < x.shape[1]:
        dimensions = int(settings["code_dimensions"])
        senses.append(_sense(x[:, width:], y, width, dimensions, 1 - share, settings))
    matrix = np.sum([_matrix(sense) for sense in senses], axis=0)
    # Folds know nothing of lesions here, so the sigmoid may be a little too sure of itself; the
    # stack, fitted on lesion-grouped scores, corrects the scale.
    held_out = np.empty(len(y))
    for fold in _interleaved(y, seed):
        machine = _fitted(matrix[np.ix_(~fold, ~fold)], y[~fold], settings)
        held_out[fold] = machine.decision_function(matrix[np.ix_(fold, ~fold)])
    # Platt's a and b without a penalty; the tiny one keeps separable classes finite.
    platt = fit_l1_logistic(held_out[:, None], y, penalty=1e-6)
    machine = _fitted(matrix, y, settings)
    return Svm(
        senses=tuple(
            replace(sense, support=samples(sense.support.points.T[machine.support_]))
            for sense in senses
        ),
        dual=machine.dual_coef_[0],
        intercept=float(machine.intercept_[0]),
        platt=(platt.intercept, float(platt.weights[0])),
    )


def load_svm(content: bytes) -> Fitted:
    """Read a machine back.

    Raises:
        ArtefactError: the bytes are no file of arrays.
    """
    arrays = unpack(content, _FILE)
    intercept, *platt = (float(value) for value in arrays["scalars"])
    senses = []
    for place in range(sum(name.startswith("kernel_") for name in arrays)):
        first, gamma, share = (float(value) for value in arrays[f"kernel_{place}"])
        view = View(**{name: arrays[f"{name}_{place}"] for name in ("mean", "scale", "axes")})
        support = samples(arrays[f"support_{place}"])
        senses.append(Sense(first=int(first), view=view, support=support, gamma=gamma, share=share))
    return Svm(
        senses=tuple(senses),
        dual=arrays["dual"],
        intercept=intercept,
        platt=(platt[0], platt[1]),
    )


def _sense(
    x: Features, y: Labels, first: int, dimensions: int, share: float, settings: Settings
) -> Sense:
    """Return a view of columns from `first` on, with all rows for support vectors."""
    exponent = float(settings.get("relevance", 0.0))
    view = fit_view(x, dimensions, relevance(x, y) ** exponent if exponent else None)
    seen = view.of_all(x)
    gamma = float(settings["gamma"]) / (seen.shape[1] * float(seen.var()))
    return Sense(first=first, view=view, support=samples(seen), gamma=gamma, share=share)


def _matrix(sense: Sense) -> NDArray[np.float64]:
    """Return the kernel between all of a sense's points."""
    rows = [sense.support.square_distances(place) for place in sense.support.points.T]
    return np.asarray(sense.share * np.exp(-sense.gamma * np.stack(rows)), np.float64)


def _fitted(matrix: NDArray[np.float64], y: Labels, settings: Settings) -> Any:  # noqa: ANN401 - untyped
    from sklearn.svm import SVC

    return SVC(C=float(settings["C"]), kernel="precomputed", cache_size=200).fit(matrix, y)


def _interleaved(y: Labels, seed: int) -> list[NDArray[np.bool_]]:
    """Return masks of folds, each with its share of both classes."""
    fold = np.empty(len(y), int)
    for kind in (False, True):
        rows = np.random.default_rng(seed).permutation(np.flatnonzero(y == kind))
        fold[rows] = np.arange(len(rows)) % _PLATT_FOLDS
    return [fold == index for index in range(_PLATT_FOLDS)]
