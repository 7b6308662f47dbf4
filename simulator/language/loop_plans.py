"""What a scenario says of the loop, as the twin is told: plans of plain values.

The language has keys and durations as people write them; the twin knows nothing of scenarios.
"""

from simulator.language.form import ScenarioForm
from simulator.language.restack import GateSpec
from twin.drift.plan import DriftPlan
from twin.meta import MetaStack
from twin.reference import Reference
from twin.restacking.plan import GatePlan, RestackPlan, RollbackOrder
from twin.restacking.twin_loop import TwinLoop
from twin.stacks import Outage


def twin_loop(
    scenario: ScenarioForm,
    model_id: str,
    meta: MetaStack,
    threshold: float,
    reference: Reference,
) -> TwinLoop:
    """Return the loop of a scenario around a model.

    Parameters:
        meta: the stack that the model came with.
        threshold: the model's own operating point, where the scenario names none.
        reference: what the training images looked like.
    """
    named = scenario.operating_point
    return TwinLoop(
        model_id=model_id,
        meta=meta,
        threshold=threshold if named is None else named,
        reference=reference,
        restack=restack_plan(scenario),
        drift=drift_plan(scenario),
        outages=outages(scenario),
    )


def restack_plan(scenario: ScenarioForm) -> RestackPlan | None:
    """Return when and how the stack is fitted again; None where it never is."""
    spec = scenario.restack
    if spec is None:
        return None
    return RestackPlan(
        every_min=spec.every_min,
        window_min=spec.window_min,
        weighting=spec.weighting,
        remedies=spec.remedies,
        gate=None if spec.gate == "off" else _gate(spec.gate),
        rollback=spec.rollback,
        orders=tuple(RollbackOrder(at_min=one.at_min, version=one.to) for one in spec.orders),
    )


def drift_plan(scenario: ScenarioForm) -> DriftPlan | None:
    """Return what watches for drift; None where nothing does."""
    spec = scenario.drift
    if spec is None:
        return None
    return DriftPlan(detectors=spec.detectors, window_cases=spec.window_cases)


def outages(scenario: ScenarioForm) -> tuple[Outage, ...]:
    """Return which learners are out, and when."""
    return tuple(
        Outage(component=one.component, from_min=one.at_min, to_min=one.at_min + one.for_min)
        for one in scenario.outages
    )


def _gate(spec: GateSpec) -> GatePlan:
    return GatePlan(
        auc_drop_max=spec.auc_drop_max,
        sensitivity_drop_max=spec.sensitivity_drop_max,
        calibration_rise_max=spec.calibration_rise_max,
        label_noise_max=spec.label_noise_max,
        per=tuple(spec.per),
        confidence=spec.confidence,
    )
