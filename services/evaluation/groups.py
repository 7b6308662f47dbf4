"""Figures by group of patients: sex, age band, site, diagnosis, source, skin tone."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from services.evaluation.scoring import STACK, ImageScores
from simulator.cases.datasets import LabelledImage
from twin.evaluation.measured import Answers, measure
from twin.evaluation.resampling import RESAMPLES
from twin.groups import AGE_BANDS, GROUP_OF_TONE, SKIN_TONES, age_band

FEWEST: Final = 10  # cases of a group; assumption: of fewer, a figure says more of chance
_FACTS: Final[Mapping[str, Callable[[LabelledImage], str | None]]] = {
    "sex": lambda image: image.sex,
    "age band": lambda image: age_band(image.age),
    "skin tone": lambda image: GROUP_OF_TONE.get(image.skin_tone or ""),
    "site": lambda image: image.site,
    "diagnosis": lambda image: image.diagnosis,
    "source": lambda image: image.source,
}
# Of which classes there must be enough for a figure to say anything.
_RESTS_ON: Final[Mapping[str, set[str]]] = {
    "sensitivity": {"malignant"},
    "specificity": {"benign"},
    "auc": {"benign", "malignant"},
    "precision": {"malignant"},
    "f1": {"malignant"},
}
_ORDER: Final = {name: place for place, name in enumerate((*AGE_BANDS, *SKIN_TONES))}


def group_figures(
    scores: ImageScores, threshold: float, *, who: str = STACK, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Return fact -> group -> n, malignant, lesions, figures; the unknown are a group, too.

    A group of fewer than ten images has its counts and None for figures; so has a figure that
    rests on a class of which there are fewer than ten. A fact that is known of no image has no
    groups.
    """
    answers = scores.answers(who)
    found: dict[str, Any] = {}
    for fact, of in _FACTS.items():
        values = [of(image) for image in scores.images]
        groups: dict[str, Any] = {}
        if any(value is not None for value in values):
            names = sorted(
                {value or "unknown" for value in values},
                key=lambda name: (name == "unknown", _ORDER.get(name, 0), name),
            )
            for name in names:
                part = answers.part(np.array([(value or "unknown") == name for value in values]))
                groups[name] = _group(part, threshold, resamples)
        found[fact] = groups
    return found


def _group(part: Answers, threshold: float, resamples: int) -> dict[str, Any]:
    n, ill = len(part.malignant), int(part.malignant.sum())
    figures: dict[str, Any] | None = None
    if n >= FEWEST:
        figures = asdict(measure(part, threshold, resamples=resamples))["figures"]
        few = {"malignant"} if ill < FEWEST else set()
        few |= {"benign"} if n - ill < FEWEST else set()
        for name, rests_on in _RESTS_ON.items():
            if few & rests_on:
                figures[name] = {"value": None, "low": None, "high": None}
    return {"n": n, "malignant": ill, "lesions": len(set(part.lesions)), "figures": figures}
