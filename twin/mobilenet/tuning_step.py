"""One step of fine-tuning in TensorFlow: log-odds, loss, and Adam with decoupled weight decay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.mobilenet.architecture import LAST_OUTPUTS, Block
from twin.mobilenet.network import Tensor, forward
from twin.mobilenet.tuned import TuningSettings

_BETA1, _BETA2 = 0.9, 0.999  # Adam's, Kingma & Ba 2015, algorithm 1
_TINY: Final = 1e-7  # Adam's ε


@dataclass(slots=True)
class Moments:
    """Adam's running means of gradients and of their squares, by name of array."""

    first: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)


def learning_rate(settings: TuningSettings, step: int, batches: int) -> float:
    """Return a rate that rises linearly and falls as a cosine (Loshchilov & Hutter 2017)."""
    warm, last = settings.warm_up * batches, settings.epochs * batches
    if step < warm:
        return settings.learning_rate * step / warm
    way = (step - warm) / max(last - warm, 1.0)
    return float(settings.learning_rate * (1 + np.cos(np.pi * min(way, 1.0))) / 2)


def cross_entropy(log_odds: NDArray[Any], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the loss of each image in nats, shape (n,)."""
    signed = np.where(truth, -1.0, 1.0) * log_odds
    return np.asarray(np.logaddexp(0.0, signed), np.float64)


def log_odds_of(
    tf: Any,  # noqa: ANN401 - TensorFlow ships no types
    arrays: Mapping[str, Tensor],
    last: Tensor,
    kept: Tensor | None = None,
) -> Tensor:
    """Return the head's log-odds, shape (n,), from the last convolution's ReLU6.

    Parameters:
        last: shape (n, size, size, 1280).
        kept: dropout's factors, shape (n, 1280).
    """
    pooled = tf.reduce_mean(last, [1, 2])
    if kept is not None:
        pooled = pooled * kept
    return (pooled @ arrays["head/kernel"])[:, 0] + arrays["head/bias"]


def functions(
    tf: Any,  # noqa: ANN401 - as above
    variables: Mapping[str, Any],
    moments: Moments,
    blocks: Sequence[Block],
    settings: TuningSettings,
    shape: tuple[int, ...],
) -> tuple[Any, Any]:
    """Return a training step and a look, both traced; both return log-odds, shape (batch,)."""
    smooth = settings.label_smoothing

    def train(x: Tensor, labels: Tensor, kept: Tensor, rate: Tensor, step: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            log_odds = log_odds_of(tf, variables, forward(tf, variables, x, blocks), kept)
            targets = labels * (1 - smooth) + smooth / 2
            loss = tf.reduce_mean(
                tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=log_odds)
            )
        gradients = tape.gradient(loss, list(variables.values()))
        for (name, one), gradient in zip(variables.items(), gradients, strict=True):
            first, second = moments.first[name], moments.second[name]
            first.assign(_BETA1 * first + (1 - _BETA1) * gradient)
            second.assign(_BETA2 * second + (1 - _BETA2) * gradient * gradient)
            # Kingma & Ba 2015, algorithm 1: both moments start at 0, which is corrected here
            mean = first / (1 - _BETA1**step)
            spread = tf.sqrt(second / (1 - _BETA2**step)) + _TINY
            decay = settings.weight_decay * one if name.endswith("/kernel") else 0.0
            one.assign_sub(rate * (mean / spread + decay))
        return log_odds

    def judge(x: Tensor) -> Tensor:
        return log_odds_of(tf, variables, forward(tf, variables, x, blocks))

    images = tf.TensorSpec((None, *shape), tf.float32)
    each, scalar = tf.TensorSpec((None,), tf.float32), tf.TensorSpec((), tf.float32)
    kept = tf.TensorSpec((None, LAST_OUTPUTS), tf.float32)
    return (
        tf.function(train, input_signature=[images, each, kept, scalar, scalar], autograph=False),
        tf.function(judge, input_signature=[images], autograph=False),
    )
