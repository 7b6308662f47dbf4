"""A smooth stand-in for the base learners: their log-odds by kernel ridge regression.

Trees and nearest neighbours answer in steps and have no gradient. The surrogate keeps the stem
and its features as they are and replaces the learners alone. The meta-learner is linear in the
learners' log-odds, so its own weights are applied to the surrogate's: any stack version, and any
set of learners that is there, is explained without another fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import Arrays, pack, unpack
from twin.errors import ArtefactError
from twin.explain.fidelity import Fidelity, HeldOut
from twin.kernels import View
from twin.learners.contract import Features
from twin.meta import MetaWeights

_FILE: Final = "surrogate.npz"
_HELD_OUT: Final = ("surrogate", "learners", "sketch")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surrogate:
    """log-odds of learner l = mean_l + Σ_a dual_al · exp(−γ · |view − anchor_a|²)."""

    learners: tuple[str, ...]  # in the registry's order
    features: str  # name of the set that it sees: all that the learners see, or a block of it
    first: int  # column of the learners' features with which that set begins
    view: View
    anchors: NDArray[np.float32]  # (anchors, dimensions), in the view's coordinates
    dual: NDArray[np.float64]  # (anchors, learners), nats
    mean: NDArray[np.float64]  # (learners,), nats
    gamma: float  # per squared unit of the view
    # Answers of one that was fitted in the same way to a part of the images; None if there is none.
    held_out: HeldOut | None = None

    def log_odds(self, x: Features) -> NDArray[np.float64]:
        """Return what the learners would say of feature rows, shape (n, learners), in nats.

        Sums run in BLAS: the last bits can depend on the rows beside.

        Parameters:
            x: all features of the learners, shape (n, features).
        """
        block = x[:, self.first : self.first + len(self.view.mean)]
        seen = (block - self.view.mean) / self.view.scale @ self.view.axes
        return self.mean + kernel(seen, self.anchors.astype(np.float64), self.gamma) @ self.dual

    def fidelity(self, stack: MetaWeights) -> Fidelity | None:
        """Return the agreement with a stack on held-out images; None where none were held out."""
        return None if self.held_out is None else self.held_out.fidelity(self.learners, stack)

    def combined(self, weights: Mapping[str, float]) -> tuple[NDArray[np.float64], float]:
        """Return anchors' coefficients, shape (anchors,), and the constant of a weighted sum.

        Parameters:
            weights: by learner, those of a meta-learner; other columns are left aside.
        """
        of_learner = np.array([weights.get(name, 0.0) for name in self.learners])
        return self.dual @ of_learner, float(self.mean @ of_learner)

    def to_bytes(self) -> bytes:
        """Return the arrays as a file."""
        kept = {} if self.held_out is None else {n: getattr(self.held_out, n) for n in _HELD_OUT}
        return pack(
            {
                "learners": np.array(self.learners),
                "features": np.array(self.features),
                "first": np.array(self.first),
                "view_mean": self.view.mean,
                "view_scale": self.view.scale,
                "axes": self.view.axes.astype(np.float32),
                "anchors": self.anchors,
                "dual": self.dual,
                "mean": self.mean,
                "gamma": np.array(self.gamma),
                **{f"held_out_{name}": array for name, array in kept.items()},
            }
        )


def kernel(
    rows: NDArray[np.float64], anchors: NDArray[np.float64], gamma: float
) -> NDArray[np.float64]:
    """Return the radial basis functions exp(−γ · distance²), shape (rows, anchors).

    >>> kernel(np.zeros((1, 2)), np.array([[0.0, 0.0], [3.0, 4.0]]), 0.04).round(3).tolist()
    [[1.0, 0.368]]
    """
    lengths = (rows * rows).sum(axis=1)[:, None] + (anchors * anchors).sum(axis=1)
    distances = np.maximum(lengths - 2.0 * (rows @ anchors.T), 0.0)
    found: NDArray[np.float64] = np.exp(-gamma * distances)
    return found


def load_surrogate(content: bytes) -> Surrogate:
    """Read what `Surrogate.to_bytes` wrote.

    Raises:
        ArtefactError: these are not its bytes.
    """
    arrays = unpack(content, _FILE)
    try:
        return Surrogate(
            learners=tuple(arrays["learners"].tolist()),
            features=str(arrays["features"]),
            first=int(arrays["first"]),
            view=View(
                mean=arrays["view_mean"],
                scale=arrays["view_scale"],
                axes=arrays["axes"].astype(np.float64),
            ),
            anchors=arrays["anchors"],
            dual=arrays["dual"],
            mean=arrays["mean"],
            gamma=float(arrays["gamma"]),
            held_out=_held_out(arrays) if f"held_out_{_HELD_OUT[0]}" in arrays else None,
        )
    except (KeyError, ValueError) as error:
        raise ArtefactError(_FILE, f"is no surrogate: {error}") from error


def _held_out(arrays: Arrays) -> HeldOut:
    return HeldOut(**{name: arrays[f"held_out_{name}"] for name in _HELD_OUT})
