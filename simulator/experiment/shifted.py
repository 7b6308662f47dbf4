"""What shifts did: the truth as the scenario records it, and figures of each period beside it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from simulator.analysis.bayes import Counts, by_bayes, chance_of, holm, of_share
from simulator.analysis.measure import FEW
from simulator.experiment.prevalence_curve import Spell, curve, spells_of, within
from simulator.experiment.result import ReplicationResult
from simulator.language.form import ScenarioForm
from simulator.language.periods import BEFORE, Period, periods
from simulator.language.shifts import ShiftSpec

# What is tested of each period, and what the verdict is called.
_TESTS: Final = {"sensitivity": "stays", "specificity": "stays", "ppv": "agrees", "npv": "agrees"}
_VALUES: Final[Mapping[Literal["ppv", "npv"], str]] = {"ppv": "referred", "npv": "not referred"}


def shifted(
    scenario: ScenarioForm, results: Sequence[ReplicationResult], confidence: float
) -> dict[str, Any] | None:
    """Return plain data for summary.json; None where nothing shifts.

    Predictive values are held against Bayes' theorem: what sensitivity and specificity before the
    first shift give at the true prevalence of each later period.
    """
    if not scenario.shifts:
        return None
    spells = spells_of(results)
    parts = [
        (part, within(spells, part, results[0].from_min) if spells else None)
        for part in periods(scenario)
    ]
    bayes = [
        row
        for prefix in _prefixes(scenario)
        for row in _beside_bayes(prefix, parts, results, confidence)
    ]
    _judge(bayes, confidence)
    return {
        "shifts": [
            _told(name, shift)
            for name, shift in zip(scenario.shift_ids(), scenario.shifts, strict=True)
        ],
        "periods": [_period(part, spell) for part, spell in parts],
        "prevalence": curve(scenario, spells, confidence) if spells else None,
        "bayes": bayes,
    }


def _judge(rows: Sequence[dict[str, Any]], confidence: float) -> None:
    """Put verdicts in: all tests of a run together err with 1 - confidence at most."""
    tested = [
        (row[name], verdict)
        for row in rows
        for name, verdict in _TESTS.items()
        if not row["reason"] and row[name]["chance"] is not None
    ]
    together = holm([one["chance"] for one, _ in tested])
    for (one, verdict), chance in zip(tested, together, strict=True):
        one["chance"], one[verdict] = chance, chance >= 1 - confidence


def _told(name: str, shift: ShiftSpec) -> dict[str, Any]:
    changes = shift.population
    return {
        "id": name,
        "at_min": shift.at_min,
        "over_min": shift.over_min,
        "until_min": shift.until_min,
        "share": shift.share,
        "population": None if changes is None else changes.model_dump(exclude_unset=True),
        "image": {str(kind): severity for kind, severity in shift.image.items()},
    }


def _period(part: Period, spell: Spell | None) -> dict[str, Any]:
    return {
        "name": part.name,
        "steady": part.steady,
        "from_min": part.from_min,
        "to_min": None if part.to_min == float("inf") else part.to_min,
        "patients": None if spell is None else spell.patients,
        "malignant": None if spell is None else spell.malignant,
        "true_prevalence": _true(spell),
    }


def _true(spell: Spell | None) -> float | None:
    if spell is None or spell.expected is None or not spell.patients:
        return None
    return spell.expected / spell.patients


def _prefixes(scenario: ScenarioForm) -> list[str]:
    """Return whose figures there are: those of decisions, and those of the AI."""
    decides = [""] if scenario.has_truth() and scenario.decides() else []
    return [*decides, *(["ai."] if scenario.has_truth() and scenario.scores() else [])]


def _beside_bayes(
    prefix: str,
    parts: Sequence[tuple[Period, Spell | None]],
    results: Sequence[ReplicationResult],
    confidence: float,
) -> list[dict[str, Any]]:
    counts = {part.name: _counts(prefix, part.name, results) for part, _ in parts}
    before = counts.get(BEFORE)
    if before is None:
        return []
    return [
        _row(prefix, part.name, before, counts[part.name], _true(spell), confidence)
        for part, spell in parts
        if part.name != BEFORE
    ]


def _counts(prefix: str, period: str, results: Sequence[ReplicationResult]) -> Counts:
    def summed(name: str) -> tuple[float, float]:
        key = f"{prefix}{name}{{period={period}}}"
        found = [result.ratios.get(key, (0.0, 0.0)) for result in results]
        return sum(part for part, _ in found), sum(whole for _, whole in found)

    hits, malignant = summed("sensitivity")
    passes, benign = summed("specificity")
    return Counts(hits=hits, misses=malignant - hits, alarms=benign - passes, passes=passes)


def _row(
    prefix: str,
    period: str,
    before: Counts,
    here: Counts,
    prevalence: float | None,
    confidence: float,
) -> dict[str, Any]:
    row: dict[str, Any] = {"of": prefix, "period": period, "reason": _why_not(before, here)}
    if row["reason"]:
        return row
    row["sensitivity"] = _moved((before.hits, before.malignant), (here.hits, here.malignant))
    row["specificity"] = _moved((before.passes, before.benign), (here.passes, here.benign))
    for kind in _VALUES:
        row[kind] = _predictive(kind, before, here, prevalence, confidence)
    return row


def _why_not(before: Counts, here: Counts) -> str:
    """Return why two periods cannot be compared, or nothing."""
    for counts, when in ((before, "before the first shift"), (here, "in this period")):
        for n, who in ((counts.malignant, "malignant"), (counts.benign, "benign")):
            if n < FEW:
                return f"only {n:.0f} {who} {when}; {FEW} are needed"
    return ""


def _moved(before: tuple[float, float], here: tuple[float, float]) -> dict[str, Any]:
    return {
        "before": before[0] / before[1],
        "found": here[0] / here[1],
        "chance": chance_of(of_share(*before), of_share(*here)),
        "stays": None,
    }


def _predictive(
    kind: Literal["ppv", "npv"],
    before: Counts,
    here: Counts,
    prevalence: float | None,
    confidence: float,
) -> dict[str, Any]:
    """Return a predictive value before and now, and what Bayes' theorem makes of the former."""
    then, now = _parts(kind, before), _parts(kind, here)
    found: dict[str, Any] = {
        "before": then[0] / then[1] if then[1] else None,
        "found": now[0] / now[1] if now[1] else None,
        "bayes": None,
        "low": None,
        "high": None,
        "chance": None,
        "agrees": None,
        "reason": "",
    }
    if prevalence is None or not 0 < prevalence < 1:
        return found | {"reason": "the true prevalence is not known"}
    if now[1] < FEW:
        return found | {"reason": f"only {now[1]:.0f} {_VALUES[kind]}; {FEW} are needed"}
    bayes = by_bayes(kind, prevalence, before)
    low, high = bayes.interval(confidence)
    found |= {"bayes": bayes.share, "low": low, "high": high}
    return found | {"chance": chance_of(bayes, of_share(*now))}


def _parts(kind: Literal["ppv", "npv"], counts: Counts) -> tuple[float, float]:
    if kind == "ppv":
        return counts.hits, counts.hits + counts.alarms
    return counts.passes, counts.passes + counts.misses
