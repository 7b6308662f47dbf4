"""The sets of features once more, for batches and with gradients, in TensorFlow.

`twin/features.py` is what the twin computes; this follows it statistic by statistic and is tested
equal to it. A quantile is one of the cells, so its gradient goes to that cell; pixels are whole
numbers, so cells are often equal, and then they share it. Shapes: n images, 28 × 28 cells or 784
in a row, c maps.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.features import (
    _BLOCK_LEVELS,
    _COARSE,
    _LEVELS,
    _ORDERS,
    _PARTS,
    _RADIUS,
    _RINGS,
    _ZONES,
    CELLS,
)
from twin.tensorflow import import_tensorflow

Tensor = Any  # TensorFlow ships no types
# Cells' mean and mean square, (n, 28, 28, filters) each -> (n, dimension)
TensorFeatures = Callable[[Tensor, Tensor], Tensor]

_TINY: Final = 1e-12  # below roots, whose slope at 0 is infinite
_ROUNDINGS: Final = 100  # so many last bits apart, cells count as equal


def grid(mean: Tensor, square: Tensor, side: int = 7) -> Tensor:
    """See `twin.features.grid`."""
    return _moments(_in_tiles(mean, side), _in_tiles(square, side))


def rings(mean: Tensor, square: Tensor) -> Tensor:
    """See `twin.features.rings`."""
    tf = import_tensorflow()
    ring = np.searchsorted(_RINGS, _RADIUS, side="right") - 1
    members = ring[:, None] == np.arange(len(_RINGS))
    shares = tf.constant(members / members.sum(axis=0), mean.dtype)
    return _moments(*(tf.einsum("npc,pr->nrc", _flat(one), shares) for one in (mean, square)))


def zone_quantiles(mean: Tensor, square: Tensor) -> Tensor:
    """See `twin.features.zone_quantiles`."""
    tf = import_tensorflow()
    return tf.concat([_quantiles(_flat(mean)), _quantiles(_flat(_sd(mean, square)))], axis=1)


def symmetric(mean: Tensor, square: Tensor) -> Tensor:
    """See `twin.features.symmetric`."""
    return _symmetric(*_joined(mean, square))


def mirror(mean: Tensor, square: Tensor) -> Tensor:
    """See `twin.features.mirror`."""
    tf = import_tensorflow()
    means, sds = _joined(mean, square)
    maps = tf.concat([means, tf.math.log(sds)], axis=2)
    maps = tf.reshape(maps, (-1, CELLS, CELLS, maps.shape[2]))
    coarse = tf.nn.avg_pool2d(maps, CELLS // _COARSE, CELLS // _COARSE, "VALID")
    return tf.concat(
        [_symmetric(means, sds), *(_distances(coarse, part) for part in _PARTS)], axis=1
    )


def _distances(maps: Tensor, part: NDArray[np.bool_]) -> Tensor:
    """Return relative distances to moved copies, for maps (n, 14, 14, c); shape (n, 4 c)."""
    tf = import_tensorflow()
    share = tf.constant(part[:, :, np.newaxis] / part.sum(), maps.dtype)

    def over_part(values: Tensor) -> Tensor:
        return tf.reduce_sum(values * share, axis=(1, 2))

    def distance(moved: Tensor) -> Tensor:
        apart = maps - moved
        return tf.sqrt(tf.maximum(over_part(apart * apart), 1e-6))

    swapped = tf.transpose(maps, (0, 2, 1, 3))
    upside_down, left_for_right = tf.reverse(maps, [1]), tf.reverse(maps, [2])
    mirrors = tf.stack(
        [
            distance(moved)
            for moved in (upside_down, left_for_right, swapped, tf.reverse(swapped, [1, 2]))
        ]
    )
    half, quarter = distance(tf.reverse(maps, [1, 2])), distance(tf.reverse(swapped, [1]))
    moves = [half, tf.reduce_mean(mirrors, 0), tf.reduce_min(mirrors, 0), quarter]
    moved = maps - over_part(maps)[:, tf.newaxis, tf.newaxis]
    sd = tf.sqrt(tf.maximum(over_part(moved * moved), _TINY))
    return tf.concat([one / (sd + 1e-3) for one in moves], axis=1)


def _joined(mean: Tensor, square: Tensor) -> tuple[Tensor, Tensor]:
    """Return joined means and joined standard deviations, (n, 784, 18) each."""
    return _joined_means(_flat(mean)), _joined_sds(_flat(_sd(mean, square)))


def _symmetric(means: Tensor, sds: Tensor) -> Tensor:
    tf = import_tensorflow()
    both = tf.concat([means, sds], axis=2)  # at once, because sorting is what takes time
    quantiles, blocks = _quantiles(both), _block_quantiles(both)
    return tf.concat([quantiles, blocks, _correlations(means, sds)], axis=1)


def _joined_means(flat: Tensor) -> Tensor:
    """Return 18 maps from 27 filters' means, shape (n, 784, 18)."""
    tf = import_tensorflow()
    by = _by_orders(flat)
    return tf.concat(
        [
            by[0, 0],
            tf.abs(by[1, 1]),
            by[2, 2],
            _length(by[1, 0], by[0, 1]),
            (by[2, 0] + by[0, 2]) / np.sqrt(2),
            _length(by[1, 2], by[2, 1]),
        ],
        axis=2,
    )


def _joined_sds(flat: Tensor) -> Tensor:
    """Return 18 maps from 27 filters' standard deviations, shape (n, 784, 18)."""
    tf = import_tensorflow()
    by = _by_orders(flat)
    same = [by[order, order] for order in _ORDERS]
    pairs = [_length(by[a, b], by[b, a]) / np.sqrt(2) for a, b in ((0, 1), (0, 2), (1, 2))]
    return tf.concat(same + pairs, axis=2)


def _by_orders(flat: Tensor) -> dict[tuple[int, int], Tensor]:
    """Return maps (n, 784, 3) of the colours by vertical and horizontal order."""
    tf = import_tensorflow()
    maps = tf.unstack(tf.reshape(flat, (-1, CELLS * CELLS, len(_ORDERS) ** 2, 3)), axis=2)
    orders = [(vertical, horizontal) for vertical in _ORDERS for horizontal in _ORDERS]
    return dict(zip(orders, maps, strict=True))


def _correlations(means: Tensor, sds: Tensor) -> Tensor:
    """Return correlations over cells between mean colours and logarithms of deviations."""
    tf = import_tensorflow()
    maps = tf.concat([means[:, :, :3], tf.math.log(sds)], axis=2)
    maps -= tf.reduce_mean(maps, axis=1, keepdims=True)
    products = tf.einsum("npi,npj->nij", maps, maps) / (CELLS * CELLS)
    sd = tf.sqrt(tf.maximum(tf.linalg.diag_part(products), _TINY))
    correlations = products / (sd[:, :, None] * sd[:, None, :] + 1e-6)
    count = int(maps.shape[2])
    above = np.ravel_multi_index(np.triu_indices(count, 1), (count, count))
    return tf.gather(tf.reshape(correlations, (-1, count * count)), above, axis=1)


def _quantiles(flat: Tensor) -> Tensor:
    """Return quantiles over the cells of each zone, for maps (n, 784, c); map by map."""
    tf = import_tensorflow()
    maps = tf.transpose(flat, (0, 2, 1))
    found = [_ranked(tf.gather(maps, zone, axis=2), _LEVELS) for zone in _ZONES]
    return _in_a_row(tf.concat(found, axis=2))


def _block_quantiles(flat: Tensor) -> Tensor:
    """Return quantiles of cells' deviation within 7 × 7 blocks, for maps (n, 784, c)."""
    tf = import_tensorflow()
    maps = tf.reshape(flat, (-1, CELLS, CELLS, flat.shape[2]))
    sd = _sd(_in_tiles(maps, 7), _in_tiles(maps * maps, 7))
    return _in_a_row(_ranked(tf.transpose(sd, (0, 2, 1)), _BLOCK_LEVELS))


def _ranked(maps: Tensor, levels: tuple[float, ...]) -> Tensor:
    """Return order statistics ⌊level · m⌋ of maps (n, c, m), shape (n, c, levels)."""
    tf = import_tensorflow()
    ranks = [int(level * maps.shape[2]) for level in levels]
    rounding = _ROUNDINGS * np.finfo(maps.dtype.as_numpy_dtype).eps

    def picked(known: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        # NumPy sorts ten times quicker.
        found = tf.numpy_function(
            lambda cells: np.sort(cells, axis=2)[:, :, ranks], [known], known.dtype
        )
        found.set_shape((None, known.shape[1], len(ranks)))

        def back(upstream: Tensor) -> Tensor:
            total = tf.zeros_like(known)
            for rank in range(len(ranks)):
                one = slice(rank, rank + 1)
                equal = tf.cast(tf.abs(known - found[:, :, one]) <= rounding, known.dtype)
                count = tf.reduce_sum(equal, axis=2, keepdims=True)
                total += equal * (upstream[:, :, one] / count)
            return total

        return found, back

    return tf.custom_gradient(picked)(maps)


def _in_tiles(maps: Tensor, side: int) -> Tensor:
    """Return means over side × side tiles, shape (n, side², c)."""
    tf = import_tensorflow()
    width, count = CELLS // side, maps.shape[3]
    tiles = tf.reshape(maps, (-1, side, width, side, width, count))
    return tf.reshape(tf.reduce_mean(tiles, axis=(2, 4)), (-1, side * side, count))


def _flat(maps: Tensor) -> Tensor:
    return import_tensorflow().reshape(maps, (-1, CELLS * CELLS, maps.shape[3]))


def _in_a_row(statistics: Tensor) -> Tensor:
    tf = import_tensorflow()
    return tf.reshape(statistics, (-1, int(np.prod(statistics.shape[1:]))))


def _moments(mean: Tensor, square: Tensor) -> Tensor:
    tf = import_tensorflow()
    return tf.concat([_in_a_row(mean), _in_a_row(_sd(mean, square))], axis=1)


def _sd(mean: Tensor, square: Tensor) -> Tensor:
    tf = import_tensorflow()
    return tf.sqrt(tf.maximum(square - mean * mean, 1e-6))


def _length(one: Tensor, other: Tensor) -> Tensor:
    tf = import_tensorflow()
    return tf.sqrt(tf.maximum(one * one + other * other, _TINY))


TENSOR_FEATURES: Final[Mapping[str, TensorFeatures]] = {
    "grid": grid,
    "rings": rings,
    "zone-quantiles": zone_quantiles,
    "symmetric": symmetric,
    "mirror": mirror,
}
