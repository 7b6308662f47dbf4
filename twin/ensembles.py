"""Sums of decision trees, evaluated in NumPy from plain arrays.

scikit-learn fits random forests and gradient boosting but would cost seconds to import and its
pickles would run code; its trees are a handful of arrays, and these are those.
"""

from collections.abc import Iterable
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
        total = np.empty(len(x))
        for start in range(0, len(x), _ROWS_AT_ONCE):
            rows = np.ascontiguousarray(x[start : start + _ROWS_AT_ONCE])
            leaves = self._leaves(rows)
            # One contiguous row at a time: NumPy's pairwise order is then the same in any batch.
            for place, row in enumerate(self.value[leaves]):
                total[start + place] = row.sum()
        return total

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


def from_sklearn(trees: Iterable[Any], values: Iterable[NDArray[np.float64]]) -> Trees:
    """Take fitted scikit-learn trees apart.

    Parameters:
        trees: `estimator.tree_` of each.
        values: for each, what its nodes add to the sum, shape (nodes,).
    """
    parts: list[dict[str, NDArray[Any]]] = []
    roots, start, depth = [], 0, 0
    for tree, value in zip(trees, values, strict=True):
        roots.append(start)
        parts.append(_renumbered(tree, value, start))
        start += tree.node_count
        depth = max(depth, tree.max_depth)
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
) -> dict[str, NDArray[Any]]:
    """Return a tree's nodes level by level, so that siblings stand side by side."""
    is_leaf = tree.children_left == -1
    level, order = np.array([0]), [np.array([0])]
    while len(level := level[~is_leaf[level]]):
        level = np.stack([tree.children_left[level], tree.children_right[level]], 1).ravel()
        order.append(level)
    old = np.concatenate(order)  # new number -> old number
    new = np.empty_like(old)
    new[old] = np.arange(len(old))
    leaf = is_leaf[old]
    left = np.where(leaf, np.arange(len(old)), new[tree.children_left[old]]) + start
    return {
        "feature": np.where(leaf, 0, tree.feature[old]),
        "threshold": np.where(leaf, np.float32(np.inf), _rounded_down(tree.threshold[old])),
        "left": left,
        "value": value[old],
    }


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 below: x > t is then the same for every float32 x."""
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
