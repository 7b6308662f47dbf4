"""Figures of every answerer in every view, as JSON values."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from services.evaluation.scoring import ImageScores
from services.evaluation.views import View
from twin.evaluation.measured import measure
from twin.evaluation.resampling import RESAMPLES


def view_figures(
    scores: ImageScores, views: Sequence[View], threshold: float, *, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Return per view what it is and, per answerer, what its answers are worth in it.

    {"split": {"title", "about", "why_not", "answers": {"stack": {...}, "svm": {...}}}, ...}; a view
    that the directory cannot give has `why_not` and no answers.

    Parameters:
        scores: of the stack, learners, or anybody who gives probabilities.
        views: masks over the scored images.
        threshold: a probability at or above it is called malignant.
    """
    found: dict[str, Any] = {}
    for view in views:
        answers = {}
        if view.mask is not None:
            for who in scores.p_malignant:
                part = scores.answers(who).part(view.mask)
                answers[who] = asdict(measure(part, threshold, resamples=resamples))
        found[view.key] = {
            "title": view.title,
            "about": view.about,
            "why_not": view.why_not or None,
            "answers": answers,
        }
    return found
