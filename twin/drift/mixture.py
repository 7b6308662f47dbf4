"""Could these images be the training images' two classes, mixed in another proportion?

If only the prevalence changes, what is seen follows π p(z | malignant) + (1 − π) p(z | benign)
with the class-conditional distributions of training. The test holds the window's means against
those of the best such mixture: Hansen (1982), "Large sample properties of generalized method of
moments estimators", Econometrica 50, theorem 4.1 and lemma 4.2: with k means and one free
parameter, the weighted squared distance at its minimum is χ² with k − 1 degrees of freedom.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CLIP: Final = 4.0  # standard deviations: means then hardly depend on a single odd image
_ROUNDS: Final = 5  # of reweighting; the proportion changes by less than 0.001 after three
_RIDGE: Final = 1e-9  # of a variance of 1: keeps columns that repeat one another solvable


@dataclass(frozen=True, slots=True)
class MixtureFit:
    """How well the best mixture of the training classes fits a window."""

    prevalence: float  # of the best mixture
    statistic: float
    p_value: float  # small: no mixture explains what is seen


class MixtureTest:
    """Tests windows against mixtures of two classes.

    Parameters:
        z: what training images looked like, shape (n, columns).
        malignant: shape (n,); at least two of each class.
    """

    def __init__(self, z: Floats, malignant: NDArray[np.bool_]) -> None:
        self._mean, sd = z.mean(axis=0), z.std(axis=0)
        self._sd = np.where(sd > 0, sd, 1.0)
        scaled = self._scaled(z)
        ill, well = scaled[malignant], scaled[~malignant]
        self._ill, self._well = _Moments.of(ill), _Moments.of(well)

    def fit(self, z: Floats) -> MixtureFit:
        """Return the best mixture for a window, shape (n, columns), and how well it fits."""
        from scipy.special import chdtrc

        seen = self._scaled(z)
        mean, count = seen.mean(axis=0), len(seen)
        ill, well = self._ill, self._well
        apart = ill.mean - well.mean
        prevalence = 0.5
        for _ in range(_ROUNDS):
            spread = (
                prevalence * ill.covariance
                + (1 - prevalence) * well.covariance
                + prevalence * (1 - prevalence) * apart[:, None] * apart[None, :]
            ) / count
            spread = spread + prevalence**2 * ill.covariance / ill.count
            spread = spread + (1 - prevalence) ** 2 * well.covariance / well.count
            spread = spread + _RIDGE / count * np.eye(len(mean))
            solved = np.linalg.solve(spread, np.stack([apart, mean - well.mean], axis=1))
            along = float((apart * solved[:, 0]).sum())
            found = float((apart * solved[:, 1]).sum()) / along if along > 0 else 0.0
            prevalence = min(1.0, max(0.0, found))
        rest = mean - well.mean - prevalence * apart
        statistic = float((rest * np.linalg.solve(spread, rest)).sum())
        return MixtureFit(prevalence, statistic, float(chdtrc(max(1, len(mean) - 1), statistic)))

    def _scaled(self, z: Floats) -> Floats:
        scaled: Floats = np.clip((z - self._mean) / self._sd, -_CLIP, _CLIP)
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    count: int
    mean: Floats
    covariance: Floats

    @classmethod
    def of(cls, rows: Floats) -> "_Moments":
        centred = rows - rows.mean(axis=0)
        covariance = np.einsum("ni,nj->ij", centred, centred) / max(1, len(rows) - 1)
        return cls(len(rows), rows.mean(axis=0), covariance)
