"""How soon drift detectors see a shift, and how often they cry wolf: the simulator knows the truth.

Definitions, for one detector on one family of streams:

- An **alarm** is when a number of a stream made the detector raise one, or when the test of an
  epoch did. A twin tells it in the report of that epoch, or of the next one.
- A **false alarm** is an alarm with no shift in force. All alarms of a family that one report
  tells count as one: whoever reads the report is alarmed once. Their number for each 30 days has
  the exact Poisson interval; it holds if reports are false independently of each other.
- A shift is **detected** if there is an alarm from its onset on and within the horizon. What is
  seen by chance is counted, too: runs without any shift tell how many would be (`by_chance`).
- The **delay** runs from the onset to that first alarm: in days, and in patients who arrived
  meanwhile. Quantiles are over all runs, those that did not detect being later than any: with
  one horizon for all, that is what Kaplan and Meier's estimator gives. A quantile that lies
  behind the horizon is not known.

Mean time between false alarms and mean delay are the two sides on which detectors of change are
judged: Page (1954), Continuous inspection schemes, Biometrika 41; Basseville & Nikiforov (1993),
Detection of abrupt changes, section 4.4. Rates and medians stand for the means here because runs
end before every detector has seen every shift.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.analysis.intervals import Interval
from simulator.analysis.poisson import poisson_interval
from simulator.analysis.wilson import wilson_interval
from twin.errors import InvariantError
from twin.events import DriftReported

ANY: Final = "any"  # of the families, or of the detectors
FAMILIES: Final = ("inputs", "scores", "disagreement", "performance", "multivariate")
MONTH_MIN: Final = 30 * 1440.0
_QUARTILES: Final = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm of one detector on one stream."""

    detector: str
    stream: str
    at_min: float
    cases: int  # patients who had arrived by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one run's reports tell."""

    epochs_min: tuple[float, ...]  # of the reports, rising
    streams: frozenset[tuple[str, str]]  # detector and stream, that were watched
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """False alarms of a detector on a family."""

    reports: int  # with a false alarm
    watched_min: float  # all runs together
    per_month: Interval | None  # of 30 days; None where nothing was watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """How soon a detector on a family saw one shift."""

    runs: int
    detected: int
    share: Interval
    delay_min: tuple[float | None, float | None, float | None]  # quartiles; None: later
    delay_cases: tuple[int | None, int | None, int | None]  # likewise, in patients


def family_of(stream: str) -> str:
    """Return the family of a stream.

    Raises:
        InvariantError: a stream of no family.

    >>> family_of("input.3"), family_of("score.svm"), family_of("loss")
    ('inputs', 'scores', 'performance')
    """
    start = stream.partition(".")[0]
    names = {
        "input": "inputs",
        "score": "scores",
        "disagreement": "disagreement",
        "loss": "performance",
        "all": "multivariate",
    }
    if start not in names:
        raise InvariantError(f"stream {stream!r} is of no family")
    return names[start]


def watched_of(reports: Sequence[DriftReported], arrivals_min: Sequence[float]) -> Watched:
    """Return what a run's reports tell.

    Parameters:
        reports: of one run, in order.
        arrivals_min: when its patients arrived, rising.
    """
    signals = [signal for report in reports for signal in report.signals]
    return Watched(
        epochs_min=tuple(report.at_min for report in reports),
        streams=frozenset((one.detector, one.stream) for one in signals),
        alarms=tuple(
            Alarm(
                detector=one.detector,
                stream=one.stream,
                at_min=at_min,
                cases=arrived_by(arrivals_min, at_min),
            )
            for one in signals
            for at_min in one.alarms
        ),
    )


def arrived_by(arrivals_min: Sequence[float], at_min: float) -> int:
    """Return how many patients arrived by a time, one who arrives then included."""
    return bisect_left(arrivals_min, math.nextafter(at_min, math.inf))


def pairs_of(runs: Iterable[Watched]) -> list[tuple[str, str]]:
    """Return detectors and the families that they watch, each also with all families as `ANY`.

    First comes any detector on any family.
    """
    pairs = {(by, family_of(stream)) for run in runs for by, stream in run.streams}
    found = [(ANY, ANY)]
    for detector in sorted({by for by, _ in pairs}):
        families = [family for family in FAMILIES if (detector, family) in pairs]
        found += [(detector, family) for family in ([ANY, *families] if families[1:] else families)]
    return found


def false_alarms(
    runs: Sequence[Watched],
    detector: str,
    family: str,
    *,
    until_min: float = math.inf,
    confidence: float = 0.95,
) -> FalseAlarms:
    """Count the alarms with no shift in force.

    Parameters:
        runs: independent of each other. Of runs that share their random numbers and differ in a
            later shift alone, take one: before the shift they are one and the same.
        until_min: when the first shift begins; infinite where none does.
    """
    reports, watched_min = 0, 0.0
    for run in runs:
        told = {
            bisect_left(run.epochs_min, one.at_min)
            for one in _of(run, detector, family)
            if one.at_min < until_min
        }
        reports += len(told)
        watched_min += min(run.epochs_min[-1] if run.epochs_min else 0.0, until_min)
    rate = None
    if watched_min > 0:
        rate = poisson_interval(reports, watched_min / MONTH_MIN, confidence)
    return FalseAlarms(reports=reports, watched_min=watched_min, per_month=rate)


def detection(
    runs: Sequence[Watched],
    detector: str,
    family: str,
    *,
    onset_min: float,
    onset_cases: Sequence[int],
    to_min: float,
    confidence: float = 0.95,
) -> Detection:
    """Return how soon a shift is seen.

    Parameters:
        runs: at least one.
        onset_min: when the shift begins.
        onset_cases: patients who had arrived before it, by run.
        to_min: the horizon: until when an alarm counts, exclusive; by then the shift is in force.

    Raises:
        ValueError: no runs, or not as many counts as runs.
    """
    if not runs:
        raise ValueError("nobody watched")
    delays_min, delays_cases = [], []
    for run, before in zip(runs, onset_cases, strict=True):
        after = [one for one in _of(run, detector, family) if onset_min <= one.at_min < to_min]
        first = min(after, key=lambda one: one.at_min, default=None)
        delays_min.append(math.inf if first is None else first.at_min - onset_min)
        delays_cases.append(math.inf if first is None else first.cases - before)
    detected = sum(delay < math.inf for delay in delays_min)
    low, middle, high = (_known(one) for one in quantiles(delays_min))
    early, median, late = (_known(one) for one in quantiles(delays_cases))
    return Detection(
        runs=len(runs),
        detected=detected,
        share=wilson_interval(detected, len(runs), confidence),
        delay_min=(low, middle, high),
        delay_cases=(_whole(early), _whole(median), _whole(late)),
    )


def quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Return the quartiles, each one of the values: the first that so many do not exceed.

    Between values nothing is interpolated, for some are infinite (Hyndman & Fan 1996, type 1).
    """
    ranked = sorted(values)
    return tuple(ranked[max(0, math.ceil(share * len(ranked)) - 1)] for share in _QUARTILES)


def _of(run: Watched, detector: str, family: str) -> list[Alarm]:
    return [
        one
        for one in run.alarms
        if detector in (ANY, one.detector) and family in (ANY, family_of(one.stream))
    ]


def _known(value: float) -> float | None:
    return value if value < math.inf else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
