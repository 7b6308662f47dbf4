"""Measured prevalence by time of arrival, pooled over replications, beside the truth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from simulator.analysis.prevalence import prevalence_at
from simulator.analysis.wilson import wilson_interval
from simulator.experiment.result import ReplicationResult
from simulator.language.form import ScenarioForm
from simulator.language.periods import Period, periods

# Of a spell, all replications together: with fewer its interval says little. Assumption.
_LEAST: Final = 50
_FINE: Final = 24  # points of the true line in each period: assumption, a screen shows no more
RARE: Final = 0.01  # chance below which so few intervals that hold the truth are no accident


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Those who came within a spell of time, all replications together."""

    from_min: float
    to_min: float
    patients: int
    malignant: int
    expected: float | None  # how many of them should be malignant; None where nobody knows


def spells_of(results: Sequence[ReplicationResult]) -> list[Spell]:
    """Return the spells in order; empty where runs kept none."""
    kept = [result.curves.prevalence for result in results]
    if not kept or not all(kept):
        return []
    total: dict[str, Any] = {
        key: np.sum([one[key] for one in kept], axis=0) for key in ("patients", "malignant")
    }
    known = all(len(one["expected"]) for one in kept)
    expected = np.sum([one["expected"] for one in kept], axis=0).tolist() if known else None
    return [
        Spell(
            from_min=from_min,
            to_min=to_min,
            patients=round(total["patients"][place]),
            malignant=round(total["malignant"][place]),
            expected=None if expected is None else expected[place],
        )
        for place, (from_min, to_min) in enumerate(
            zip(kept[0]["from_min"], kept[0]["to_min"], strict=True)
        )
    ]


def within(spells: Sequence[Spell], period: Period, after_min: float) -> Spell | None:
    """Return all spells of a period after the warm-up as one; None where there is none."""
    inside = [
        spell
        for spell in spells
        if spell.from_min >= max(period.from_min, after_min) and spell.from_min < period.to_min
    ]
    return _joined(inside) if inside else None


def curve(
    scenario: ScenarioForm, spells: Sequence[Spell], confidence: float
) -> dict[str, Any] | None:
    """Return plain data: measured spells with intervals, the true line, and how they agree."""
    merged = list(_merged(spells, periods(scenario)))
    if not merged:
        return None
    rows = [_row(spell, confidence) for spell in merged]
    line = _line(scenario, merged[-1].to_min)
    if not line:
        line = [
            [(spell.from_min + spell.to_min) / 2, spell.expected / spell.patients]
            for spell in merged
            if spell.expected is not None
        ]
    return {"spells": rows, "line": line, "agreement": _agreement(rows, confidence)}


def _row(spell: Spell, confidence: float) -> dict[str, Any]:
    share = wilson_interval(spell.malignant, spell.patients, confidence)
    return {
        "from_min": spell.from_min,
        "to_min": spell.to_min,
        "patients": spell.patients,
        "malignant": spell.malignant,
        "value": share.mean,
        "low": share.low,
        "high": share.high,
        "true": None if spell.expected is None else spell.expected / spell.patients,
    }


def _merged(spells: Sequence[Spell], parts: Sequence[Period]) -> Iterator[Spell]:
    """Yield spells with patients enough, each within one period; too few at its end join others."""
    for part in parts:
        own = [one for one in spells if part.from_min <= one.from_min < part.to_min]
        groups: list[list[Spell]] = [[]]
        for spell in own:
            groups[-1].append(spell)
            if sum(one.patients for one in groups[-1]) >= _LEAST:
                groups.append([])
        rest = groups.pop()
        if rest and groups:
            groups[-1] += rest
        elif rest:
            groups.append(rest)
        yield from (joined for group in groups if (joined := _joined(group)).patients > 0)


def _joined(spells: Sequence[Spell]) -> Spell:
    expected = [spell.expected for spell in spells if spell.expected is not None]
    return Spell(
        from_min=spells[0].from_min,
        to_min=spells[-1].to_min,
        patients=sum(spell.patients for spell in spells),
        malignant=sum(spell.malignant for spell in spells),
        expected=sum(expected) if len(expected) == len(spells) else None,
    )


def _line(scenario: ScenarioForm, end_min: float) -> list[list[float]]:
    """Return time and true prevalence along the run; jumps are two points at almost one time."""
    line: list[list[float]] = []
    for part in periods(scenario):
        until = min(part.to_min, end_min)
        if until <= part.from_min:
            continue
        at_min = np.linspace(part.from_min, np.nextafter(until, 0.0), _FINE)
        shares = prevalence_at(scenario, at_min)
        if shares is None:
            return []
        line += [[float(at), float(share)] for at, share in zip(at_min, shares, strict=True)]
    return line


def _agreement(rows: Sequence[Mapping[str, Any]], confidence: float) -> dict[str, Any] | None:
    """Return how many intervals hold the truth, and how probable so few are or fewer."""
    if any(row["true"] is None for row in rows):
        return None
    from scipy.special import bdtr

    holding = sum(row["low"] <= row["true"] <= row["high"] for row in rows)
    chance = float(bdtr(holding, len(rows), confidence))
    return {
        "spells": len(rows),
        "holding": holding,
        "chance": chance,
        "plausible": chance >= RARE,
    }
