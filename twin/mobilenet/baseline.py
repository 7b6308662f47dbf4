"""The paper's baseline: MobileNetV2 calls an image benign or malignant itself.

Here the tuned network answers, on one thread and one image per call, so that an answer depends on
the weights and the image alone (law 5), wherever and however it was tuned.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.mobilenet.architecture import BLOCKS
from twin.mobilenet.network import MobileNet
from twin.mobilenet.tuned import HEAD, Tuned
from twin.mobilenet.views import VIEWS, view
from twin.mobilenet.weights import MobileNetWeights
from twin.training import Pixels, Progress

LAST: Final = BLOCKS[-1].output  # out_relu, 7 × 7 × 1280


class Baseline:
    """A tuned MobileNetV2 with its head.

    Parameters:
        weights: those that fine-tuning started from.
        tuned: what it left; its arrays take the place of theirs.
    """

    def __init__(self, weights: MobileNetWeights, tuned: Tuned) -> None:
        trained = {name: array for name, array in tuned.arrays.items() if name not in HEAD}
        arrays = {**weights.arrays, **trained}
        self._look = MobileNet(MobileNetWeights(arrays=arrays, source="tuned")).looking([LAST])
        kernel, bias = (tuned.arrays[name].astype(np.float64) for name in HEAD)
        self.kernel: NDArray[np.float64] = kernel[:, 0]  # (1280,), nats per unit of activation
        self.bias = float(bias[0])  # nats

    def last(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the last convolution's activation, shape (7, 7, 1280).

        Parameters:
            pixels: RGB, shape (224, 224, 3).
        """
        return self._look(pixels)[0]

    def log_odds(self, pixels: NDArray[np.uint8], views: int = 1) -> float:
        """Return the log-odds of malignancy, the mean over so many views of the image."""
        found = [self.head(self.last(view(pixels, number))) for number in range(views)]
        return float(np.mean(found))

    def head(self, last: NDArray[np.float32]) -> float:
        """Return the log-odds that the head gives an activation of the last convolution."""
        pooled = last.mean(axis=(0, 1), dtype=np.float64)
        # NumPy's own sum: that of BLAS differs with its threads
        return float((pooled * self.kernel).sum() + self.bias)

    def p_malignant(
        self, pixels: Pixels, count: int, *, views: int = VIEWS, on_progress: Progress
    ) -> NDArray[np.float64]:
        """Return the probability of malignancy of each image, shape (count,).

        Parameters:
            pixels: brings image i.
            views: of each image, over which log-odds are averaged; 1 to 8.
            on_progress: is told stage ("baseline"), done, total.
        """
        found = np.empty(count)
        for place in range(count):
            found[place] = self.log_odds(pixels(place), views)
            on_progress("baseline", place + 1, count)
        return np.asarray(1 / (1 + np.exp(-found)), np.float64)
