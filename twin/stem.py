"""The stem: convolution, batch normalisation, ReLU6; in TensorFlow, one image per call.

Law 5: kernels differ in the last bits with batch shape and thread count, so every image goes
through one fixed shape, [1, 224, 224, 3], on one thread.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.codebook import Codebook
from twin.errors import InvariantError
from twin.features import CELLS, FEATURES, CellMaps
from twin.stem_weights import CENTRE, StemWeights
from twin.tensorflow import import_tensorflow

SIZE: Final = 224  # pixels a side, the paper's input
ACTIVATION_SIZE: Final = 112  # stride 2
_POOL: Final = ACTIVATION_SIZE // CELLS


class Stem:
    """Turns pixels into activation maps and into features.

    Parameters:
        weights: convolution and batch normalisation.
        features: name of the feature set, a key of `twin.features.FEATURES`.
        codebook: of local textures; its code follows the set's features. None: no code.

    Raises:
        InvariantError: there is no such set, or it or a codebook does not suit these weights.
    """

    def __init__(
        self, weights: StemWeights, features: str, codebook: Codebook | None = None
    ) -> None:
        if features not in FEATURES:
            raise InvariantError(f"no feature set {features}; there are {', '.join(FEATURES)}")
        self.weights = weights
        self.spec = FEATURES[features]
        self.codebook = codebook
        self.width = self.spec.dimension(
            weights.distinct
        )  # of the set's features, which come first
        if codebook is not None and not weights.is_basis:
            raise InvariantError("a codebook of local textures needs the analytic stem")
        self.dimension = self.width + (codebook.dimension if codebook else 0)
        self._tf = import_tensorflow()
        # scale · (kernel ∗ x) + shift = (scale · kernel) ∗ x + shift: one pass less per image
        self._kernel = self._tf.constant(weights.kernel * weights.scale)
        self._shift = self._tf.constant(weights.shift)

    def activation(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the map that follows ReLU6, shape (112, 112, 32).

        Parameters:
            pixels: RGB, shape (224, 224, 3).
        """
        active: NDArray[np.float32] = _array(self._activation(_checked(pixels)))[0]
        return active

    def cells(self, pixels: NDArray[np.uint8]) -> CellMaps:
        """Return moments of the activation in 28 × 28 cells, distinct filters only."""
        moments = _array(self._cells(_checked(pixels)))[..., : self.weights.distinct]
        return CellMaps(mean=moments[0], square=moments[1])

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the image's features, shape (dimension,)."""
        cells = self.cells(pixels)
        found = self.spec.compute(cells)
        if self.codebook is None:
            return found
        return np.concatenate([found, self.codebook.encode(cells)])

    def _respond(self, pixels: Any) -> Any:  # noqa: ANN401 - TensorFlow ships no types
        tf = self._tf
        scaled = tf.cast(pixels, tf.float32)[None] / 127.5 - 1.0  # MobileNetV2's input range
        response = tf.nn.conv2d(scaled, self._kernel, strides=2, padding="SAME")
        return tf.nn.relu6(tf.nn.bias_add(response, self._shift))

    @cached_property
    def _activation(self) -> Callable[[NDArray[np.uint8]], Any]:
        return self._traced(self._respond)

    @cached_property
    def _cells(self) -> Callable[[NDArray[np.uint8]], Any]:
        pool = self._tf.nn.avg_pool2d

        def moments(pixels: Any) -> Any:  # noqa: ANN401 - as above
            # Around the centre of [0, 6], so that variances lose fewer digits to the mean
            active = self._respond(pixels) - CENTRE
            mean = pool(active, _POOL, _POOL, "VALID")
            square = pool(active * active, _POOL, _POOL, "VALID")
            return self._tf.concat([mean, square], axis=0)

        return self._traced(moments)

    def _traced(self, function: Callable[[Any], Any]) -> Callable[[NDArray[np.uint8]], Any]:
        signature = [self._tf.TensorSpec((SIZE, SIZE, 3), self._tf.uint8)]
        # No Python branches to translate, and autograph would leave a temporary file per process.
        traced: Callable[[NDArray[np.uint8]], Any] = self._tf.function(
            function, input_signature=signature, autograph=False
        )
        return traced


def _array(tensor: Any) -> NDArray[np.float32]:  # noqa: ANN401 - TensorFlow ships no types
    array: NDArray[np.float32] = tensor.numpy()
    return array


def _checked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.shape != (SIZE, SIZE, 3) or pixels.dtype != np.uint8:
        raise InvariantError(f"stem was given pixels of {pixels.shape}, {pixels.dtype}")
    return pixels
