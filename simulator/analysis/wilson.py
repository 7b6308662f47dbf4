"""The score interval of a share of independent cases."""

import math

from simulator.analysis.intervals import Interval
from simulator.analysis.precision import check_confidence


def wilson_interval(part: float, whole: float, confidence: float = 0.95) -> Interval:
    """Return the score interval of a share.

    It is for cases that are independent of each other, such as the verdicts on patients drawn one
    by one; not for waits, or for what waiting decides.

    Parameters:
        part: cases that are counted.
        whole: cases in all, at least 1.
        confidence: such as 0.95.

    Raises:
        ValueError: part is not within 0 and whole, or the confidence is no share.

    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22(158), 209-212.

    >>> interval = wilson_interval(8, 10)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.4902, 0.9433)
    """
    check_confidence(confidence)
    if not (whole >= 1 and 0 <= part <= whole):
        raise ValueError(f"{part:g} of {whole:g} is no share")
    from scipy.special import ndtri

    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    share = part / whole
    centre = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    spread = math.sqrt(z2) * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    half = spread / (1 + z2 / whole)
    # Exact arithmetic gives 0 and 1 at the ends; floating point misses them by a bit.
    low = 0.0 if part == 0 else centre - half
    high = 1.0 if part == whole else centre + half
    return Interval(
        mean=share, low=low, high=high, n=int(whole), half_width=(high - low) / 2, valid=True
    )
