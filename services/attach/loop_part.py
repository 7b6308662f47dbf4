"""What a scenario and a twin that is up must have in common for the stack to change in a run."""

import hashlib
from collections.abc import Mapping

from simulator.language.form import ScenarioForm
from simulator.language.loop_plans import drift_plan, outages, restack_plan
from twin.events import DriftReported, StackPromoted, StackRejected
from twin.model import Model
from twin.restacking.twin_loop import TwinLoop

_DIGITS = 16  # of a digest that tells two files from one another: enough, and short to read


def noted(model: Model, loop: TwinLoop | None) -> dict[str, str]:
    """Return what `dermtwin up` notes for runs that attach to it."""
    return {
        "threshold": repr(model.threshold if loop is None else loop.threshold),
        "model_threshold": repr(model.threshold),
        **({} if loop is None else {"loop_digest": _digest(loop)}),
    }


def loop_digest(scenario: ScenarioForm) -> str | None:
    """Return the digest of a scenario's restack, drift and faults; None where it has none."""
    parts = (restack_plan(scenario), drift_plan(scenario), outages(scenario))
    return _hash(parts) if any(parts) else None


def told_of_an_epoch(scenario: ScenarioForm) -> tuple[tuple[type, ...], ...]:
    """Return what the log has of each epoch; see `TwinLoop.told_of_an_epoch`."""
    drift = () if scenario.drift is None else ((DriftReported,),)
    stacks = () if scenario.restack is None else ((StackPromoted, StackRejected),)
    return (*drift, *stacks)


def same_loop(scenario: ScenarioForm, note: Mapping[str, str]) -> bool:
    """Return whether a twin that is up does to its stack what the scenario says."""
    return loop_digest(scenario) == note.get("loop_digest")


def _digest(loop: TwinLoop) -> str:
    return _hash((loop.restack, loop.drift, loop.outages))


def _hash(parts: object) -> str:
    # Frozen values of text, numbers and tuples: their text is the same in every process.
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:_DIGITS]
