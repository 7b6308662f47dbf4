"""Which settings to try: all of a grid, or points spread evenly over ranges."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from simulator.draws.streams import stream


def grid(axes: Mapping[str, Sequence[object]]) -> list[dict[str, object]]:
    """Return every combination of the values, the last axis turning fastest.

    Parameters:
        axes: the values to try, per setting.

    Raises:
        ValueError: an axis without values, or a text where a list of values belongs.

    >>> grid({"readers": [1, 2], "flag": ["on", "off"]})[1]
    {'readers': 1, 'flag': 'off'}
    >>> len(grid({"readers": [1, 2], "flag": ["on", "off"]}))
    4
    """
    for name, values in axes.items():
        # A text is a sequence too, of letters.
        if isinstance(values, str | bytes):
            raise ValueError(f"{name}={values!r}: expected a list of values")
        if len(values) == 0:
            raise ValueError(f"{name}: expected one value or more")
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def latin_hypercube(
    ranges: Mapping[str, tuple[float, float]], points: int, seed: int
) -> list[dict[str, float]]:
    """Return points of a Latin hypercube: each axis cut into `points` strata, each hit once.

    Parameters:
        ranges: lowest and highest value per setting; points lie from lowest to below highest.
        points: 1 or more.
        seed: the same seed gives the same points, and an axis more leaves the others as they were.

    Raises:
        ValueError: an empty or infinite range, or no points.

    M. D. McKay, R. J. Beckman, W. J. Conover (1979), A comparison of three methods for selecting
    values of input variables in the analysis of output from a computer code, Technometrics 21(2),
    239-245.

    >>> points = latin_hypercube({"rate_per_h": (4.0, 8.0)}, 4, seed=1)
    >>> sorted(int(point["rate_per_h"]) for point in points)
    [4, 5, 6, 7]
    """
    if not (points >= 1 and points == int(points)):
        raise ValueError(f"points={points!r}: expected a whole number, 1 or more")
    columns = {}
    for name, (low, high) in ranges.items():
        if not (low < high and math.isfinite(high - low)):
            raise ValueError(f"{name}=({low!r}, {high!r}): expected a low below a finite high")
        draws = stream(seed, 0, "latin_hypercube", name)
        # The order of random numbers is a random permutation that any version of NumPy repeats.
        strata = np.argsort(draws.random(points), kind="stable")
        within = (strata + draws.random(points)) / points
        values = low + within * (high - low)
        # Rounding may reach the upper end, which belongs to no stratum.
        columns[name] = np.minimum(values, np.nextafter(high, low)).tolist()
    return [{name: column[i] for name, column in columns.items()} for i in range(points)]
