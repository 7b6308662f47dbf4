"""Fine-tuning: MobileNetV2's last blocks and a logistic head, trained on labelled images.

Blocks before `first_trained` stay as they are, so their output is computed once for each image and
view, and training starts from there. Every draw of an epoch is keyed by (seed, epoch), and the
state between two epochs is a set of plain arrays: training that stops after an epoch and goes on
from its state gives the same weights as training that never stopped.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import DataError, InvariantError
from twin.evaluate import auc
from twin.mobilenet.architecture import LAST_OUTPUTS, Block, blocks_from
from twin.mobilenet.tuned import Epoch, Tuned, TuningSettings
from twin.mobilenet.tuning_step import Moments, cross_entropy, functions, learning_rate
from twin.mobilenet.weights import MobileNetWeights

State = dict[str, NDArray[Any]]

_AT_ONCE: Final = 32  # images in a batch that is only looked at


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
        InvariantError: lengths or shapes do not fit, or the state is not one of this training.
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
        wanted = (len(labels), blocks[0].size, blocks[0].size, blocks[0].inputs)
        if (len(front), *front.shape[2:]) != wanted or len(groups) != len(labels):
            raise InvariantError(
                f"{settings.first_trained} was given {front.shape} for {len(labels)} labels of "
                f"{len(groups)} groups"
            )
        start = _start(weights, blocks, seed)
        self._variables = {name: tf.Variable(array) for name, array in start.items()}
        self._moments = Moments(
            {name: tf.Variable(np.zeros_like(array)) for name, array in start.items()},
            {name: tf.Variable(np.zeros_like(array)) for name, array in start.items()},
        )
        self._best = start
        self._history: list[Epoch] = []
        self._train, self._judge = functions(
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
            rate = learning_rate(settings, step, batches)
            found = self._train(
                self._front[seen, views[rows]].astype(np.float32),
                self._labels[seen].astype(np.float32),
                (kept / (1 - settings.dropout)).astype(np.float32),
                np.float32(rate),
                np.float32(step),
            )
            log_odds = found.numpy()
            loss += float(cross_entropy(log_odds, self._labels[seen]).sum())
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
            validation_loss=float(cross_entropy(judged, truth).mean()),
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
