"""Splits a model artefact by component."""

from actors.parts import Parts
from simulator.language.loop_plans import twin_loop
from simulator.language.schema import Scenario
from twin.model import META, REFERENCE, SURROGATE, Model, meta_of, reference_of
from twin.restacking.twin_loop import TwinLoop


def loop_of(scenario: Scenario, model: Model) -> TwinLoop | None:
    """Return a scenario's loop around a model; None where nothing happens to the stack."""
    if not scenario.is_looped:
        return None
    meta, reference = meta_of(model.part(META)), reference_of(model.part(REFERENCE))
    return twin_loop(scenario, model.model_id, meta, model.threshold, reference)


def parts_of(model: Model) -> Parts:
    """Return the bytes that each component needs, and no others."""
    return Parts(
        model_id=model.model_id,
        threshold=model.threshold,
        stem=model.part("stem"),
        learners={name: model.part(name) for name in model.learners},
        meta=model.part("meta"),
        surrogate=model.part(SURROGATE),
        reference=model.part("reference"),
    )
