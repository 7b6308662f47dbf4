"""What fine-tuning is told, and what it leaves: settings, epochs, arrays."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HEAD: Final = ("head/kernel", "head/bias")  # of the logistic regression over pooled activations


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSettings:
    """How the last blocks are trained. The values were chosen on validation parts of train."""

    first_trained: str = "block_6"  # a block; those before it keep their weights
    epochs: int = 8  # at most; the learning rate falls to 0 over them
    patience: int = 4  # epochs without a lower validation loss before training stops
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

    def facts(self) -> dict[str, Any]:
        """Return all but the arrays as JSON values; `tuned_of` takes them back."""
        return {
            "settings": asdict(self.settings),
            "seed": self.seed,
            "curve": [asdict(epoch) for epoch in self.curve],
            "best_epoch": self.best_epoch,
            "training_images": self.training_images,
            "validation": list(self.validation),
        }


def tuned_of(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float32]]) -> Tuned:
    """Return what was kept as facts and arrays.

    >>> one = Tuned(arrays={}, settings=TuningSettings(), seed=1, curve=(), best_epoch=2,
    ...     training_images=3, validation=(4, 5))
    >>> tuned_of(one.facts(), {}) == one
    True
    """
    return Tuned(
        arrays=dict(arrays),
        settings=TuningSettings(**facts["settings"]),
        seed=facts["seed"],
        curve=tuple(Epoch(**epoch) for epoch in facts["curve"]),
        best_epoch=facts["best_epoch"],
        training_images=facts["training_images"],
        validation=tuple(facts["validation"]),
    )
