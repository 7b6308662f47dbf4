"""Steady state of a birth-death chain, on which finite rooms and impatience rest."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def stationary(births: float, deaths: Vector) -> Vector:
    """Return the probabilities of states 0..n of a chain with one birth rate.

    Parameters:
        births: rate from each state to the next, per unit of time.
        deaths: rates from states 1..n to the one below, shape (n,), never decreasing.

    pi(k) = pi(k-1) births / deaths(k): L. Kleinrock (1975), Queueing Systems I, eq. 3.11.

    >>> stationary(1.0, np.array([1.0, 2.0])).round(3).tolist()
    [0.4, 0.4, 0.2]
    """
    steps = np.log(births / deaths)
    # The weights are counted from the likeliest state, so that none overflows and the large ones
    # come from short sums, with little rounding.
    mode = int(np.count_nonzero(steps > 0))
    below = -np.cumsum(steps[:mode][::-1])[::-1]
    above = np.cumsum(steps[mode:])
    weights = np.exp(np.concatenate([below, [0.0], above]))
    return np.asarray(weights / weights.sum(), dtype=np.float64)
