"""What an experiment is made of: points, each a scenario, and how many replications so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.experiments.clinic_only import ensure_clinic
from simulator.analysis.sampling import grid, latin_hypercube
from simulator.language.scenario import load, plain
from simulator.language.schema import Scenario
from simulator.language.sweep import vary


@dataclass(frozen=True, slots=True)
class Point:
    """One scenario of an experiment, and what tells it from the others."""

    label: Mapping[str, object]  # empty where there is only one
    scenario: Scenario


def points_of(scenario: Scenario, source: str) -> list[Point]:
    """Return the points of a scenario's sweep; without one, the scenario alone.

    Raises:
        ScenarioError: a combination of values is not sound; it names them.
    """
    sweep = scenario.sweep
    if sweep is None:
        return [Point({}, scenario)]
    if sweep.grid is not None:
        labels: Sequence[Mapping[str, object]] = grid(sweep.grid)
    else:
        ranges = {key: (low, high) for key, (low, high) in (sweep.ranges or {}).items()}
        labels = [
            {key: round(value, 6) for key, value in drawn.items()}
            for drawn in latin_hypercube(ranges, sweep.points or 1, sweep.seed)
        ]
    base = {key: value for key, value in plain(scenario).items() if key != "sweep"}
    return [Point(label, vary(base, label, source)) for label in labels]


def points_of_files(texts: Sequence[tuple[str, str]], overrides: Sequence[str]) -> list[Point]:
    """Return a point for each file of (text, name), told apart by the scenarios' names.

    Raises:
        ScenarioError: one is not sound, or a load on a twin.
    """
    loaded = [load(text, name, overrides) for text, name in texts]
    for scenario, (_, source) in zip(loaded, texts, strict=True):
        ensure_clinic(scenario, source)
    names = [scenario.name for scenario in loaded]
    return [
        Point({"scenario": name if names.count(name) == 1 else source}, scenario)
        for name, scenario, (_, source) in zip(names, loaded, texts, strict=True)
    ]
