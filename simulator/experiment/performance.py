"""The AI over time, all replications together: figures of each spell with their intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.analysis.intervals import Interval
from simulator.analysis.jackknife import jackknife_interval
from simulator.analysis.measure import FEW
from simulator.analysis.tally import FIGURES, Tally, total
from simulator.analysis.wilson import wilson_interval
from simulator.experiment.result import ReplicationResult
from simulator.language.form import ScenarioForm
from simulator.language.periods import periods

_COUNTS: Final = {"sensitivity": "malignant", "specificity": "benign"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spell:
    from_min: float
    to_min: float
    tallies: tuple[Tally, ...]  # by replication
    labels: int  # received, all replications together
    versions: tuple[int, ...]  # in force at the end, by replication

    @property
    def whole(self) -> Tally:
        return total(self.tallies)


def performance(
    scenario: ScenarioForm, results: Sequence[ReplicationResult], confidence: float
) -> list[dict[str, Any]]:
    """Return a row for each spell: counts, and value, low and high of each figure.

    Neighbouring spells of one period are taken together until there are ten malignant and ten
    benign patients in all. Intervals leave out one replication at a time; of a lone replication
    sensitivity and specificity have score intervals, for patients are drawn independently.
    """
    spells = list(_merged(_spells(results), scenario))
    return [_row(spell, confidence) for spell in spells]


def _spells(results: Sequence[ReplicationResult]) -> list[_Spell]:
    kept = [result.loop["spells"] for result in results]
    # Where no horizon ends the run, its last spell differs: what all replications have counts.
    found = []
    for rows in zip(*kept, strict=False):
        found.append(
            _Spell(
                from_min=rows[0]["from_min"],
                to_min=max(row["to_min"] for row in rows),
                tallies=tuple(Tally.from_dict(row["tally"]) for row in rows),
                labels=sum(row["labels"] for row in rows),
                versions=tuple(row["version"] for row in rows),
            )
        )
    return found


def _merged(spells: Sequence[_Spell], scenario: ScenarioForm) -> Iterator[_Spell]:
    cuts = {part.from_min for part in periods(scenario)}
    groups: list[list[_Spell]] = []
    for spell in spells:
        if not groups or _is_enough(groups[-1]) or spell.from_min in cuts:
            groups.append([])
        groups[-1].append(spell)
    for place in range(len(groups) - 1, 0, -1):
        # Too few at the end of a period join those before them.
        if not _is_enough(groups[place]) and groups[place][0].from_min not in cuts:
            groups[place - 1] += groups.pop(place)
    yield from map(_joined, groups)


def _is_enough(some: Sequence[_Spell]) -> bool:
    whole = total(one.whole for one in some)
    return whole.malignant >= FEW and whole.benign >= FEW


def _joined(some: Sequence[_Spell]) -> _Spell:
    return _Spell(
        from_min=some[0].from_min,
        to_min=some[-1].to_min,
        tallies=tuple(map(total, zip(*(one.tallies for one in some), strict=True))),
        labels=sum(one.labels for one in some),
        versions=some[-1].versions,
    )


def _row(spell: _Spell, confidence: float) -> dict[str, Any]:
    whole = spell.whole
    return {
        "from_min": spell.from_min,
        "to_min": spell.to_min,
        "cases": whole.n,
        "malignant": whole.malignant,
        "hits": whole.hits,
        "misses": whole.malignant - whole.hits,
        "alarms": whole.alarms,
        "passes": whole.benign - whole.alarms,
        "labels": spell.labels,
        "versions": {
            "least": min(spell.versions),
            "mean": sum(spell.versions) / len(spell.versions),
            "most": max(spell.versions),
        },
        **{name: figure_with_interval(spell.tallies, name, confidence) for name in FIGURES},
    }


def figure_with_interval(
    tallies: Sequence[Tally], name: str, confidence: float
) -> dict[str, float | None]:
    """Return value, low and high of a figure over replications, low and high None without any."""
    interval = jackknife_interval(tallies, lambda some: total(some).figure(name), confidence)
    whole = total(tallies)
    if not interval.valid and name in _COUNTS and getattr(whole, _COUNTS[name]):
        hits = whole.hits if name == "sensitivity" else whole.benign - whole.alarms
        interval = wilson_interval(hits, getattr(whole, _COUNTS[name]), confidence)
    return bounded(interval)


def bounded(interval: Interval) -> dict[str, float | None]:
    """Return a figure between 0 and 1 with its interval: no part of it lies outside."""
    low, high = interval.low, interval.high
    return {
        "value": interval.mean,
        "low": None if low is None else max(low, 0.0),
        "high": None if high is None else min(high, 1.0),
    }


def marks(
    results: Sequence[ReplicationResult], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return in how many replications a stack was promoted, put back, or an alarm raised, by spell.

    Parameters:
        rows: of `performance`.
    """
    found: dict[str, list[int]] = {}
    for kind, times in (("promoted", _promoted), ("rolled back", _back), ("drift alarm", _alarms)):
        by_run = [times(result) for result in results]
        counts = [
            sum(any(row["from_min"] <= at < row["to_min"] for at in run) for run in by_run)
            for row in rows
        ]
        if any(counts):
            found[kind] = counts
    return found


def _promoted(result: ReplicationResult) -> list[float]:
    told = result.loop["decisions"]
    return [
        one["at_min"]
        for one in told
        if one["verdict"] == "promoted" and one["epoch"] > 0 and one["how"] != "rollback"
    ]


def _back(result: ReplicationResult) -> list[float]:
    return [one["at_min"] for one in result.loop["decisions"] if one["how"] == "rollback"]


def _alarms(result: ReplicationResult) -> list[float]:
    return [at_min for _, _, at_min in result.loop["drift"].get("alarms", ())]
