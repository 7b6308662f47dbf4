"""Maps of some test images, judged: does each explainer point at what the stack looks at?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.explaining.judging import Judged, balanced, judge, verdict
from services.image_store import FileReader
from services.parts import parts_of
from services.steps import Result, Steps
from simulator.cases.datasets import LabelledImage
from twin.explain.explainer import Explainer
from twin.explain.fidelity import Fidelity, fidelity_of
from twin.explain.methods import METHODS
from twin.imaging import Imaging
from twin.learners.registry import LEARNERS
from twin.model import Model, learner_of, meta_of, stem_of, surrogate_of
from twin.training import Progress

_STEPS: Final = 10  # of each curve
_RANDOM_MAPS: Final = 4


def judged_maps(
    steps: Steps,
    root: Path,
    images: Sequence[LabelledImage],
    model: Model,
    *,
    count: int,
    bars: Progress,
) -> dict[str, Any]:
    """Return what each explainer's maps are worth, as JSON values; each image is kept when done.

    Parameters:
        images: of the test part.
        count: of them, half of each class.
    """
    chosen = balanced(images, count)
    imaging = Imaging(FileReader(root))
    parts = parts_of(model)
    explainer: list[Explainer] = []  # made when the first image asks for it
    rows: list[Judged] = []
    for place, image in enumerate(chosen):

        def judged(image: LabelledImage = image, place: int = place) -> Result:
            if not explainer:
                explainer.append(Explainer(parts.explained, tuple(parts.learners), model.model_id))
            pixels = imaging.pixels(image.ref)
            maps = {name: explainer[0].map(pixels, name) for name in METHODS}
            found = judge(
                explainer[0], pixels, maps, seed=place, steps=_STEPS, random_maps=_RANDOM_MAPS
            )
            return Result(facts=found)

        own = {"model": model.model_id, "image": image.sha256, "place": place}
        rows.append(dict(steps("maps", judged, **own).facts))
        bars("maps judged", place + 1, len(chosen))
    groups = [image.group for image in chosen]
    return {
        "images": len(chosen),
        "malignant": sum(image.malignant for image in chosen),
        "held_out": model.content["surrogate"],
        "methods": {name: verdict([row[name] for row in rows], groups) for name in METHODS},
    }


def fidelity_on(
    steps: Steps, root: Path, images: Sequence[LabelledImage], model: Model, bars: Progress
) -> Fidelity:
    """Return how well the surrogate stands for the stack on images that nobody learned from."""

    def measured() -> Result:
        stem, surrogate = stem_of(model.files), surrogate_of(model.files)
        imaging = Imaging(FileReader(root))
        rows = []
        for place, image in enumerate(images):
            rows.append(stem.features(imaging.pixels(image.ref)))
            bars("surrogate on test images", place + 1, len(images))
        x = np.stack(rows)
        names = [name for name in LEARNERS if name in model.learners]
        weights = meta_of(model.files).weights_for(names).weights
        theirs = {name: learner_of(model.files, name).score(x) for name in names}
        ours = dict(zip(surrogate.learners, surrogate.log_odds(x).T, strict=True))
        found = fidelity_of(
            np.sum([weights[name] * ours[name] for name in names], axis=0),
            np.sum([weights[name] * theirs[name] for name in names], axis=0),
        )
        return Result(
            facts={
                "rank_correlation": found.rank_correlation,
                "r2": found.r2,
                "images": found.images,
            }
        )

    own = {"model": model.model_id, "images": [image.sha256 for image in images]}
    return Fidelity(**steps("fidelity", measured, **own).facts)
