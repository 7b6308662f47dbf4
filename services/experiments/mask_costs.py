"""Puts what missing learners cost on the training images beside what they cost in a run."""

from collections.abc import Sequence
from typing import Any

from services.artefacts import ArtefactStore
from services.config import Settings
from services.experiments.plan import Point
from simulator.experiment.mask_cost import mask_cost
from twin.model import Model, meta_of, reference_of


def tell_mask_costs(
    summary: dict[str, Any], points: Sequence[Point], chosen: str | None, settings: Settings
) -> None:
    """Add the cost out of fold to each outage of a summary.

    Parameters:
        summary: with its model_id; it is changed.
        chosen: the model that the command named, if any.

    Nothing is added where points have models of their own: the summary names only one.
    """
    rows = [
        (point, told["loop"]["outages"]["rows"])
        for point, told in zip(points, summary["points"], strict=True)
        if told.get("loop") and told["loop"]["outages"]
    ]
    one_model = all(point.scenario.model == points[0].scenario.model for point in points)
    if not rows or not (one_model or chosen is not None):
        return
    model = ArtefactStore(settings.home).load(chosen or summary["model_id"])
    for point, outages in rows:
        for row in outages:
            row["out_of_fold"] = _cost(model, point, row["missing"])


def _cost(model: Model, point: Point, missing: Sequence[str]) -> dict[str, Any]:
    scenario = point.scenario
    threshold = scenario.operating_point
    return mask_cost(
        reference_of(model.part("reference")),
        meta_of(model.part("meta")),
        model.threshold if threshold is None else threshold,
        missing,
        scenario.replications.confidence,
    )
