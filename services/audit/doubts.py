"""Labels that a cheap learner contradicts strongly, out of fold: they deserve a second look.

A contradiction is no error: the learner may be wrong, and an odd lesion is not a wrong label. The
list is for a person who looks at the images (Northcutt, Jiang, Chuang 2021, Confident learning,
doi:10.1613/jair.1.12125, section 3).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from services.image_store import FileReader
from simulator.cases.checksums import Progress
from simulator.cases.datasets import LabelledImage
from twin.evaluation.resampling import Floats
from twin.imaging import Imaging
from twin.learners.registry import LEARNERS
from twin.meta import Folds
from twin.stem import Stem
from twin.stem_weights import analytic, calibrated
from twin.training import FULL

CONTRADICTED: Final = 0.05  # probability of the label; assumption: one in twenty deserves a look
_LEARNER: Final = "svm"  # the best single learner, and cheap


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """An image whose label a score contradicts."""

    path: str
    label: str
    p_malignant: float  # out of fold
    rank: int  # from 1, the strongest contradiction of its label first


def out_of_fold(
    root: Path,
    images: Sequence[LabelledImage],
    folds: Folds,
    on_progress: Progress,
    threads: int = 2,
) -> Floats:
    """Return p_malignant of a cheap learner that met no image of the lesion, shape (images,).

    The stem is calibrated on a sample of all images, without their labels.
    """
    imaging = Imaging(FileReader(root))
    step = -(-len(images) // FULL.calibration_images)
    weights = calibrated(
        analytic(), (imaging.pixels(image.ref) for image in images[::step]), FULL.response_sd
    )
    stem = Stem(weights, FULL.analytic_features)
    x = np.empty((len(images), stem.dimension), np.float32)
    with ThreadPoolExecutor(threads, thread_name_prefix="audit") as pool:
        rows = pool.map(lambda image: stem.features(imaging.pixels(image.ref)), images)
        for place, row in enumerate(rows):
            x[place] = row
            on_progress("features", place + 1, len(images))
    y = np.array([image.malignant for image in images])
    learner = LEARNERS[_LEARNER]
    z = np.empty(len(images))
    for done, (seen, unseen) in enumerate(folds, start=1):
        fitted = learner.fit(x[seen], y[seen], seed=0, settings=FULL.learners[_LEARNER])
        z[unseen] = fitted.score(x[unseen])
        on_progress("folds scored", done, len(folds))
    return np.asarray(1 / (1 + np.exp(-z)))


def doubts(images: Sequence[LabelledImage], p_malignant: Floats) -> list[Doubt]:
    """Return images whose label has a probability below 5 %, the least probable first."""
    y = np.array([image.malignant for image in images])
    p_label = np.where(y, p_malignant, 1 - p_malignant)
    found: list[Doubt] = []
    ranks = {True: 0, False: 0}
    for place in np.argsort(p_label, kind="stable"):
        if p_label[place] >= CONTRADICTED:
            break
        ill = bool(y[place])
        ranks[ill] += 1
        found.append(
            Doubt(
                path=images[place].path,
                label="malignant" if ill else "benign",
                p_malignant=round(float(p_malignant[place]), 4),
                rank=ranks[ill],
            )
        )
    return found
