"""Sums of oblivious decision trees, evaluated in NumPy from plain arrays.

CatBoost fits such trees: all nodes of one level ask the same question, so the answers are the
bits of a leaf's number (Prokhorenkova et al. 2018). Importing CatBoost itself brings pandas and
plotly, which would cost the actor seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.arrays import Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class ObliviousTrees:
    """Trees of one depth; a shallower one asks questions that nobody answers with yes.

    >>> trees = ObliviousTrees(
    ...     feature=np.array([[0, 1]], np.int32),
    ...     border=np.array([[0.5, 2.0]], np.float32),
    ...     value=np.array([[10.0, 11.0, 12.0, 13.0]]),
    ... )
    >>> trees.sum(np.array([[0, 1], [1, 1], [0, 3], [1, 3]], np.float32)).tolist()
    [10.0, 11.0, 12.0, 13.0]
    """

    feature: NDArray[np.int32]  # (trees, depth) column that a level looks at
    border: NDArray[np.float32]  # (trees, depth) above it is yes; infinity: always no
    value: NDArray[np.float64]  # (trees, 2 ** depth) by leaf; level i is bit i of its number

    def sum(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum over trees of the leaves that each row falls into, shape (n,)."""
        total = np.empty(len(x))
        trees = np.arange(len(self.value))
        bits = 1 << np.arange(self.feature.shape[1])
        for place, row in enumerate(x):
            leaf = (row[self.feature] > self.border) @ bits
            # One row at a time: NumPy's pairwise order is then the same in any batch.
            total[place] = self.value[trees, leaf].sum()
        return total

    def to_arrays(self) -> Arrays:
        """Return the arrays to keep."""
        return {"feature": self.feature, "border": self.border, "value": self.value}


def from_arrays(arrays: Arrays) -> ObliviousTrees:
    """Read what `ObliviousTrees.to_arrays` gave."""
    return ObliviousTrees(feature=arrays["feature"], border=arrays["border"], value=arrays["value"])


def from_catboost(trees: list[Mapping[str, Any]], scale: float) -> ObliviousTrees:
    """Take fitted CatBoost trees apart.

    Parameters:
        trees: `oblivious_trees` of a model saved as JSON; all their features are numbers.
        scale: what the model multiplies its leaves with.
    """
    questions = [tree["splits"] or [] for tree in trees]  # None where a tree is one leaf
    depth = max(map(len, questions))
    feature = np.zeros((len(trees), depth), np.int32)
    border = np.full((len(trees), depth), np.inf, np.float32)
    value = np.zeros((len(trees), 2**depth))
    for place, (tree, splits) in enumerate(zip(trees, questions, strict=True)):
        for level, split in enumerate(splits):
            feature[place, level] = split["float_feature_index"]
            border[place, level] = split["border"]
        value[place, : len(tree["leaf_values"])] = tree["leaf_values"]
    return ObliviousTrees(feature=feature, border=border, value=scale * value)
