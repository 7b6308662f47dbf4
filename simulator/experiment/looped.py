"""The loop of one point as summary.json has it: performance, labels, decisions, drift, outages."""

from collections.abc import Sequence
from typing import Any

from simulator.experiment.drift_seen import drift_seen
from simulator.experiment.label_bias import label_bias
from simulator.experiment.outages import outages
from simulator.experiment.performance import marks, performance
from simulator.experiment.restacking import restacking
from simulator.experiment.result import ReplicationResult
from simulator.language.form import ScenarioForm


def looped(
    scenario: ScenarioForm, results: Sequence[ReplicationResult], confidence: float
) -> dict[str, Any] | None:
    """Return plain data; None where nothing comes back to the twin or changes it."""
    if not results or not all(result.loop for result in results):
        return None
    rows = performance(scenario, results, confidence)
    return {
        "performance": rows,
        "marks": marks(results, rows),
        "restacking": restacking(results),
        "labels": label_bias(results, confidence),
        "drift": drift_seen(scenario, results, confidence),
        "faults": [
            {"component": one.component, "at_min": one.at_min, "for_min": one.for_min}
            for one in scenario.outages
        ],
        "outages": outages(results, confidence),
    }
