"""Figures by group of patients: sex, age band, site, diagnosis, source, skin tone."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from services.evaluation.scoring import STACK, ImageScores
from simulator.cases.datasets import LabelledImage
from twin.evaluation.measured import measure
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
_ORDER: Final = {name: place for place, name in enumerate((*AGE_BANDS, *SKIN_TONES))}


def group_figures(
    scores: ImageScores, threshold: float, *, who: str = STACK, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Return fact -> group -> n, malignant, lesions, figures; the unknown are a group, too.

    A group of fewer than ten images has its counts and None for figures; a fact that is known of
    no image has no groups.
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
                count = len(part.lesions)
                groups[name] = {
                    "n": count,
                    "malignant": int(part.malignant.sum()),
                    "lesions": len(set(part.lesions)),
                    "figures": asdict(measure(part, threshold, resamples=resamples))["figures"]
                    if count >= FEWEST
                    else None,
                }
        found[fact] = groups
    return found
