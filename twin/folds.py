"""Folds that never part the images of a lesion."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import DataError
from twin.meta import Folds

LESIONS_PER_FOLD: Final = 2  # of each class, at least: one alone says nothing of a class

_SOURCE: Final = "training data"


def lesion_folds(labels: NDArray[np.bool_], groups: Sequence[str], count: int, seed: int) -> Folds:
    """Split lesions into folds with about equal shares of both classes.

    Parameters:
        labels: shape (n,), True is malignant.
        groups: n names; images of one lesion share one.

    Raises:
        DataError: too few lesions of a class, or too uneven ones.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    for kind, name in ((True, "malignant"), (False, "benign")):
        lesions = len({group for group, label in zip(groups, labels, strict=True) if label == kind})
        if lesions < LESIONS_PER_FOLD * count:
            raise DataError(
                _SOURCE,
                f"{lesions} {name} lesions, but {count} folds need "
                f"{LESIONS_PER_FOLD * count} or more",
            )
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    folds = list(splitter.split(labels, labels, groups))
    for seen, unseen in folds:
        if len(set(labels[seen])) < 2 or not len(unseen):
            raise DataError(_SOURCE, f"lesions are too uneven for {count} folds")
    return folds
