"""Do two windows of cases have the same means, all columns at once?

Hotelling's two-sample T² (Hotelling 1931; Anderson 2003, "An introduction to multivariate
statistical analysis", section 5.3): (n m / (n + m)) dᵀ S⁻¹ d with pooled covariance S, which is
k (n + m − 2) / (n + m − k − 1) times an F variate with k and n + m − k − 1 degrees of freedom if
the windows are alike. Means of 50 cases and more of clipped columns are near enough to normal.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CLIP: Final = 4.0  # standard deviations of the pooled windows
_RIDGE: Final = 1e-6  # of a variance of 1: columns that repeat one another


def hotelling(first: Floats, second: Floats) -> tuple[float, float]:
    """Return T² and its p-value.

    Parameters:
        first: (n, columns), without NaN.
        second: (m, columns); n + m must exceed columns + 1.
    """
    from scipy.special import fdtrc

    n, m, k = len(first), len(second), first.shape[1]
    both = np.concatenate([first, second])
    mean, sd = both.mean(axis=0), both.std(axis=0)
    scaled = np.clip((both - mean) / np.where(sd > 0, sd, 1.0), -_CLIP, _CLIP)
    one, other = scaled[:n], scaled[n:]
    difference = one.mean(axis=0) - other.mean(axis=0)
    pooled = (_scatter(one) + _scatter(other)) / (n + m - 2) + _RIDGE * np.eye(k)
    distance = float((difference * np.linalg.solve(pooled, difference)).sum())
    statistic = n * m / (n + m) * distance
    freedom = n + m - k - 1
    return statistic, float(fdtrc(k, freedom, statistic * freedom / (k * (n + m - 2))))


def _scatter(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=0)
    scatter: Floats = np.einsum("ni,nj->ij", centred, centred)
    return scatter
