"""A model at hand: from pixels to the learners' log-odds and the stack's probability."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from twin.evaluation.resampling import Floats
from twin.model import Model, learner_of, meta_of, stem_of


class Scorer:
    """Answers as the serving path does, without its hosts.

    Parameters:
        model: a verified artefact.
    """

    def __init__(self, model: Model) -> None:
        self._stem = stem_of(model.part("stem"))
        self._learners = {name: learner_of(model.part(name), name) for name in model.learners}
        self._meta = meta_of(model.part("meta"))

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one image's features; pixels have shape (224, 224, 3). Safe in threads."""
        return self._stem.features(pixels)

    def score(self, x: NDArray[np.float32]) -> tuple[Floats, Mapping[str, Floats]]:
        """Return p_malignant, shape (n,), and log-odds per learner, for features of n images."""
        log_odds = {name: learner.score(x) for name, learner in self._learners.items()}
        return self._meta.probability(log_odds), log_odds
