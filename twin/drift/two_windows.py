"""Do the latest cases look like the run's first ones, all columns at once?

Hotelling's two-sample T² (Hotelling 1931; Anderson 2003, "An introduction to multivariate
statistical analysis", section 5.3): (n m / (n + m)) dᵀ S⁻¹ d with pooled covariance S, which is
k (n + m − 2) / (n + m − k − 1) times an F variate with k and n + m − k − 1 degrees of freedom if
the windows are alike. Means of 50 cases and more of clipped columns are near enough to normal.

The first cases and not the training images, for a clinic's prevalence differs from training's
from the first day on, and that is no drift.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.drift.columns import Columns
from twin.events import DriftSignal

Floats = NDArray[np.float64]

DETECTOR: Final = "hotelling"
STREAM: Final = "all"
ALPHA: Final = 0.001  # tested daily, one false alarm in about three years
_EARLY: Final = 3  # windows of first cases: their own chance then matters little
_CLIP: Final = 4.0  # standard deviations of the pooled windows
_RIDGE: Final = 1e-6  # of a variance of 1: columns that repeat one another
_DIGITS: Final = 6  # significant, of the statistic


class TwoWindows:
    """Holds the latest cases against the first ones.

    It alarms where the p-value falls below `ALPHA`, and not again before it has been above: the
    p-value itself, which every report has, tells how long a change lasts.

    Parameters:
        window_cases: in the latest window; the first cases are up to three times as many.
    """

    def __init__(self, window_cases: int) -> None:
        self._cases = window_cases
        self._early: Floats | None = None
        self._latest: Floats | None = None
        self._alarmed = False

    def signal(self, cases: Columns, at_min: float) -> DriftSignal | None:
        """Take in the cases since the last epoch; return the test as of now.

        None before there are a window of first cases and another one of latest. Compared are the
        sketch and those learners' scores that all cases of both windows have.
        """
        rows = np.concatenate([cases.sketch, cases.log_odds], axis=1)
        latest = rows if self._latest is None else np.concatenate([self._latest, rows])
        # What leaves the latest window joins the first cases until these are complete.
        leaving = latest[: max(0, len(latest) - self._cases)]
        early = leaving if self._early is None else np.concatenate([self._early, leaving])
        self._early = early = early[: _EARLY * self._cases]
        self._latest = latest = latest[-self._cases :]
        if len(early) < self._cases:
            return None
        known = ~(np.isnan(early).any(axis=0) | np.isnan(latest).any(axis=0))
        if not known.any():
            return None
        statistic, p_value = hotelling(early[:, known], latest[:, known])
        alarm = p_value < ALPHA and not self._alarmed
        self._alarmed = p_value < ALPHA
        return DriftSignal(
            detector=DETECTOR,
            stream=STREAM,
            alarms=(at_min,) if alarm else (),
            value=float(f"{statistic:.{_DIGITS}g}"),
            p_value=round(p_value, 6),
        )


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
