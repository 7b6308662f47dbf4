"""Detectors by kind and severity of shift: plain data of many runs whose shifts are known."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.analysis.detection import Detection, Watched, detection, false_alarms, pairs_of
from simulator.analysis.intervals import Interval
from simulator.analysis.wilson import wilson_interval
from simulator.experiment.loop_drift import watched_in
from simulator.experiment.result import ReplicationResult
from simulator.language.calendar import DAY_MIN

PREVALENCE = "prevalence"  # the shift of those who come; all others are kinds of image


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The replications of one scenario, and what shifts in it."""

    shift: str  # kind; empty where nothing shifts
    level: float  # severity 1 to 5, or the prevalence after the shift, or 0
    results: Sequence[ReplicationResult]


def detector_table(
    trials: Sequence[Trial], *, onset_min: float, horizon_min: float, confidence: float
) -> dict[str, Any]:
    """Return plain data: detectors without any shift, under each shift, and estimates beside them.

    Parameters:
        trials: the first without any shift.
        onset_min: of every shift. Without a shift, alarms from then on are there by chance.
        horizon_min: until when an alarm counts.
    """
    quiet, *shifted = trials
    runs = _watched(quiet)
    span = {"onset_min": onset_min, "to_min": horizon_min, "confidence": confidence}
    found = []
    for detector, family in pairs_of(runs):
        wrong = false_alarms(runs, detector, family, confidence=confidence)
        by_chance = detection(runs, detector, family, onset_cases=[0] * len(runs), **span)
        found.append(
            {
                "detector": detector,
                "family": family,
                "false_reports": wrong.reports,
                "watched_days": wrong.watched_min / DAY_MIN,
                "false_per_month": _told(wrong.per_month),
                "by_chance": {"runs": by_chance.runs, "detected": by_chance.detected}
                | {"share": _told(by_chance.share)},
            }
        )
    return {
        "onset_min": onset_min,
        "horizon_min": horizon_min,
        "confidence": confidence,
        "replications": {
            "with": max((len(one.results) for one in shifted), default=0),
            "without": len(quiet.results),
        },
        "without": found,
        "rows": [row for trial in shifted for row in _rows(trial, span)],
        "estimates": [row for trial in trials for row in _estimates(trial, onset_min, confidence)],
    }


def _rows(trial: Trial, span: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    runs = _watched(trial)
    # There is one shift, and so one count of patients before it.
    before = [int(one.loop["drift"]["onset_cases"][0]) for one in trial.results]
    for detector, family in pairs_of(runs):
        seen = detection(
            runs,
            detector,
            family,
            onset_min=span["onset_min"],
            onset_cases=before,
            to_min=span["to_min"],
            confidence=span["confidence"],
        )
        yield {"shift": trial.shift, "level": trial.level} | _seen(detector, family, seen)


def _seen(detector: str, family: str, seen: Detection) -> dict[str, Any]:
    return {
        "detector": detector,
        "family": family,
        "runs": seen.runs,
        "detected": seen.detected,
        "share": _told(seen.share),
        "delay_days": [None if one is None else one / DAY_MIN for one in seen.delay_min],
        "delay_cases": list(seen.delay_cases),
    }


def _estimates(trial: Trial, onset_min: float, confidence: float) -> Iterator[dict[str, Any]]:
    """Yield how often the intervals of estimates without labels hold the truth, by metric.

    Of runs with a shift, only windows of epochs after its onset; those that hold patients from
    before it, too, are among them.
    """
    since_min = onset_min if trial.shift else -math.inf
    every = [
        one
        for result in trial.results
        for one in result.loop["drift"]["estimates"]
        if one["at_min"] > since_min
    ]
    for metric in dict.fromkeys(one["metric"] for one in every):
        some = [one for one in every if one["metric"] == metric]
        known = [one for one in some if one["valid"] and None not in (one["low"], one["true"])]
        held = sum(one["low"] <= one["true"] <= one["high"] for one in known)
        share = wilson_interval(held, len(known), confidence) if known else None
        yield {
            "shift": trial.shift,
            "level": trial.level,
            "metric": metric,
            "windows": len(some),
            "not_valid": sum(not one["valid"] for one in some),
            "judged": len(known),
            "held": held,
            "share": _told(share),
        }


def _watched(trial: Trial) -> list[Watched]:
    return [watched_in(one.loop["drift"]) for one in trial.results]


def _told(interval: Interval | None) -> dict[str, float | None] | None:
    if interval is None:
        return None
    return {"value": interval.mean, "low": interval.low, "high": interval.high}
