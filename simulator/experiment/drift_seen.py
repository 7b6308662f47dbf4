"""Drift, all replications together: alarms beside the true onsets, estimates beside the truth."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

from simulator.analysis.detection import Watched, detection, false_alarms, pairs_of
from simulator.analysis.wilson import wilson_interval
from simulator.experiment.loop_drift import watched_in
from simulator.experiment.loop_windows import Onset, onsets
from simulator.experiment.result import ReplicationResult
from simulator.language.calendar import DAY_MIN
from simulator.language.form import ScenarioForm
from simulator.language.periods import periods

MONTH_MIN: Final = 30 * DAY_MIN


def drift_seen(
    scenario: ScenarioForm, results: Sequence[ReplicationResult], confidence: float
) -> dict[str, Any] | None:
    """Return plain data for summary.json; None where nothing watches."""
    kept = [result.loop["drift"] for result in results if result.loop["drift"]]
    if not kept:
        return None
    streams = sorted({(one[0], one[1]) for run in kept for one in run["streams"]})
    return {
        "onsets": [{"period": one.name, "at_min": one.onset_min} for one in onsets(scenario)],
        "families": _families(scenario, kept, confidence),
        "alarms": [[place, *alarm] for place, run in enumerate(kept) for alarm in run["alarms"]],
        "streams": [_stream(scenario, kept, detector, name) for detector, name in streams],
        "estimates": _estimates(kept, confidence),
    }


def _families(
    scenario: ScenarioForm, kept: Sequence[Mapping[str, Any]], confidence: float
) -> list[dict[str, Any]]:
    """Return false alarms and delays by detector and family of streams, with intervals.

    What is an alarm, a false one, and a delay, is defined in simulator/analysis/detection.py.
    """
    runs = [watched_in(run) for run in kept]
    rows = []
    for detector, family in pairs_of(runs):
        wrong = false_alarms(
            runs, detector, family, until_min=_first(scenario), confidence=confidence
        )
        rate = wrong.per_month
        rows.append(
            {
                "detector": detector,
                "family": family,
                "false_reports": wrong.reports,
                "false_per_month": None
                if rate is None
                else {"value": rate.mean, "low": rate.low, "high": rate.high},
                "delays": {
                    one.name: _seen(runs, detector, family, one, _end_of(scenario, one), confidence)
                    for one in onsets(scenario)
                },
            }
        )
    return rows


def _seen(
    runs: Sequence[Watched],
    detector: str,
    family: str,
    onset: Onset,
    to_min: float,
    confidence: float,
) -> dict[str, Any]:
    seen = detection(
        runs,
        detector,
        family,
        onset_min=onset.onset_min,
        onset_cases=[0] * len(runs),  # delays are told in days here
        to_min=to_min,
        confidence=confidence,
    )
    return {
        "runs": seen.runs,
        "seen": seen.detected,
        "share": {"value": seen.share.mean, "low": seen.share.low, "high": seen.share.high},
        "delay_min": list(seen.delay_min),
    }


def _end_of(scenario: ScenarioForm, onset: Onset) -> float:
    """Return until when an alarm tells of a shift: the next onset, or the shift's end."""
    return next(
        (part.to_min for part in periods(scenario) if part.name == onset.name), onset.to_min
    )


def _stream(
    scenario: ScenarioForm, kept: Sequence[Mapping[str, Any]], detector: str, name: str
) -> dict[str, Any]:
    """Return the alarms of one stream: false ones before the first shift, and delays after each.

    A delay runs from the onset to the first alarm before the next onset, or the shift's end.
    """
    by_run = [
        sorted(at_min for by, stream, at_min in run["alarms"] if (by, stream) == (detector, name))
        for run in kept
    ]
    quiet_min = [min(run["watched_min"], _first(scenario)) for run in kept]
    false = sum(
        at_min < until for run, until in zip(by_run, quiet_min, strict=True) for at_min in run
    )
    delays = {}
    for one in onsets(scenario):
        to_min = _end_of(scenario, one)
        firsts = [
            next((at_min for at_min in run if one.onset_min <= at_min < to_min), None)
            for run in by_run
        ]
        seen = [at_min - one.onset_min for at_min in firsts if at_min is not None]
        delays[one.name] = {
            "runs": len(kept),
            "seen": len(seen),
            "median_delay_min": median(seen) if seen else None,
        }
    watched_min = sum(quiet_min)
    return {
        "detector": detector,
        "stream": name,
        "alarms": sum(map(len, by_run)),
        "false": false,
        "quiet_min": watched_min,
        "false_per_month": false / watched_min * MONTH_MIN if watched_min else None,
        "delays": delays,
    }


def _first(scenario: ScenarioForm) -> float:
    """Return when the first shift begins; infinite where none does."""
    return min((shift.at_min for shift in scenario.shifts), default=float("inf"))


def _estimates(kept: Sequence[Mapping[str, Any]], confidence: float) -> dict[str, Any]:
    """Return, by metric, how often the interval holds the truth, and a row for each epoch."""
    metrics = sorted({one["metric"] for run in kept for one in run["estimates"]})
    return {metric: _of_metric(kept, metric, confidence) for metric in metrics}


def _of_metric(kept: Sequence[Mapping[str, Any]], metric: str, confidence: float) -> dict[str, Any]:
    every = [one for run in kept for one in run["estimates"] if one["metric"] == metric]
    judged = [one for one in every if one["valid"] and None not in (one["low"], one["true"])]
    holding = sum(one["low"] <= one["true"] <= one["high"] for one in judged)
    share = wilson_interval(holding, len(judged), confidence) if judged else None
    by_epoch: dict[float, list[Mapping[str, Any]]] = {}
    for one in every:
        by_epoch.setdefault(one["at_min"], []).append(one)
    reasons: dict[str, int] = {}
    for one in every:
        if not one["valid"]:
            kind = str(one["reason"]).partition("(")[0].strip()
            reasons[kind] = reasons.get(kind, 0) + 1
    return {
        "epochs": len(every),
        "not_valid": sum(not one["valid"] for one in every),
        "why_not_valid": dict(sorted(reasons.items(), key=lambda item: -item[1])),
        "judged": len(judged),
        "holding": holding,
        "holding_low": None if share is None else share.low,
        "holding_high": None if share is None else share.high,
        "rows": [_epoch(at_min, some) for at_min, some in sorted(by_epoch.items())],
    }


def _epoch(at_min: float, some: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the first replication's estimate of an epoch, and how many of all are not valid."""
    first = some[0]
    return {
        "at_min": at_min,
        **{name: first[name] for name in ("value", "low", "high", "valid", "true")},
        "runs": len(some),
        "not_valid": sum(not one["valid"] for one in some),
    }
