"""What a twin is told about watching for drift: plain values, made from a scenario."""

from dataclasses import dataclass
from typing import Literal

DetectorName = Literal["adwin", "page_hinkley", "kswin"]
DETECTORS: tuple[DetectorName, ...] = ("adwin", "page_hinkley", "kswin")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPlan:
    """Which detectors watch, and what an epoch's test and estimate look at."""

    detectors: tuple[DetectorName, ...] = DETECTORS
    window_cases: int = 200  # latest cases that the multivariate test and the estimate look at
    confidence: float = 0.95  # of estimates
