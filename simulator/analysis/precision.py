"""How many replications an answer needs, judged from those that were run."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

MOST_REPLICATIONS: Final = 1_000_000  # assumption: nobody runs more


def replications_for_precision(
    values: Sequence[float], relative_half_width: float, confidence: float = 0.95
) -> int | None:
    """Return how many replications in all are probably needed for a relative precision.

    Parameters:
        values: one number per replication so far, two or more, shape (n,).
        relative_half_width: wanted error over the absolute true mean, above 0, below 1.
        confidence: between 0 and 1.

    Returns at least n, or None when the mean is 0 or more than a million would be needed. It
    takes the spread found so far for the true one: run so many, and ask again.

    Raises:
        ValueError: fewer than two values, or a number beyond its limits.

    The half width must not exceed g / (1 + g) of the *estimated* mean, for the error to stay below
    g of the true one: A. M. Law (2015), Simulation Modeling and Analysis, 5th ed., eq. 9.3.

    >>> replications_for_precision([9.0, 11.0, 10.0, 10.5], 0.05)
    15
    """
    data = _spread("values", values)
    check_confidence(confidence)
    if not 0 < relative_half_width < 1:
        raise ValueError(f"relative_half_width={relative_half_width!r}: expected above 0, below 1")
    wanted = relative_half_width / (1 + relative_half_width) * abs(float(data.mean()))
    return _least(data, confidence, lambda half: half <= wanted)


def replications_to_decide(
    values: Sequence[float], bound: float, confidence: float = 0.95
) -> int | None:
    """Return how many replications in all until the interval of the mean excludes `bound`.

    Parameters:
        values: one number per replication so far, two or more, shape (n,).
        bound: finite, in the unit of the values.
        confidence: between 0 and 1.

    Returns at least n, or None when the mean is the bound or more than a million would be needed.
    It takes mean and spread found so far for the true ones; where these err, more are needed.

    Raises:
        ValueError: fewer than two values, or a number that is not finite.

    The reasoning of Law (2015), eq. 9.2, with the distance to the bound as the half width.

    >>> replications_to_decide([9.0, 11.0, 10.0, 10.5], 9.9)
    58
    """
    data = _spread("values", values)
    check_confidence(confidence)
    if not math.isfinite(bound):
        raise ValueError(f"bound={bound!r}: expected a finite number")
    distance = abs(float(data.mean()) - bound)
    return _least(data, confidence, lambda half: half < distance)


def t_quantile(p: float, degrees: int) -> float:
    """Return the p quantile of Student's t with `degrees` degrees of freedom.

    >>> round(t_quantile(0.975, 9), 6)
    2.262157
    """
    from scipy.special import stdtrit  # not at the top: `dermtwin --help` does without it

    return float(stdtrit(degrees, p))


def numbers(name: str, values: Sequence[float]) -> Vector:
    """Return the values as an array; ValueError when there is none or one is no finite number."""
    if len(values) == 0:
        raise ValueError(f"{name}: expected one value or more")
    for i, value in enumerate(values):
        # NumPy would turn None into NaN, and a mean over it into a NaN that looks like a result.
        if value is None or not math.isfinite(value):
            raise ValueError(f"{name}[{i}]={value!r}: expected a finite number")
    return np.asarray(values, dtype=np.float64)


def check_confidence(confidence: float) -> None:
    """Raise ValueError unless the confidence lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r}: expected between 0 and 1, such as 0.95")


def standard_error(data: Vector) -> float:
    """Return the standard error of the mean of independent values; 0 when all are equal."""
    # Equal values may differ from their rounded mean by a bit, which is no spread.
    if data.min() == data.max():
        return 0.0
    return float(data.std(ddof=1)) / math.sqrt(len(data))


def _spread(name: str, values: Sequence[float]) -> Vector:
    data = numbers(name, values)
    if len(data) < 2:
        raise ValueError(f"{name}: expected two values or more, for one has no spread")
    return data


def _least(data: Vector, confidence: float, enough: Callable[[float], bool]) -> int | None:
    deviation = standard_error(data) * math.sqrt(len(data))

    def reached(n: int) -> bool:
        return enough(t_quantile((1 + confidence) / 2, n - 1) * deviation / math.sqrt(n))

    # The half width falls with every replication, so halving finds the first that is enough.
    low, high = len(data), max(len(data), MOST_REPLICATIONS)
    if not reached(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle + 1
    return low
