"""Cases that share a picture are not independent: sums over such clusters."""

import numpy as np
from numpy.typing import NDArray


def effective_cases(weight: NDArray[np.float64], cluster: NDArray[np.intp]) -> float:
    """Return Kish's effective sample size, of clusters (Kish 1965, section 11.7).

    (Σ W)² / Σ W² over the clusters' sums of weights W.

    >>> effective_cases(np.ones(4), np.array([0, 0, 1, 1]))
    2.0
    """
    sums = by_cluster(weight, cluster)
    squares = float(np.sum(sums * sums))
    return float(sums.sum()) ** 2 / squares if squares else 0.0


def variance_of_sum(influence: NDArray[np.float64], cluster: NDArray[np.intp]) -> float:
    """Return the variance of Σ influence, with clusters drawn independently."""
    sums = by_cluster(influence, cluster)
    count = len(sums)
    return float(np.sum(sums * sums)) * count / max(count - 1, 1)


def by_cluster(value: NDArray[np.float64], cluster: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the sum of each cluster, in order of its number."""
    _, place = np.unique(cluster, return_inverse=True)
    return np.asarray(np.bincount(place, weights=value), np.float64)
