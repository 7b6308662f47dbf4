"""Who is to be drawn from a bank: what a scenario names of its patients, and where it says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.cases.regimes import Regime
from simulator.language.cases import ImageCases
from simulator.language.classes import ClassSpec
from simulator.language.populations import (
    AgeSpec,
    PopulationChange,
    PopulationSpec,
    merged,
)
from simulator.language.schema import Scenario
from simulator.language.shifts import ShiftSpec

FIELDS: Final = ("prevalence", "diagnoses", "skin_tone", "age", "sex", "site")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is named of a population; what is None is as in the bank."""

    prevalence: float | None = None
    diagnoses: dict[str, float] | None = None  # shares within each truth
    skin_tone: dict[str, float] | None = None  # by group of Fitzpatrick types
    age: AgeSpec | None = None
    sex: dict[str, float] | None = None
    site: dict[str, float] | None = None
    keys: tuple[tuple[str, str], ...] = ()  # field -> where it stands in the scenario

    def key(self, field: str) -> str:
        """Return where a field stands in the scenario, for messages."""
        return dict(self.keys).get(field, f"cases.population.{field}")


def wanted_of(scenario: Scenario, one: ClassSpec, regime: Regime) -> Wanted:
    """Return who the patients of a class are who are in some shifts."""
    names = scenario.shift_ids()
    told: list[tuple[str, PopulationSpec | PopulationChange | None]] = [
        ("cases.population", scenario.cases.population)
    ]
    if one.population is not None and not isinstance(scenario.cases, ImageCases):
        told = [(f"classes.{one.id}.population", one.population)]
    for place in regime:
        told.append((f"shifts.{names[place]}.population", scenario.shifts[place].population))
    found: dict[str, object] = {}
    keys: dict[str, str] = {}
    for where, spec in told:
        if spec is None:
            continue
        for field in FIELDS:
            value = getattr(spec, field)
            if value is None:
                continue
            before = found.get(field)
            if field == "diagnoses" and isinstance(before, dict):
                value = merged(before, value)
            found[field] = value
            keys[field] = f"{where}.{field}"
    return Wanted(**found, keys=tuple(keys.items()))  # type: ignore[arg-type]


def reachable(shifts: Sequence[ShiftSpec], horizon_min: float) -> list[Regime]:
    """Return every set of shifts that a patient can be in at once, none of them first.

    >>> weeks = [{"at": "0 min", "until": "1 w"}, {"at": "2 w"}]
    >>> shifts = [ShiftSpec.model_validate({**one, "image": {"noise": 1}}) for one in weeks]
    >>> reachable(shifts, 1e9)
    [(), (0,), (1,)]
    """
    spells = [
        (one.at_min, float("inf") if one.until_min is None else one.until_min + one.over_min)
        for one in shifts
    ]

    def at_once(regime: Regime) -> bool:
        begun = max(spells[place][0] for place in regime)
        return begun < min(horizon_min, *(spells[place][1] for place in regime))

    # A set grows from one that is reachable itself: subsets of all shifts are far too many.
    found: list[Regime] = [()]
    grown = found
    while grown:
        grown = [
            (*regime, place)
            for regime in grown
            for place in range(regime[-1] + 1 if regime else 0, len(shifts))
            if at_once((*regime, place))
        ]
        found = found + grown
    return found
