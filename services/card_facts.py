"""Gathers what a model card says of images: scores, views, groups, and the audit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.audit.auditing import audit
from services.card_sources import stated_licences
from services.config import Settings
from services.evaluation.cross_validation import Plan
from services.evaluation.evaluation import evaluate_views
from services.evaluation.groups import group_figures
from services.evaluation.scoring import score_images
from services.ground import require_ground
from services.learning import Lesson
from services.model_card import CardFacts
from simulator.cases.bad_rows import complain
from simulator.cases.checksums import Progress
from simulator.cases.datasets import read_data
from twin.errors import SettingsError
from twin.model import Model


def facts_of(
    model: Model,
    lesson: Mapping[str, Any] | None,
    root: Path,
    settings: Settings,
    on_progress: Progress,
    *,
    folds: bool,
) -> CardFacts:
    """Return all that a card says of a directory of images.

    Parameters:
        lesson: what the model learned from, if it was kept.
        folds: nested cross-validation too, as the model was taught.

    Raises:
        DataError: the images are no ground for figures.
        SettingsError: cross-validation is asked for and how the model was taught is not known.
    """
    data = read_data(root, verify=True, on_progress=on_progress)
    complain(data.bad)
    require_ground(data.images, "the card", root=root, folds=2)
    plan = None
    if folds:
        if lesson is None or lesson["kind"] != "images":
            raise SettingsError("--folds", True, "how this model was taught was not kept here")
        plan = Plan(
            root=data.root,
            images=data.images,
            lesson=Lesson(
                stem=lesson["stem"],
                quick=lesson["quick"],
                seed=lesson["seed"],
                threads=settings.threads,
            ),
        )
    evaluation = evaluate_views(
        model,
        data.root,
        data.images,
        on_progress,
        threads=settings.threads,
        folds=(settings.home, plan) if plan is not None else None,
        learned=_learned(lesson),
    )
    tested = [image for image in data.images if image.split == "test"]
    groups = None
    if tested:
        scores = score_images(model, data.root, tested, on_progress, settings.threads)
        groups = group_figures(scores, model.threshold)
    found = audit(data, quick=True, on_progress=on_progress, threads=settings.threads)
    return CardFacts(
        lesson=lesson,
        images=data.images,
        licences=stated_licences(data.root),
        evaluation=evaluation,
        groups=groups,
        audit=found["verdicts"],
    )


def _learned(lesson: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the sha256 of the files that a model learned from, as far as that was kept."""
    if lesson is None or lesson["kind"] != "images":
        return frozenset()
    return frozenset(sha256 for _, sha256, _, _ in lesson["images"])
