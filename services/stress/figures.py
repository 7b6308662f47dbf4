"""The mathematics of a load: percentiles over time, throughput, and what grows."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.stress.book import Entries

Floats = NDArray[np.float64]

PERCENTILES: Final = {
    50.0: "p50",
    90.0: "p90",
    95.0: "p95",
    99.0: "p99",
    99.9: "p999",
    100.0: "max",
}
_MOST_POINTS: Final = 500  # of a Theil-Sen line: pairs grow with their square
_GRID: Final = 200  # points of a cumulative curve that a line is put through


def percentile(values: Floats, share: float) -> float:
    """Return a percentile (0 to 100) that is one of the values: the smallest that so many reach.

    Nothing is interpolated, so a case without an answer, whose latency is infinite, spoils the
    percentiles that it belongs to and no others. NaN where there are no values.

    >>> percentile(np.array([1.0, 2.0, np.inf]), 50), percentile(np.array([1.0, np.inf]), 99)
    (2.0, inf)
    """
    if not len(values):
        return float("nan")
    rank = max(0, int(np.ceil(share / 100 * len(values) - 1e-9)) - 1)
    return float(np.partition(values, rank)[rank])


def latencies(values_ms: Floats) -> dict[str, float]:
    """Return the percentiles by the names of their metrics; NaN where there are no values."""
    return {
        f"latency.{name}_ms": percentile(values_ms, share) for share, name in PERCENTILES.items()
    }


def windowed(at_s: Floats, values: Floats, edges_s: Floats, share: float) -> Floats:
    """Return a percentile of the values in each window; NaN where a window is empty.

    Parameters:
        at_s: sorted times of the values.
        edges_s: borders of the windows, one more than there are windows.
    """
    cuts = np.searchsorted(at_s, edges_s, side="left")
    return np.array([percentile(values[a:b], share) for a, b in pairwise(cuts)])


def theil_sen(x: Floats, y: Floats) -> float:
    """Return the median slope of all pairs of points; 0 for fewer than two.

    Robust: a few points that stand out, a spike of memory or lag, do not move it. H. Theil (1950);
    P. K. Sen (1968), doi:10.1080/01621459.1968.10480934.

    >>> theil_sen(np.array([0.0, 1, 2, 3]), np.array([0.0, 2, 100, 6]))
    2.0
    """
    if len(x) > _MOST_POINTS:
        kept = np.linspace(0, len(x) - 1, _MOST_POINTS).astype(int)
        x, y = x[kept], y[kept]
    first, second = np.triu_indices(len(x), k=1)
    run = x[second] - x[first]
    rise = (y[second] - y[first])[run > 0]
    return float(np.median(rise / run[run > 0])) if len(rise) else 0.0


def growth(at_s: Floats, values: Floats) -> float:
    """Return by which share of its median a series has grown: Theil-Sen slope times its length."""
    if len(values) < 2:
        return 0.0
    middle = float(np.median(values))
    return theil_sen(at_s, values) * float(at_s[-1] - at_s[0]) / middle if middle else 0.0


def count_at(events_s: Floats, at_s: Floats) -> Floats:
    """Return how many events there were up to each time; NaN among the events never happen."""
    happened = np.sort(events_s[~np.isnan(events_s)])
    return np.searchsorted(happened, at_s, side="right").astype(np.float64)


def lag_at(entries: Entries, at_s: Floats) -> Floats:
    """Return how many cases were sent and not answered at each time."""
    return count_at(entries.sent_s, at_s) - count_at(entries.answered_s, at_s)


def pace(events_s: Floats, from_s: float, to_s: float) -> float:
    """Return events per second in a window, as the slope of their cumulative number.

    Answers come by the batch: what a count at both ends would take for a change of pace, a line
    through the whole window does not.
    """
    grid = np.linspace(from_s, to_s, _GRID)
    return theil_sen(grid, count_at(events_s, grid))


def per_second(events_s: Floats, from_s: float, seconds: int) -> NDArray[np.int64]:
    """Return how many events fall into each second from a time on."""
    edges = from_s + np.arange(seconds + 1)
    return np.diff(np.searchsorted(np.sort(events_s[~np.isnan(events_s)]), edges, side="left"))


def ratio_to_first(at_s: Floats, values: Floats, first_s: float, share: float) -> float:
    """Return a percentile of what came after the first so many seconds over that within them.

    NaN where either has no values.
    """
    if not len(at_s):
        return float("nan")
    cut = int(np.searchsorted(at_s, at_s[0] + first_s, side="left"))
    before, after = percentile(values[:cut], share), percentile(values[cut:], share)
    return after / before if before else float("nan")
