"""Fits the surrogate of the base learners.

On the images that learners were fitted to they are surer than they ever are of another one, so
their answers there would teach the surrogate a stack that nobody meets. It learns from two other
kinds of rows: images with their out-of-fold log-odds, and mixtures of two images' features, which
no learner has seen, with what the fitted learners say of them.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.fidelity import HeldOut
from twin.explain.surrogate import Surrogate, kernel
from twin.kernels import View, fit_view
from twin.learners.contract import Features, Fitted

Rows = NDArray[np.intp]


# Chosen by rank correlation with the stack on two sets of images that were not fitted to: the 660
# ISIC test images (.989; .986 with images alone), and 300 rendered ones under a stack of 200
# (.937; .880 with images alone). Twice as many of both add .002 and cost eight times the time.
_IMAGES: Final = 1000
_MIXTURES: Final = 2000  # but not more than
_MIXTURES_PER_IMAGE: Final = 5  # so that a quick training stays quick
_DIMENSIONS: Final = 200
_GAMMA: Final = 0.7  # over dimensions times variance, as the support vector machine's
_RIDGE: Final = 0.3  # nats² of noise in a target over nats² of signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Columns of the features that are a set with gradients."""

    name: str  # a key of `twin.explain.tensor_features.TENSOR_FEATURES`
    first: int = 0
    width: int

    @property
    def columns(self) -> slice:
        """Where they stand in a row."""
        return slice(self.first, self.first + self.width)


def fit_surrogate(
    x: Features,
    z: NDArray[np.float64],
    learners: Mapping[str, Fitted],
    *,
    block: Block,
    seed: int,
) -> Surrogate:
    """Fit kernel ridge regression (Saunders et al. 1998) to all learners at once, in closed form.

    Parameters:
        x: features of images, shape (n, features).
        z: log-odds of those images by learners that had not seen them, shape (n, learners).
        learners: those that are to be explained, in the order of columns.
        block: what the surrogate sees of the features; learners see all of them.
        seed: of the choice of images and of the mixtures.

    Returns:
        a surrogate whose fidelity cannot be told yet.
    """
    draws = np.random.default_rng(seed)
    columns = block.columns
    view = fit_view(x[:, columns], min(_DIMENSIONS, block.width, len(x) - 1))
    chosen = np.sort(draws.permutation(len(x))[:_IMAGES])
    mixed = _mixtures(x, draws)
    anchors = np.concatenate([_seen(view, rows[:, columns]) for rows in (x[chosen], mixed)])
    told = np.concatenate([z[chosen], _scores(learners, mixed)])
    # What is stored has 24 bits, so that is what is fitted.
    anchors = anchors.astype(np.float32)
    wide = anchors.astype(np.float64)
    # sklearn's "scale" of the RBF support vector machine
    gamma = _GAMMA / (wide.shape[1] * float(wide[: len(chosen)].var()))
    mean = told.mean(axis=0)
    matrix = kernel(wide, wide, gamma)
    matrix[np.diag_indices(len(matrix))] += _RIDGE
    return Surrogate(
        learners=tuple(learners),
        features=block.name,
        first=block.first,
        view=view,
        anchors=anchors,
        dual=np.linalg.solve(matrix, told - mean),
        mean=mean,
        gamma=gamma,
    )


def fit_measured(
    x: Features,
    z: NDArray[np.float64],
    sketch: NDArray[np.float64],
    *,
    learners: Mapping[str, Fitted],
    first: Mapping[str, Fitted],
    block: Block,
    split: tuple[Rows, Rows],
    seed: int,
    pool: Executor,
) -> Surrogate:
    """Return the surrogate of the learners, and what tells its fidelity to any stack.

    Another one is fitted in the same way, on the first fold's rows, to the learners that were
    fitted on them; both are then asked about the rows that neither has seen.

    Parameters:
        x, z, learners, block, seed: see `fit_surrogate`.
        sketch: of the same images, shape (n, columns).
        first: learners that were fitted on the first of the rows of `split`.
        split: rows fitted on, rows held out.
        pool: both fits run there.
    """
    seen, unseen = split
    whole = pool.submit(fit_surrogate, x, z, learners, block=block, seed=seed)
    other = pool.submit(fit_surrogate, x[seen], z[seen], first, block=block, seed=seed).result()
    held_out = HeldOut(
        surrogate=other.log_odds(x[unseen]), learners=z[unseen], sketch=sketch[unseen]
    )
    return replace(whole.result(), held_out=held_out)


def _scores(learners: Mapping[str, Fitted], x: Features) -> NDArray[np.float64]:
    return np.stack([learner.score(x) for learner in learners.values()], axis=1)


def _mixtures(x: Features, draws: np.random.Generator) -> Features:
    """Return points on the lines between random pairs of rows (mixup, Zhang et al. 2018)."""
    count = min(_MIXTURES, _MIXTURES_PER_IMAGE * len(x))
    one, other = draws.integers(0, len(x), (2, count))
    share = draws.random((count, 1))
    mixed: Features = (share * x[one] + (1.0 - share) * x[other]).astype(np.float32)
    return mixed


def _seen(view: View, x: Features) -> NDArray[np.float64]:
    seen: NDArray[np.float64] = (x - view.mean) / view.scale @ view.axes
    return seen
