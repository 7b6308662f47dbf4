"""Bands over futures: pointwise quantiles, and what they mean.

At each point of time by itself, a fresh future lies in the band from p05 to p95 with a chance of
90 %, and as often below p50 as above. A whole path stays in the band less often. What is uncertain
is what happens next: draws of arrivals, services, routes and opinions, and where in the clinic
people are now. The scenario is taken as it stands: that its rates and durations are estimates, or
wrong, is not in the bands.

Quantiles are of type 6 (R. J. Hyndman, Y. Fan 1996, The American Statistician 50(4), 361-365): of n
futures, the one of rank k lies above a fresh one with a chance of k / (n + 1), so the band from p05
to p95 covers 90 % however few the futures are, down to `FEWEST`. Below, it ends at the lowest and
the highest future and covers (n - 1) / (n + 1).
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from simulator.analysis.frames import Floats

LEVELS: Final = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
FEWEST: Final = 19  # futures from which on p05 and p95 are among them: 1 / (n + 1) <= 0.05

Band = dict[str, list[float | None]]


def bands(runs: Sequence[Mapping[str, Floats]]) -> dict[str, Band]:
    """Return the band of each axis; None where no future has anything to say."""
    return {name: _band(np.array([run[name] for run in runs])) for name in runs[0]}


def metric_bands(runs: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Return the band of each figure, and its mean."""
    found: dict[str, dict[str, float | None]] = {}
    for name in runs[0]:
        values = np.array([[run[name]] for run in runs])
        known = values[~np.isnan(values)]
        mean = _plain(float(known.mean())) if len(known) else None
        found[name] = {"mean": mean, **{key: one[0] for key, one in _band(values).items()}}
    return found


def _band(values: Floats) -> Band:
    """Return quantiles over the first axis of (futures, points)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of points that nobody speaks of
        found = np.nanquantile(values, list(LEVELS.values()), axis=0, method="weibull")
    return {
        key: [None if np.isnan(value) else _plain(float(value)) for value in row]
        for key, row in zip(LEVELS, found, strict=True)
    }


def _plain(value: float) -> float:
    return float(f"{value:.6g}")
