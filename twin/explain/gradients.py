"""The surrogate of the whole stack, from pixels to log-odds, with its derivatives.

Stem and features are the model's own; the surrogate stands in for the learners, and the weights
of the stack that is explained come with each question.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.explain.surrogate import Surrogate
from twin.explain.tensor_features import TENSOR_FEATURES
from twin.features import CELLS
from twin.meta import INPUT, MetaWeights
from twin.sketch import Sketch
from twin.stem import ACTIVATION_SIZE, SIZE, Stem
from twin.stem_weights import CENTRE
from twin.tensorflow import import_tensorflow

Floats = NDArray[np.floating]
Tensor = Any  # TensorFlow ships no types

_POOL: Final = ACTIVATION_SIZE // CELLS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfActivation:
    """What gradient explainers of a layer need."""

    log_odds: Floats  # (n,), nats
    activation: Floats  # (n, 112, 112, distinct filters), after ReLU6
    gradient: Floats  # of the log-odds with respect to the activation, nats per unit of it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfPixels:
    """What gradient explainers of the input need."""

    log_odds: Floats  # (n,), nats
    gradient: Floats  # (n, 224, 224, 3), nats per grey level


class Gradients:
    """Differentiates the surrogate.

    Parameters:
        stem, sketch, surrogate: of one model.
        dtype: of all sums; float64 is for holding gradients against finite differences.

    Raises:
        InvariantError: what the surrogate sees has no gradients here.
    """

    def __init__(
        self, stem: Stem, sketch: Sketch, surrogate: Surrogate, dtype: str = "float32"
    ) -> None:
        if surrogate.features not in TENSOR_FEATURES:
            raise InvariantError(f"features {surrogate.features} have no gradients")
        tf = import_tensorflow()
        self._tf, self._dtype = tf, tf.as_dtype(dtype)
        self._sketch, self._surrogate = sketch, surrogate
        self._distinct = stem.weights.distinct
        self._features = TENSOR_FEATURES[surrogate.features]
        kept = slice(0, self._distinct)  # the other filters repeat these
        self._kernel = self._constant((stem.weights.kernel * stem.weights.scale)[..., kept])
        self._shift = self._constant(stem.weights.shift[kept])
        view = surrogate.view
        self._mean = self._constant(view.mean)
        self._axes = self._constant(view.axes / view.scale[:, None])
        self._anchors = self._constant(surrogate.anchors.T)
        self._lengths = tf.reduce_sum(self._anchors * self._anchors, axis=0)

    def of_activation(self, pixels: Floats | NDArray[np.uint8], stack: MetaWeights) -> OfActivation:
        """Return log-odds and their gradient with respect to the stem's activation.

        Parameters:
            pixels: RGB from 0 to 255, shape (n, 224, 224, 3).
            stack: weights of the learners that are there, and of the sketch if any.
        """
        log_odds, activation, gradient = self._of_activation(
            self._checked(pixels), *self._weighted(stack)
        )
        return OfActivation(
            log_odds=log_odds.numpy(), activation=activation.numpy(), gradient=gradient.numpy()
        )

    def of_pixels(self, pixels: Floats | NDArray[np.uint8], stack: MetaWeights) -> OfPixels:
        """Return log-odds and their gradient with respect to the pixels; see `of_activation`."""
        log_odds, gradient = self._of_pixels(self._checked(pixels), *self._weighted(stack))
        return OfPixels(log_odds=log_odds.numpy(), gradient=gradient.numpy())

    def features(self, pixels: Floats | NDArray[np.uint8]) -> Floats:
        """Return what the surrogate sees, shape (n, dimension), as it is computed here."""
        found: Floats = self._seen(self._respond(self._checked(pixels))).numpy()
        return found

    def score(self, activation: Floats, stack: MetaWeights) -> Floats:
        """Return log-odds of activations (n, 112, 112, distinct filters), shape (n,)."""
        tensor = self._constant(activation)
        found: Floats = self._scored(tensor, *self._weighted(stack)).numpy()
        return found

    @cached_property
    def _of_activation(self) -> Callable[..., Any]:
        def run(pixels: Tensor, dual: Tensor, linear: Tensor, constant: Tensor) -> Tensor:
            active = self._respond(pixels)
            with self._tf.GradientTape() as tape:
                tape.watch(active)
                log_odds = self._scored(active, dual, linear, constant)
            return log_odds, active, tape.gradient(log_odds, active)

        return self._traced(run)

    @cached_property
    def _of_pixels(self) -> Callable[..., Any]:
        def run(pixels: Tensor, dual: Tensor, linear: Tensor, constant: Tensor) -> Tensor:
            with self._tf.GradientTape() as tape:
                tape.watch(pixels)
                log_odds = self._scored(self._respond(pixels), dual, linear, constant)
            return log_odds, tape.gradient(log_odds, pixels)

        return self._traced(run)

    def _respond(self, pixels: Tensor) -> Tensor:
        """Return the activation of distinct filters, as `Stem` computes it."""
        tf = self._tf
        response = tf.nn.conv2d(pixels / 127.5 - 1.0, self._kernel, strides=2, padding="SAME")
        return tf.nn.relu6(response + self._shift)

    def _seen(self, active: Tensor) -> Tensor:
        """Return features, shape (n, dimension)."""
        return self._features(*self._tf.custom_gradient(self._moments)(active))

    def _moments(self, active: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[..., Tensor]]:
        """Return cells' moments as `Stem` computes them, and their derivative."""
        pool = self._tf.nn.avg_pool2d
        moved = active - CENTRE
        found = (
            pool(moved, _POOL, _POOL, "VALID"),
            pool(moved * moved, _POOL, _POOL, "VALID"),
        )

        def back(of_mean: Tensor, of_square: Tensor) -> Tensor:
            # TensorFlow's own is right and takes twice as long.
            shape = (-1, CELLS, _POOL, CELLS, _POOL, self._distinct)
            slope, level = (part[:, :, None, :, None] for part in (2.0 * of_square, of_mean))
            spread = (self._tf.reshape(moved, shape) * slope + level) / _POOL**2
            return self._tf.reshape(spread, self._tf.shape(active))

        return found, back

    def _scored(self, active: Tensor, dual: Tensor, linear: Tensor, constant: Tensor) -> Tensor:
        """Return log-odds, shape (n,)."""
        tf = self._tf
        seen = self._seen(active) - self._mean
        view = seen @ self._axes
        lengths = tf.reduce_sum(view * view, axis=1)[:, None] + self._lengths
        distances = tf.maximum(lengths - 2.0 * (view @ self._anchors), 0.0)
        near = tf.exp(-self._surrogate.gamma * distances)
        return tf.linalg.matvec(near, dual) + tf.linalg.matvec(seen, linear) + constant

    def _weighted(self, stack: MetaWeights) -> tuple[Tensor, Tensor, Tensor]:
        """Return coefficients of anchors and of features less their mean, and the constant."""
        dual, constant = self._surrogate.combined(stack.weights)
        columns = range(self._sketch.basis.shape[1])
        of_column = np.array([stack.weights.get(f"{INPUT}{column}", 0.0) for column in columns])
        linear = self._sketch.basis @ of_column
        offset = float((self._surrogate.view.mean - self._sketch.mean) @ linear)
        total = stack.intercept + constant + offset
        return self._constant(dual), self._constant(linear), self._constant(total)

    def _constant(self, array: object) -> Tensor:
        return self._tf.constant(np.asarray(array), self._dtype)

    def _checked(self, pixels: Floats | NDArray[np.uint8]) -> Tensor:
        if pixels.shape[1:] != (SIZE, SIZE, 3):
            raise InvariantError(f"the surrogate was given pixels of {pixels.shape}")
        return self._constant(pixels)

    def _traced(self, function: Callable[..., Any]) -> Callable[..., Any]:
        spec, dtype = self._tf.TensorSpec, self._dtype
        signature = [
            spec((None, SIZE, SIZE, 3), dtype),
            spec((None,), dtype),
            spec((None,), dtype),
            spec((), dtype),
        ]
        # No Python branches to translate, and autograph would leave a temporary file per process.
        traced: Callable[..., Any] = self._tf.function(
            function, input_signature=signature, autograph=False
        )
        return traced
