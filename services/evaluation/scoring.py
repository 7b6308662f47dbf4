"""Scores labelled images with a model: what all figures of an evaluation are made from."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from services.image_store import FileReader
from simulator.cases.checksums import Progress
from simulator.cases.datasets import LabelledImage
from twin.errors import DataError, ImageError
from twin.evaluation.measured import Answers
from twin.evaluation.resampling import Floats
from twin.evaluation.scorer import Scorer
from twin.imaging import Imaging
from twin.model import Model

STACK: Final = "stack"  # the name of the meta-learner's answers beside the learners'
_AT_ONCE: Final = 32  # images decoded together: a few MB


@dataclass(frozen=True, slots=True)
class ImageScores:
    """Probabilities that several answerers give to the same images."""

    images: Sequence[LabelledImage]  # those that could be scored
    p_malignant: Mapping[str, Floats]  # stack, learners, or whoever else answered: shape (images,)
    unscorable: Sequence[str]  # reasons, of images that are in no array

    def answers(self, who: str = STACK) -> Answers:
        """Return one answerer's probabilities with truth and lesions."""
        return Answers(
            self.p_malignant[who],
            np.array([image.malignant for image in self.images]),
            [image.group for image in self.images],
        )


def probabilities(p_malignant: Floats, log_odds: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the stack's probabilities and, beside them, those of its learners."""
    return {STACK: p_malignant, **{name: 1 / (1 + np.exp(-z)) for name, z in log_odds.items()}}


def score_images(
    model: Model,
    root: Path,
    images: Sequence[LabelledImage],
    on_progress: Progress,
    threads: int = 2,
) -> ImageScores:
    """Score images as the serving path does.

    Raises:
        DataError: none could be scored.
    """
    scorer = Scorer(model)
    imaging = Imaging(FileReader(root))
    kept: list[LabelledImage] = []
    rows = []
    unscorable: list[str] = []

    def look(image: LabelledImage) -> "np.ndarray[tuple[int], np.dtype[np.float32]] | str":
        try:
            return scorer.features(imaging.pixels(image.ref))
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(threads, thread_name_prefix="scoring") as pool:
        for first in range(0, len(images), _AT_ONCE):
            chunk = images[first : first + _AT_ONCE]
            for image, row in zip(chunk, pool.map(look, chunk), strict=True):
                if isinstance(row, str):
                    unscorable.append(row)
                else:
                    kept.append(image)
                    rows.append(row)
            on_progress("images scored", first + len(chunk), len(images))
    if not rows:
        why = f"; the first reason: {unscorable[0]}" if unscorable else ""
        raise DataError(root, f"no image could be scored{why}")
    return ImageScores(kept, probabilities(*scorer.score(np.stack(rows))), unscorable)
