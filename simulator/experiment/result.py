"""What is kept of one replication: plain data, so that it can be stored, resumed and pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from simulator.analysis.check import Check
from simulator.analysis.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What a replication looked like over time and over patients, for plots."""

    at_min: Sequence[float] = ()  # middles of equal spells of time
    in_system: Sequence[float] = ()  # patients, time average of each spell
    queue: Mapping[str, Sequence[float]] = field(default_factory=dict)  # node -> patients waiting
    busy: Mapping[str, Sequence[float]] = field(default_factory=dict)  # staff -> people at work
    duty: Mapping[str, Sequence[float]] = field(default_factory=dict)  # staff -> people on duty
    # "wait.<node>" or "time_to_diagnosis", then class or "all" -> quantiles at 0, 1, ..., 100 %
    quantiles: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    # from_min, to_min, patients, malignant, expected -> by spell; where something shifts
    prevalence: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationResult:
    """One replication in plain data. Nothing measured in real time is part of it (law 5)."""

    replication: int  # from 0
    digest: str  # of all that happened
    from_min: float  # window that was measured
    to_min: float
    end_min: float  # when the run ended
    values: Mapping[str, float]  # metric -> value
    counts: Mapping[str, int]  # metric -> cases that it rests on
    ratios: Mapping[str, tuple[float, float]]  # shares -> part and whole
    missing: Mapping[str, str]  # metric -> why it has no value
    checks: Sequence[Check]
    curves: Curves
    # Metric -> interval by batch means of this run alone; only where there are no others
    alone: Mapping[str, Interval] = field(default_factory=dict)
    # Of labels, decisions about the stack, drift and outages (loop_data.py); empty without
    loop: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON wants it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ReplicationResult":
        """Return what `as_dict` wrote."""
        return cls(
            **{
                **data,
                "checks": [Check(**check) for check in data["checks"]],
                "curves": Curves(**data["curves"]),
                "alone": {name: Interval(**one) for name, one in data["alone"].items()},
                "ratios": {name: (part, whole) for name, (part, whole) in data["ratios"].items()},
            }
        )
