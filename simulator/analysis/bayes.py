"""What Bayes' theorem makes of sensitivity and specificity at another prevalence.

Odds after a test are odds before it times the test's likelihood ratio. The logarithm of a
likelihood ratio of counted cases has a variance in closed form (D. L. Simel, G. P. Samsa,
D. B. Matchar 1991, Journal of Clinical Epidemiology 44(8), 763-770), so the delta method on the
logit gives the interval of the predictive value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from simulator.analysis.precision import check_confidence

# J. B. S. Haldane (1956), The estimation and significance of the logarithm of a ratio of
# frequencies, Annals of Human Genetics 20(4), 309-311: added to each count.
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Cases by truth and by what was said of them."""

    hits: float  # malignant, and said to be
    misses: float  # malignant, and not said to be
    alarms: float  # benign, and said to be malignant
    passes: float  # benign, and not said to be

    @property
    def malignant(self) -> float:
        """Malignant cases."""
        return self.hits + self.misses

    @property
    def benign(self) -> float:
        """Benign cases."""
        return self.alarms + self.passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Logit:
    """An estimated share on the scale of its log-odds, where it is nearly normal."""

    centre: float
    variance: float

    @property
    def share(self) -> float:
        """The share itself."""
        return _share(self.centre)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval of the share."""
        half = _z(confidence) * math.sqrt(self.variance)
        return _share(self.centre - half), _share(self.centre + half)


def by_bayes(kind: Literal["ppv", "npv"], prevalence: float, counts: Counts) -> Logit:
    """Return the predictive value at a known prevalence, with what is uncertain of the test.

    Parameters:
        prevalence: true share of malignant patients, above 0, below 1.
        counts: of other patients than those of that prevalence.

    Raises:
        ValueError: the prevalence is not between 0 and 1.

    >>> found = by_bayes("ppv", 0.15, Counts(hits=90, misses=10, alarms=200, passes=800))
    >>> round(found.share, 3), [round(end, 3) for end in found.interval(0.95)]
    (0.443, [0.408, 0.477])
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence={prevalence!r}: expected between 0 and 1")
    counts = _counted(counts)
    if kind == "ppv":
        ill, well = counts.hits, counts.alarms
    else:
        ill, well = counts.misses, counts.passes
    log_ratio = math.log(ill / counts.malignant) - math.log(well / counts.benign)
    variance = 1 / ill - 1 / counts.malignant + 1 / well - 1 / counts.benign
    centre = math.log(prevalence / (1 - prevalence)) + log_ratio  # of being malignant
    return Logit(centre=centre if kind == "ppv" else -centre, variance=variance)


def of_share(part: float, whole: float) -> Logit:
    """Return a counted share of independent cases; `whole` is 1 or more."""
    yes, no = part + _HALF, whole - part + _HALF
    return Logit(centre=math.log(yes / no), variance=1 / yes + 1 / no)


def chance_of(a: Logit, b: Logit) -> float:
    """Return how often two estimates of one share differ so much or more: a two-sided test."""
    return math.erfc(abs(a.centre - b.centre) / math.sqrt(2 * (a.variance + b.variance)))


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values that hold for several tests together, in the same order.

    S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal
    of Statistics 6(2), 65-70.

    >>> holm([0.01, 0.5, 0.02])
    [0.03, 0.5, 0.04]
    """
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    found, least = [0.0] * len(chances), 0.0
    for done, place in enumerate(order):
        least = max(least, min(1.0, (len(chances) - done) * chances[place]))
        found[place] = least
    return found


def _counted(counts: Counts) -> Counts:
    """Return the counts; where one is nought, each with a half more, so that logarithms exist."""
    cells = (counts.hits, counts.misses, counts.alarms, counts.passes)
    if min(cells) > 0:
        return counts
    hits, misses, alarms, passes = (cell + _HALF for cell in cells)
    return Counts(hits=hits, misses=misses, alarms=alarms, passes=passes)


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _z(confidence: float) -> float:
    check_confidence(confidence)
    from scipy.special import ndtri  # a quarter of a second that others need not wait

    return float(ndtri((1 + confidence) / 2))
