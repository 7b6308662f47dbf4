"""The true stack as one function: pixels in, log-odds of malignancy out.

Occlusion and the faithfulness curves ask it about images that nobody photographed, hundreds of
them for one explanation. Learners with a weight of zero are not asked: they add nothing.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.learners.contract import Fitted
from twin.meta import INPUT, MetaStack
from twin.sketch import Sketch
from twin.stem import Stem

_AT_ONCE: Final = 256  # rows: features of so many images take some MB


class StackScore:
    """Scores images with stem, learners and one stack; it holds the rounding of none but theirs.

    Parameters:
        learners: those that answer, by name. A learner that is missing is left out, and the stack
            for the others answers (law 10).
        meta: the stack version.
    """

    def __init__(
        self, stem: Stem, sketch: Sketch, learners: Mapping[str, Fitted], meta: MetaStack
    ) -> None:
        weights = meta.weights_for(learners)
        self._stem, self._sketch = stem, sketch
        self._intercept = weights.intercept
        self._weights = {name: weight for name, weight in weights.weights.items() if weight}
        self._learners = {name: learners[name] for name in self._weights if name in learners}

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the stack's log-odds of malignancy, shape (n,), in nats.

        Parameters:
            images: RGB, shape (n, 224, 224, 3).
        """
        total = np.full(len(images), self._intercept)
        for first in range(0, len(images), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            features = np.stack([self._stem.features(image) for image in images[rows]])
            total[rows] += self._of_features(features)
        return total

    def _of_features(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        columns = {name: learner.score(features) for name, learner in self._learners.items()}
        if any(name.startswith(INPUT) for name in self._weights):
            sketched = self._sketch.of(features)
            columns |= {f"{INPUT}{place}": column for place, column in enumerate(sketched.T)}
        total = np.zeros(len(features))
        for name, weight in self._weights.items():
            total += weight * columns[name]
        return total
