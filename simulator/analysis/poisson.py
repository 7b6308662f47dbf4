"""The exact interval of a rate of counted events."""

from simulator.analysis.intervals import Interval
from simulator.analysis.precision import check_confidence


def poisson_interval(count: int, exposure: float, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a rate: events by unit of exposure.

    It holds where events come independently of each other. Where they come in clumps it is too
    narrow.

    Parameters:
        count: events that were seen.
        exposure: for how long they could have been, above 0, in any unit.

    Raises:
        ValueError: a negative count, no exposure, or the confidence is no share.

    F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28(3/4), 437-442:
    the bounds are quantiles of gamma variates with shapes `count` and `count` + 1.

    >>> interval = poisson_interval(10, 1.0)
    >>> round(interval.low, 3), round(interval.high, 3)
    (4.795, 18.39)
    """
    check_confidence(confidence)
    if count < 0 or not exposure > 0:
        raise ValueError(f"{count} events in {exposure:g} is no rate")
    from scipy.special import gammaincinv

    tail = (1 - confidence) / 2
    low = float(gammaincinv(count, tail)) / exposure if count else 0.0
    high = float(gammaincinv(count + 1, 1 - tail)) / exposure
    return Interval(
        mean=count / exposure, low=low, high=high, n=count, half_width=(high - low) / 2, valid=True
    )
