"""Which margins a refit is judged by: those of the run whose labels it is made from."""

import re
from pathlib import Path
from typing import Final

from services.lineage import RunLog
from simulator.language.loop_plans import restack_plan
from simulator.language.scenario import load
from twin.restacking.plan import GatePlan

_OF_POINT: Final = re.compile(r"(\d+)-events(-\d+)?\.jsonl")


def gate_of(log: RunLog) -> tuple[GatePlan, str]:
    """Return the margins, and where they are from, in words.

    A refit is always judged: where the run says nothing of a gate, by the default margins.

    Raises:
        ScenarioError: the scenario beside the log was altered and is none any more.
    """
    file = _scenario_of(log.file)
    if not file.is_file():
        return GatePlan(), "default margins: there is no scenario beside the log"
    plan = restack_plan(load(file.read_text(encoding="utf-8"), str(file)))
    if plan is None:
        return GatePlan(), "default margins: the run's scenario does not re-stack"
    if plan.gate is None:
        return GatePlan(), "default margins: the run's scenario has its gate off"
    return plan.gate, "the run's scenario"


def _scenario_of(log: Path) -> Path:
    """Return the scenario of a run folder's log: its point's own where there are several."""
    point = _OF_POINT.fullmatch(log.name)
    return log.with_name("scenario.yaml" if point is None else f"{point[1]}.yaml")
