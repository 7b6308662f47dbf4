"""k nearest neighbours (Cover & Hart 1967), votes weighted by nearness; NumPy alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import pack, unpack
from twin.kernels import Samples, View, fit_view, relevance, samples
from twin.learners.contract import Features, Fitted, Labels, Scores, Settings, to_scores

_FILE: Final = "knn.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knn:
    """The training samples and how to ask them."""

    view: View
    known: Samples
    malignant: NDArray[np.bool_]  # (samples,)
    neighbours: int

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`. Votes are smoothed by half a vote for each side (Jeffreys)."""
        odds = np.empty((len(x), 2))
        for place, row in enumerate(x):
            distances = self.known.square_distances(self.view.of(row))
            # A stable sort settles ties by the order of training samples.
            nearest = np.argsort(distances, kind="stable")[: self.neighbours]
            # Nearness of 1 on average, so that half a vote means the same everywhere.
            nearness = 1.0 / (np.sqrt(distances[nearest]) + 1e-9)
            nearness *= len(nearest) / nearness.sum()
            votes = nearness[self.malignant[nearest]].sum()
            odds[place] = votes + 0.5, len(nearest) - votes + 0.5
        return to_scores(np.log(odds[:, 0]) - np.log(odds[:, 1]))

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        return pack(
            {
                "mean": self.view.mean,
                "scale": self.view.scale,
                "axes": self.view.axes,
                "known": self.known.points.T,
                "malignant": self.malignant,
                "neighbours": np.array(self.neighbours),
            }
        )


def fit_knn(x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:  # noqa: ARG001
    """Keep the samples' principal coordinates. Nothing is drawn, so the seed has no part.

    `relevance` weighs features as in `fit_svm`.
    """
    exponent = float(settings.get("relevance", 0.0))
    view = fit_view(
        x, int(settings["dimensions"]), relevance(x, y) ** exponent if exponent else None
    )
    return Knn(
        view=view,
        known=samples(view.of_all(x)),
        malignant=y.copy(),
        neighbours=min(int(settings["neighbours"]), len(y)),
    )


def load_knn(content: bytes) -> Fitted:
    """Read the samples back.

    Raises:
        ArtefactError: the bytes are no file of arrays.
    """
    arrays = unpack(content, _FILE)
    return Knn(
        view=View(mean=arrays["mean"], scale=arrays["scale"], axes=arrays["axes"]),
        known=samples(arrays["known"]),
        malignant=arrays["malignant"],
        neighbours=int(arrays["neighbours"]),
    )
