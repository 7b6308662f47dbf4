"""What happened over event time, in bins: arrivals, verdicts, departures, waits."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    CaseRejected,
    FeedbackReceived,
    VerdictIssued,
)

BIN_MIN: Final = 15.0  # the finest bins; coarser ones are made of them
MOST_BINS: Final = 3_000  # a month of them; older ones go
_MOST_WAITS: Final = 500  # of a node in a bin, from which percentiles are read: assumption


@dataclass(slots=True)
class _Bin:
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    waits_min: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


class Series:
    """Bins by event time."""

    def __init__(self) -> None:
        self._bins: dict[int, _Bin] = {}
        # What was told of coarser bins, by how many of ours they have: only those change in which
        # something happens.
        self._told: dict[int, dict[int, dict[str, Any]]] = {}

    def add(self, event: CaseEvent) -> None:
        """Take in what happened to a case."""
        number = int(event.at_min // BIN_MIN)
        for each, told in self._told.items():
            told.pop(number // each, None)
        one = self._bins.get(number)
        if one is None:
            one = self._bins[number] = _Bin()
            if len(self._bins) > MOST_BINS:
                del self._bins[min(self._bins)]
                self._told.clear()
        match event:
            case CaseArrived():
                one.counts["arrivals"] += 1
            case VerdictIssued():
                one.counts["verdicts"] += 1
                one.counts["flagged"] += event.malignant
            case CaseRejected():
                one.counts["rejected"] += 1
            case FeedbackReceived():
                one.counts["labels"] += 1
            case CaseClosed():
                one.counts["closed"] += 1
                one.counts["referred"] += event.referred
                for node, wait_min in event.waits_min.items():
                    if len(one.waits_min[node]) < _MOST_WAITS:
                        one.waits_min[node].append(wait_min)

    def bins(self, bin_min: float) -> list[dict[str, Any]]:
        """Return all bins that hold something, in order.

        Parameters:
            bin_min: a multiple of `BIN_MIN`.
        """
        each = max(1, round(bin_min / BIN_MIN))
        told = self._told.setdefault(each, {})
        merged: defaultdict[int, list[_Bin]] = defaultdict(list)
        for number in sorted(self._bins):
            merged[number // each].append(self._bins[number])
        for number, parts in merged.items():
            if number not in told:
                told[number] = _told(number * each * BIN_MIN, parts)
        return [told[number] for number in merged]


def _told(from_min: float, parts: list[_Bin]) -> dict[str, Any]:
    names = ("arrivals", "verdicts", "flagged", "rejected", "closed", "referred", "labels")
    waits: defaultdict[str, list[float]] = defaultdict(list)
    for part in parts:
        for node, taken in part.waits_min.items():
            waits[node] += taken
    return {
        "from_min": from_min,
        **{name: sum(part.counts.get(name, 0) for part in parts) for name in names},
        "wait_min": {node: _summary(sorted(taken)) for node, taken in sorted(waits.items())},
    }


def _summary(taken: list[float]) -> dict[str, float]:
    return {
        "mean": sum(taken) / len(taken),
        "p95": taken[round(0.95 * (len(taken) - 1))],
        "count": len(taken),
    }
