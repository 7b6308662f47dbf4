"""Fine-tuning: MobileNetV2's last blocks and a logistic head, trained on labelled images.

Blocks before `first_trained` stay as they are, so their output is computed once for each image and
view, and training starts from there. Every draw of an epoch is keyed by (seed, epoch), and the
state between two epochs is a set of plain arrays: training that stops after an epoch and goes on
from its state gives the same weights as training that never stopped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import DataError, InvariantError
from twin.evaluate import auc
from twin.mobilenet.architecture import LAST_OUTPUTS, Block, blocks_from
from twin.mobilenet.network import Tensor, forward
from twin.mobilenet.weights import MobileNetWeights

State = dict[str, NDArray[Any]]

HEAD: Final = ("head/kernel", "head/bias")  # of the logistic regression over pooled activations
_AT_ONCE: Final = 32  # images in a batch that is only looked at
_MOMENTS: Final = (0.9, 0.999)  # Adam's β₁ and β₂, Kingma & Ba 2015, algorithm 1
_TINY: Final = 1e-7  # Adam's ε


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSettings:
    """How the last blocks are trained. The values were chosen on validation parts of train."""

    first_trained: str = "block_6"  # a block; those before it keep their weights
    epochs: int = 12  # at most; the learning rate falls to 0 over them
    patience: int = 5  # epochs without a lower validation loss before training stops
    batch: int = 32  # images
    learning_rate: float = 3e-4  # at its highest
    warm_up: float = 1.0  # epochs over which the learning rate rises from 0
    weight_decay: float = 1e-2  # of kernels, apart from the gradient (Loshchilov & Hutter 2019)
    dropout: float = 0.3  # share of pooled activations that are left out
    label_smoothing: float = 0.05  # certainty that a label takes from the truth
    validation_share: float = 0.15  # of lesions, about; training never sees them


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass over the training part. The order of fields is that of a state's history."""

    number: int  # from 1
    learning_rate: float  # of the last step
    train_loss: float  # cross-entropy in nats, as trained: with dropout and augmentation
    train_accuracy: float  # the same
    validation_loss: float  # cross-entropy in nats, images as they are
    validation_accuracy: float
    validation_auc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What training leaves: the arrays of the best epoch, and the way there."""

    arrays: Mapping[str, NDArray[np.float32]]  # of trained blocks and of the head, by name
    settings: TuningSettings
    seed: int
    curve: tuple[Epoch, ...]
    best_epoch: int  # of the lowest validation loss; its arrays are kept
    training_images: int
    validation: tuple[int, ...]  # places of the validation part in the training set


@dataclass(slots=True)
class _Moments:
    first: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)


class FineTuning:
    """Training, one epoch after another.

    Parameters:
        tf: TensorFlow as its process has set it up. Bits depend on its threads and kernels.
        front: input of the first trained block, shape (n, views, size, size, channels), any float.
        labels: shape (n,), True is malignant.
        groups: n names; images of one lesion share one, and are on one side of the validation.
        weights: where training starts.
        seed: of the validation part, the order of images, views, dropout and the head.
        state: of an earlier training on the same arguments, to go on from.

    Raises:
        DataError: too few lesions for a validation part with both classes.
        InvariantError: the state is not one of this training.
    """

    def __init__(
        self,
        tf: Any,  # noqa: ANN401 - TensorFlow ships no types
        front: NDArray[Any],
        labels: NDArray[np.bool_],
        groups: Sequence[str],
        weights: MobileNetWeights,
        settings: TuningSettings,
        seed: int,
        state: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self._tf, self._front, self._labels = tf, front, labels
        self._settings, self._seed = settings, seed
        self.training, self.validation = validation_part(
            labels, groups, settings.validation_share, seed
        )
        blocks = blocks_from(settings.first_trained)
        start = _start(weights, blocks, seed)
        self._variables = {name: tf.Variable(array) for name, array in start.items()}
        self._moments = _Moments(
            {name: tf.Variable(np.zeros_like(array)) for name, array in start.items()},
            {name: tf.Variable(np.zeros_like(array)) for name, array in start.items()},
        )
        self._best = start
        self._history: list[Epoch] = []
        self._train, self._judge = _functions(
            tf, self._variables, self._moments, blocks, settings, front.shape[2:]
        )
        if state is not None:
            self._restore(state)

    @property
    def curve(self) -> tuple[Epoch, ...]:
        """Epochs that are done."""
        return tuple(self._history)

    @property
    def is_done(self) -> bool:
        """Whether all epochs are done, or the last ones brought nothing."""
        done = len(self._history)
        if not done:
            return False
        waited = done - self._best_epoch()
        return done >= self._settings.epochs or waited >= self._settings.patience

    def epochs(self) -> Iterator[Epoch]:
        """Train until done, and yield after each epoch; `state()` may be kept there."""
        while not self.is_done:
            epoch = self._epoch(len(self._history) + 1)
            self._history.append(epoch)
            if self._best_epoch() == epoch.number:
                self._best = {name: one.numpy() for name, one in self._variables.items()}
            yield epoch

    def state(self) -> State:
        """Return all that the next epoch depends on, and the arrays of the best one so far."""
        state: State = {f"best/{name}": array for name, array in self._best.items()}
        for part, variables in self._parts().items():
            state |= {f"{part}/{name}": one.numpy() for name, one in variables.items()}
        rows = [[getattr(epoch, key) for key in Epoch.__slots__] for epoch in self._history]
        state["history"] = np.array(rows, np.float64).reshape(-1, len(Epoch.__slots__))
        return state

    def result(self) -> Tuned:
        """Return what training has left.

        Raises:
            InvariantError: no epoch is done.
        """
        if not self._history:
            raise InvariantError("no epoch of fine-tuning is done")
        return Tuned(
            arrays=self._best,
            settings=self._settings,
            seed=self._seed,
            curve=self.curve,
            best_epoch=self._best_epoch(),
            training_images=len(self.training),
            validation=tuple(int(place) for place in self.validation),
        )

    def _best_epoch(self) -> int:
        return min(self._history, key=lambda epoch: (epoch.validation_loss, epoch.number)).number

    def _epoch(self, number: int) -> Epoch:
        settings = self._settings
        stream = np.random.Generator(np.random.Philox(key=[self._seed, number]))
        order = stream.permutation(self.training)
        views = stream.integers(0, self._front.shape[1], len(order))
        batches = -(-len(order) // settings.batch)
        loss, right, rate = 0.0, 0, 0.0
        for place in range(batches):
            rows = slice(place * settings.batch, (place + 1) * settings.batch)
            seen, step = order[rows], (number - 1) * batches + place + 1
            kept = stream.random((len(seen), LAST_OUTPUTS)) >= settings.dropout
            rate = _learning_rate(settings, step, batches)
            found = self._train(
                self._front[seen, views[rows]].astype(np.float32),
                self._labels[seen].astype(np.float32),
                (kept / (1 - settings.dropout)).astype(np.float32),
                np.float32(rate),
                np.float32(step),
            )
            log_odds = found.numpy()
            loss += float(_cross_entropy(log_odds, self._labels[seen]).sum())
            right += int(((log_odds >= 0) == self._labels[seen]).sum())
        truth = self._labels[self.validation]
        judged = self._validated()
        ranked = auc(judged, truth)
        assert ranked is not None, "validation_part keeps both classes"
        return Epoch(
            number=number,
            learning_rate=rate,
            train_loss=loss / len(order),
            train_accuracy=right / len(order),
            validation_loss=float(_cross_entropy(judged, truth).mean()),
            validation_accuracy=float(((judged >= 0) == truth).mean()),
            validation_auc=ranked,
        )

    def _validated(self) -> NDArray[np.float64]:
        """Return the log-odds of the validation part, images as they are."""
        found = [
            self._judge(self._front[self.validation[first : first + _AT_ONCE], 0].astype("f4"))
            for first in range(0, len(self.validation), _AT_ONCE)
        ]
        return np.concatenate([one.numpy() for one in found]).astype(np.float64)

    def _parts(self) -> dict[str, dict[str, Any]]:
        return {
            "weights": self._variables,
            "first": self._moments.first,
            "second": self._moments.second,
        }

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        try:
            for part, variables in self._parts().items():
                for name, one in variables.items():
                    one.assign(state[f"{part}/{name}"])
            self._best = {name: state[f"best/{name}"] for name in self._variables}
            self._history = [
                Epoch(**{**dict(zip(Epoch.__slots__, row, strict=True)), "number": int(row[0])})
                for row in state["history"].tolist()
            ]
        except (KeyError, ValueError, TypeError) as error:
            raise InvariantError(f"not a state of this fine-tuning: {error}") from error


def validation_part(
    labels: NDArray[np.bool_], groups: Sequence[str], share: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split places into a training and a validation part; no lesion is in both.

    Lesions of each class are drawn apart, so that both parts keep the share of malignant ones.

    Raises:
        DataError: a class has too few lesions to be in both parts.
    """
    names, place = np.unique(np.array(groups), return_inverse=True)
    malignant = np.bincount(place, weights=labels) > 0
    stream = np.random.Generator(np.random.Philox(key=[seed, 0]))
    held = np.zeros(len(names), np.bool_)
    for kind, name in ((True, "malignant"), (False, "benign")):
        lesions = stream.permutation(np.flatnonzero(malignant == kind))
        count = round(share * len(lesions))
        if not 0 < count < len(lesions):
            raise DataError(
                "training data", f"{len(lesions)} {name} lesions: none to spare for validation"
            )
        held[lesions[:count]] = True
    return np.flatnonzero(~held[place]), np.flatnonzero(held[place])


def _start(
    weights: MobileNetWeights, blocks: Sequence[Block], seed: int
) -> dict[str, NDArray[np.float32]]:
    stream = np.random.Generator(np.random.Philox(key=[seed, 1 << 32]))
    names = [
        f"{one.name}/{entry}"
        for block in blocks
        for one in block.convolutions
        for entry in ("kernel", "bias")
    ]
    start = {name: weights.arrays[name] for name in names}
    # Small and not 0: the blocks learn from the first step on.
    start["head/kernel"] = stream.normal(0, 0.01, (LAST_OUTPUTS, 1)).astype(np.float32)
    start["head/bias"] = np.zeros(1, np.float32)
    return start


def _learning_rate(settings: TuningSettings, step: int, batches: int) -> float:
    """Return a rate that rises linearly and falls as a cosine (Loshchilov & Hutter 2017)."""
    warm, last = settings.warm_up * batches, settings.epochs * batches
    if step < warm:
        return settings.learning_rate * step / warm
    way = (step - warm) / max(last - warm, 1.0)
    return float(settings.learning_rate * (1 + np.cos(np.pi * min(way, 1.0))) / 2)


def _cross_entropy(log_odds: NDArray[Any], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
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


def _functions(
    tf: Any,  # noqa: ANN401 - as above
    variables: Mapping[str, Any],
    moments: _Moments,
    blocks: Sequence[Block],
    settings: TuningSettings,
    shape: tuple[int, ...],
) -> tuple[Any, Any]:
    """Return a training step and a look, both traced; both return log-odds, shape (batch,)."""
    smooth, (beta1, beta2) = settings.label_smoothing, _MOMENTS

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
            first.assign(beta1 * first + (1 - beta1) * gradient)
            second.assign(beta2 * second + (1 - beta2) * gradient * gradient)
            # Kingma & Ba 2015, algorithm 1: both moments start at 0, which is corrected here
            mean = first / (1 - beta1**step)
            spread = tf.sqrt(second / (1 - beta2**step)) + _TINY
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
