"""Sums of decision trees, evaluated in NumPy from plain arrays.

scikit-learn and XGBoost fit random forests and gradient boosting but would cost seconds to
import, and scikit-learn's pickles would run code; their trees are a handful of arrays, and these
are those.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import Arrays

# Rows that walk down the trees together: enough to spare Python's overhead, few enough that
# the walk's arrays stay in the cache. Rows do not meet, so the value cannot change a result.
_ROWS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Nodes of all trees one after the other; a node's right child follows its left child."""

    feature: NDArray[np.int32]  # (nodes,) column to look at
    threshold: NDArray[np.float32]  # (nodes,) above it to the right; leaves hold infinity
    left: NDArray[np.int32]  # (nodes,) index of the left child; a leaf is its own
    value: NDArray[np.float64]  # (nodes,) what a leaf adds to the sum
    roots: NDArray[np.int32]  # (trees,)
    depth: int  # of the deepest tree

    def sum(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum over trees of the leaves that each row falls into, shape (n,)."""
        # One contiguous row at a time: NumPy's pairwise order is then the same in any batch.
        return np.array([row.sum() for row in self._values(x)], np.float64)

    def sum_in_turn(self, x: NDArray[np.float32], start: float) -> NDArray[np.float32]:
        """Return the sums from `start` on in single precision, tree after tree, shape (n,).

        XGBoost adds so. Its rounding, some 1e-6 nats, is part of the scores it was fitted by.
        """
        sums = np.empty(len(x), np.float32)
        for place, row in enumerate(self._values(x)):
            addends = np.concatenate([[start], row]).astype(np.float32)
            sums[place] = np.add.accumulate(addends)[-1]
        return sums

    def _values(self, x: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
        """Yield for each row what its leaves add, shape (trees,)."""
        for first in range(0, len(x), _ROWS_AT_ONCE):
            rows = np.ascontiguousarray(x[first : first + _ROWS_AT_ONCE])
            yield from self.value[self._leaves(rows)]

    def _leaves(self, rows: NDArray[np.float32]) -> NDArray[np.int32]:
        flat, width = rows.ravel(), rows.shape[1]
        offset = (np.arange(len(rows), dtype=np.int32) * width)[:, None]
        node = np.tile(self.roots, (len(rows), 1))
        for _ in range(self.depth):
            right = flat[self.feature[node] + offset] > self.threshold[node]
            node = self.left[node] + right
        return node

    def to_arrays(self) -> Arrays:
        """Return the arrays to keep."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "value": self.value,
            "roots": self.roots,
            "depth": np.array(self.depth),
        }


def from_arrays(arrays: Arrays) -> Trees:
    """Read what `Trees.to_arrays` gave."""
    return Trees(
        feature=arrays["feature"],
        threshold=arrays["threshold"],
        left=arrays["left"],
        value=arrays["value"],
        roots=arrays["roots"],
        depth=int(arrays["depth"]),
    )


def from_nodes(trees: Iterable[Any], values: Iterable[NDArray[np.float64]]) -> Trees:
    """Join the tables of nodes of fitted trees.

    Parameters:
        trees: `estimator.tree_` of scikit-learn, or what has its `children_left` (-1 for a leaf),
            `children_right`, `feature` and `threshold`.
        values: for each, what its nodes add to the sum, shape (nodes,).
    """
    parts: list[dict[str, NDArray[Any]]] = []
    roots, start, depth = [], 0, 0
    for tree, value in zip(trees, values, strict=True):
        roots.append(start)
        part, levels = _renumbered(tree, value, start)
        parts.append(part)
        start += len(part["left"])
        depth = max(depth, levels)
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return Trees(
        feature=joined["feature"].astype(np.int32),
        threshold=joined["threshold"],
        left=joined["left"].astype(np.int32),
        value=joined["value"],
        roots=np.array(roots, np.int32),
        depth=depth,
    )


def _renumbered(
    tree: Any,  # noqa: ANN401 - scikit-learn ships no types
    value: NDArray[np.float64],
    start: int,
) -> tuple[dict[str, NDArray[Any]], int]:
    """Return a tree's nodes level by level, so that siblings stand side by side, and its depth."""
    is_leaf = tree.children_left == -1
    level, order = np.array([0]), [np.array([0])]
    while len(level := level[~is_leaf[level]]):
        level = np.stack([tree.children_left[level], tree.children_right[level]], 1).ravel()
        order.append(level)
    old = np.concatenate(order)  # new number -> old number
    new = np.zeros(len(is_leaf), int)  # XGBoost leaves nodes that it pruned in its tables
    new[old] = np.arange(len(old))
    leaf = is_leaf[old]
    left = np.where(leaf, np.arange(len(old)), new[tree.children_left[old]]) + start
    nodes = {
        "feature": np.where(leaf, 0, tree.feature[old]),
        "threshold": np.where(leaf, np.float32(np.inf), _rounded_down(tree.threshold[old])),
        "left": left,
        "value": value[old],
    }
    return nodes, len(order) - 1


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 below: x > t is then the same for every float32 x."""
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
