"""The engine's speed beside Ciw and beside SimPy by hand, and a clinic's week in seconds.

Gates: at least as many patients per second as Ciw on both models, and at least half as many as a
bare SimPy loop, with dermtwin's tables and digests; the same mean waits as Ciw; a week of 2,000
patients with an AI in less than a second per replication, figures included.
"""

import gc
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from scipy import stats

from benchmarks.ciw_models import (
    MM3,
    NETWORK,
    Model,
    came_to_ciw,
    run_ciw,
    run_ours,
    scenario_of,
    waits_of_ciw,
    waits_of_ours,
)
from benchmarks.simpy_loop import run_simpy
from simulator.analysis.measure import measure as figures_of
from simulator.language.scenario import load

T = TypeVar("T")
_SURE: Final = 0.01  # chance of calling equal waits different, over all nodes and classes

_WEEK: Final = """
name: week
horizon: 1 w
cases:
  source: nominal
  count: 2000
  population: {prevalence: 0.1}
  ai: {sensitivity: 0.9, specificity: 0.85}
arrivals: {rate_per_h: 12}
pathway:
  - {id: imaging, staff: nurse, service: {gamma: {mean: 6 min, sd: 3 min}}, then: ai}
  - {id: ai, twin: score, then: read}
  - id: read
    staff: reader
    service: {lognormal: {mean: 8 min, sd: 6 min}}
    queue: {order: ai, preempt: resume}
    then: {biopsy: referred, end: otherwise}
  - {id: biopsy, staff: surgeon, service: {gamma: {mean: 20 min, sd: 5 min}}, then: end}
staff: {nurse: 2, reader: 2, surgeon: 2}
"""


def measure(rounds: int) -> dict[str, Any]:
    """Take turns between the simulators; seconds are of the processor, as all run on one thread."""
    mm3 = _beside(MM3, rounds)
    network = _beside(NETWORK, rounds)
    week_s, week_patients = _week(rounds)
    return {
        **mm3,
        **network,
        "week_patients": week_patients,
        "week_s": week_s,
        "gate": "x Ciw >= 1 on both, same waits, x SimPy >= 0.5, week < 1 s",
        "pass": mm3["mm3_x_ciw"] >= 1
        and network["network_x_ciw"] >= 1
        and mm3["mm3_x_simpy"] >= 0.5
        and mm3["mm3_same_waits"]
        and network["network_same_waits"]
        and week_s < 1,
    }


def _beside(model: Model, rounds: int) -> dict[str, Any]:
    scenario, classes = scenario_of(model), list(model.rate_per_h)
    run_ours(scenario, rounds)  # once for what is computed at first use
    speed: dict[str, list[float]] = {"dermtwin": [], "ciw": [], "simpy": []}
    waits: dict[str, list[dict[tuple[str, str], float]]] = {"dermtwin": [], "ciw": []}
    for turn in range(rounds):
        journal, seconds = _timed(partial(run_ours, scenario, turn))
        speed["dermtwin"].append(journal.arrived / seconds)
        waits["dermtwin"].append(waits_of_ours(journal, classes))
        journal.close()
        simulation, seconds = _timed(partial(run_ciw, model, turn))
        speed["ciw"].append(came_to_ciw(simulation) / seconds)
        waits["ciw"].append(waits_of_ciw(simulation, model))
        del simulation
        if len(model.mean_min) == 1:
            served, seconds = _timed(partial(run_simpy, model, turn))
            speed["simpy"].append(len(served) / seconds)
    found: dict[str, Any] = {}
    for name, speeds in speed.items():
        if speeds:
            found[f"{model.name}_{name}_patients_per_s"] = statistics.median(speeds)
            if name != "dermtwin":
                pairs = zip(speed["dermtwin"], speeds, strict=True)
                ratios = [ours / theirs for ours, theirs in pairs]
                found[f"{model.name}_x_{name}"] = statistics.median(ratios)
    least = _least_p(waits["dermtwin"], waits["ciw"])
    found[f"{model.name}_least_p_of_equal_waits"] = least
    found[f"{model.name}_same_waits"] = least >= _SURE
    return found


def _least_p(
    ours: list[dict[tuple[str, str], float]], theirs: list[dict[tuple[str, str], float]]
) -> float:
    """Return the least p of Welch's t tests per node and class, times their number (Bonferroni).

    The unit is the run: waits within one depend on each other.
    """
    tests = [
        stats.ttest_ind([run[key] for run in ours], [run[key] for run in theirs], equal_var=False)
        for key in ours[0]
    ]
    return min(1.0, len(tests) * min(float(test.pvalue) for test in tests))


def _week(rounds: int) -> tuple[float, int]:
    """Return the median wall time of a replication with its figures, and its patients."""
    scenario, taken, came = load(_WEEK, "week.yaml"), [], 0
    for replication in range(max(rounds, 3)):
        started_s = time.perf_counter()
        journal = run_ours(scenario, replication)
        figures_of(scenario, journal, 0.0)
        taken.append(time.perf_counter() - started_s)
        came = journal.arrived
    return statistics.median(taken), came


def _timed(run: Callable[[], T]) -> tuple[T, float]:
    gc.collect()  # nobody pays for what another left behind
    started_s = time.process_time()
    result = run()
    return result, time.process_time() - started_s
