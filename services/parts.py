"""Splits a model artefact by component."""

from actors.parts import Parts
from twin.model import Model


def parts_of(model: Model) -> Parts:
    """Return the bytes that each component needs, and no others."""
    return Parts(
        model_id=model.model_id,
        threshold=model.threshold,
        stem=model.part("stem"),
        learners={name: model.part(name) for name in model.learners},
        meta=model.part("meta"),
        reference=model.part("reference"),
    )
