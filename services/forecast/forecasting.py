"""A forecast: futures of a scenario from a fork of the log, as plain data."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from services.forecast.fork import Fork
from simulator.analysis.frames import Floats
from simulator.clinic.placing import ASSUMED
from simulator.experiment.bands import FEWEST, bands, metric_bands
from simulator.experiment.future_scenario import Futures, future_scenario
from simulator.experiment.future_series import Told, counts_of, edges_of, tell
from simulator.experiment.futures import Future, run_future
from simulator.language.cases import NominalCases
from simulator.language.scenario import Scenario

FORMAT: Final = 1
_MEANINGS: Final = {
    "in_system": "patients in the clinic at the end of each bin",
    "queue": "patients waiting at the end of each bin; interrupted services do not count",
    "arrivals": "patients who come within each bin",
    "departures": "patients who leave within each bin",
    "wait": "minutes waited by those whose service begins within each bin, mean; null: nobody's",
    "utilisation": "share of the time on duty that is worked; overtime lifts it above 1; null: "
    "nobody is on duty",
    "biopsies": "biopsies taken within each bin; without a node named biopsy, patients who leave "
    "as referred",
    "bands": "pointwise quantiles over futures: a fresh future lies between p05 and p95 with a "
    "chance of 90 % at each time by itself. Uncertain is what happens next, not the scenario: its "
    "rates and durations are taken as they stand",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOrder:
    """What a user asks for."""

    scenario: Scenario
    horizon_min: float
    futures: int
    seed: int


def forecast(
    order: ForecastOrder, start: Fork, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Run the futures one after another; return the forecast.

    Raises:
        ScenarioError: the scenario has a feature that futures cannot have.
    """
    began_s = time.perf_counter()
    scenario, opening = order.scenario, start.opening
    answers = () if isinstance(scenario.cases, NominalCases) else start.answers
    planned = future_scenario(
        scenario, opening.at_min + order.horizon_min, order.seed, answers=bool(answers)
    )
    edges = edges_of(opening.at_min, order.horizon_min)
    runs: list[Told] = []
    found: list[Future] = []
    for number in range(order.futures):
        future = run_future(planned.scenario, number, opening, answers)
        runs.append(tell(planned.scenario, future.journal, edges))
        future.journal.close()
        found.append(future)
        if on_progress is not None:
            on_progress(number + 1, order.futures)
    answered = sum(one.answered for one in opening.inside)
    return {
        "format": FORMAT,
        "scenario": scenario.name,
        "t0_min": start.t0_min,
        "t0_is": start.t0_is,
        "offset_min": start.offset_min,
        "horizon_min": order.horizon_min,
        "futures": order.futures,
        "seed": order.seed,
        "assumptions": _assumptions(scenario, planned, start, bool(answers)),
        "degraded": _degraded(order, start, planned, found),
        "start": {
            "in_system": len(opening.inside),
            "answered": answered,
            "unanswered": len(opening.inside) - answered,
            "by_node": _by_node(found),
        },
        "bins_min": _plain(edges[1:] + start.offset_min),
        "series": bands([run.series for run in runs]),
        "history": _history(start, edges),
        "metrics": metric_bands([run.metrics for run in runs]),
        "meanings": _MEANINGS,
        "wall_s": round(time.perf_counter() - began_s, 2),
    }


def _assumptions(scenario: Scenario, planned: Futures, start: Fork, drawn: bool) -> list[str]:
    zero = f"the scenario's time zero is event time {start.offset_min:g} min of the log"
    found = [zero, *(ASSUMED if start.opening.inside else ())]
    if drawn:
        found.append(
            f"new patients' answers are drawn from the log's latest {len(start.answers)}, and "
            "their truth from the probability answered, as if it were calibrated"
        )
    elif scenario.scores():
        found.append("new patients are answered by a nominal AI")
    if start.opening.inside and scenario.has_truth():
        found.append("the truth of patients inside is drawn from the twin's own probability")
    if len(scenario.classes) > 1 and any(one.patient_class is None for one in start.opening.inside):
        found.append("patients whose case id names no class have one drawn by the classes' shares")
    return [*found, *planned.assumptions]


def _degraded(
    order: ForecastOrder, start: Fork, planned: Futures, found: Sequence[Future]
) -> list[str]:
    lines = [*start.degraded, *planned.degraded]
    if order.futures < FEWEST:
        covers = (order.futures - 1) / (order.futures + 1)
        lines.append(
            f"{order.futures} futures: p05 and p95 are the lowest and the highest and cover "
            f"{covers:.0%}, not 90 %; {FEWEST} are needed"
        )
    if start.left_out:
        lines.append(f"{start.left_out} cases of others than the attached run are left out")
    stuck = max((len(one.told) for one in found), default=0)
    if stuck:
        lines.append(
            f"up to {stuck} patients are inside although the pathway would have been over: they "
            "stand at its last node"
        )
    return lines


def _by_node(found: Sequence[Future]) -> dict[str, float]:
    """Return the mean number of patients at each node at the beginning; futures differ."""
    names = sorted({name for one in found for name in one.by_node})
    return {
        name: round(sum(one.by_node.get(name, 0) for one in found) / len(found), 2)
        for name in names
    }


def _history(start: Fork, edges: Floats) -> dict[str, Any]:
    """Return what the log tells of the bins before, as many as there are after."""
    width = float(edges[1] - edges[0])
    count = min(len(edges) - 1, int(start.opening.at_min // width))
    before: Floats = np.asarray(start.t0_min - width * np.arange(count, -1, -1), dtype=np.float64)
    axes = counts_of(start.arrival_min, start.closed_min, before)
    return {"bins_min": _plain(before[1:]), **{name: _plain(one) for name, one in axes.items()}}


def _plain(values: Floats) -> list[float]:
    return [round(float(value), 6) for value in values]
