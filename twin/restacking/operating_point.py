"""Where the threshold belongs when prevalence or calibration moves.

Policy: the operating point keeps its likelihood ratio. A threshold on a calibrated probability is
a likelihood ratio times the odds of the prevalence; the ratio says what a missed lesion is worth
against a biopsy in vain, and that does not change because more patients are ill. So a pure shift
of prevalence leaves every decision as it was.
"""

import math


def threshold_at(prevalence: float, base_threshold: float, base_prevalence: float) -> float:
    """Return the threshold with the likelihood ratio that version 0 had in training.

    >>> round(threshold_at(0.45, 0.5, 0.45), 6)
    0.5
    """
    ratio = odds(base_threshold) / odds(base_prevalence)
    found = ratio * odds(prevalence)
    return found / (1.0 + found)


def odds(share: float) -> float:
    """Return the odds of a share, kept away from 0 and 1.

    >>> odds(0.5)
    1.0
    """
    kept = min(max(share, 1e-6), 1.0 - 1e-6)
    return kept / (1.0 - kept)


def logit(share: float) -> float:
    """Return the log-odds of a share, in nats."""
    return math.log(odds(share))
