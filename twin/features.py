"""Named sets of features: statistics of the stem's activation over a grid of 28 × 28 cells.

A set is a plain function of one image's cells, so that a batch cannot change a bit (law 5);
sums run in NumPy's own loops, not in BLAS, whose results differ with its threads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError

CELLS: Final = 28  # cells a side; each pools 4 × 4 activations

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMaps:
    """Moments of the activation in each cell, around the middle of ReLU6's range."""

    mean: Array  # (28, 28, channels), of activation − 3
    square: Array  # (28, 28, channels), of (activation − 3)²

    @property
    def sd(self) -> Array:
        """Standard deviation within each cell, at least 0.001."""
        return _root(self.square - self.mean * self.mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """A named set of features."""

    name: str
    about: str  # one line
    compute: Callable[[CellMaps], Array]  # cells of one image -> (dimension,)
    # The set knows which filter is which, so it works on the analytic stem alone.
    needs_basis: bool = False

    def dimension(self, channels: int) -> int:
        """Return the number of features of a stem with so many distinct filters.

        Raises:
            InvariantError: the set needs the analytic stem, and this is another one.

        >>> FEATURES["grid"].dimension(32)
        3136
        """
        if self.needs_basis and channels != len(_ORDERS) ** 3:
            raise InvariantError(f"features {self.name} need the analytic stem's 27 filters")
        blank = np.zeros((CELLS, CELLS, channels), np.float32)
        return len(self.compute(CellMaps(mean=blank, square=blank)))


# Distance of each cell from the image's middle, in cells.
_OFFSET = np.arange(CELLS) - (CELLS - 1) / 2
_RADIUS: Final = np.hypot(_OFFSET[:, None], _OFFSET[None, :]).ravel()
_RINGS: Final = np.array([0, 3, 5.5, 8, 10.5, 13, 15.5])  # inner radii in cells, about as wide
_ORDERS: Final = (0, 1, 2)  # of the DCT: constant, slope, curvature


def grid(cells: CellMaps, side: int = 7) -> Array:
    """Return means and standard deviations over side × side tiles; `side` divides 28."""
    return _moments(_tiles(cells.mean, side).mean((1, 3)), _tiles(cells.square, side).mean((1, 3)))


def rings(cells: CellMaps) -> Array:
    """Return means and standard deviations over seven rings around the middle."""
    ring = np.searchsorted(_RINGS, _RADIUS, side="right") - 1
    flat, square = _flat(cells.mean), _flat(cells.square)
    return _moments(
        np.stack([flat[ring == index].mean(0) for index in range(len(_RINGS))]),
        np.stack([square[ring == index].mean(0) for index in range(len(_RINGS))]),
    )


# Assumption: the lesion is in the middle, and nine cells out most of it has been seen. Chosen
# by cross-validated AUC among 7, 9 and 11 on the training part.
_ZONES: Final = (np.flatnonzero(_RADIUS < 9), np.flatnonzero(_RADIUS >= 9))
_LEVELS: Final = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_BLOCK_LEVELS: Final = (0.1, 0.5, 0.9)


def zone_quantiles(cells: CellMaps) -> Array:
    """Return quantiles of the cells' means and deviations, in the middle and outside."""
    return np.concatenate([_quantiles(_flat(cells.mean)), _quantiles(_flat(cells.sd))])


def symmetric(cells: CellMaps) -> Array:
    """Return statistics that turning or mirroring the image does not change.

    A lesion has no up. Filters that a quarter turn or a mirror maps onto each other are joined:
    slopes in both directions become a gradient's length, and so on. Then quantiles in two
    zones, quantiles of the variation within blocks of cells (a coarser texture), and
    correlations between colours and textures over the cells.
    """
    means, sds = _joined_means(_flat(cells.mean)), _joined_sds(_flat(cells.sd))
    return np.concatenate(
        [
            _quantiles(means),
            _quantiles(sds),
            _block_quantiles(means),
            _block_quantiles(sds),
            _correlations(means, sds),
        ]
    )


# Places of a grid of 14 × 14: all, and those less than nine cells from the middle.
_COARSE: Final = CELLS // 2
_COARSE_OFFSET = 2 * np.arange(_COARSE) - (_COARSE - 1)
_COARSE_RADIUS = np.hypot(_COARSE_OFFSET[:, None], _COARSE_OFFSET[None, :])  # in cells
_PARTS: Final = (np.full((_COARSE, _COARSE), True), _COARSE_RADIUS < 9)


def mirror(cells: CellMaps) -> Array:
    """Return `symmetric`, and how far the image differs from itself turned or mirrored.

    Asymmetry is the A of the ABCD rule of dermatoscopy (Nachbar et al. 1994). A map is one of the
    18 joined means or one of the logarithms of the 18 joined deviations, in this order, averaged
    over 2 × 2 cells to 14 × 14. The distance between a map M and a moved one g·M, over a part of
    the places, is the root of the mean of (M − g·M)², at least 0.001, divided by the map's
    standard deviation there plus 0.001. First come all 36 maps' distances to the half turn, then
    their means over the four mirrors (upside down, left for right, both diagonals), then the
    least of these four, then the quarter turn (left and right are equally far): 144 numbers, for
    all 196 places; then 144 for the middle, less than nine cells from the image's. Turning or
    mirroring the image permutes the moves among themselves and so changes nothing.
    """
    means, sds = _joined_means(_flat(cells.mean)), _joined_sds(_flat(cells.sd))
    maps = np.concatenate([means, np.log(sds)], axis=1).reshape(CELLS, CELLS, -1)
    coarse = _tiles(maps, _COARSE).mean((1, 3))
    return np.concatenate([symmetric(cells), *(_distances(coarse, part) for part in _PARTS)])


def _distances(maps: Array, part: NDArray[np.bool_]) -> Array:
    """Return relative distances to moved copies, for maps (14, 14, c); shape (4 c,)."""
    swapped = maps.swapaxes(0, 1)
    here = maps[part]  # the part is as symmetric as a square, so moved maps fill the same places

    def distance(moved: Array) -> Array:
        apart = here - moved[part]
        return _root((apart * apart).mean(0))

    mirrors = np.stack(
        [distance(moved) for moved in (maps[::-1], maps[:, ::-1], swapped, swapped[::-1, ::-1])]
    )
    half, quarter = distance(maps[::-1, ::-1]), distance(swapped[::-1])
    moves = np.stack([half, mirrors.mean(0), mirrors.min(0), quarter])
    relative: Array = moves / (here.std(0) + np.float32(1e-3))
    return relative.ravel()


def local_textures(cells: CellMaps) -> Array:
    """Return what each cell looks like whichever way the image is turned, shape (784, 36).

    Means of the joined filters, and logarithms of their deviations within the cell.
    """
    deviations = _joined_sds(_flat(cells.sd))
    # Assumption: a deviation far below 0.02 of ReLU6's range is noise of rounding
    logarithms = np.log(deviations + np.float32(0.02))
    return np.concatenate([_joined_means(_flat(cells.mean)), logarithms], axis=1)


def cell_radius() -> NDArray[np.float64]:
    """Return each cell's distance from the image's middle, in cells, shape (784,)."""
    radius: NDArray[np.float64] = _RADIUS
    return radius


def _joined_means(flat: Array) -> Array:
    """Return 18 maps from 27 filters' means, shape (784, 18)."""
    by = flat.reshape(-1, 3, 3, 3)  # cell, vertical order, horizontal order, colour
    return np.concatenate(
        [
            by[:, 0, 0],
            np.abs(by[:, 1, 1]),
            by[:, 2, 2],
            np.hypot(by[:, 1, 0], by[:, 0, 1]),
            (by[:, 2, 0] + by[:, 0, 2]) / np.float32(np.sqrt(2)),
            np.hypot(by[:, 1, 2], by[:, 2, 1]),
        ],
        axis=1,
    )


def _joined_sds(flat: Array) -> Array:
    """Return 18 maps from 27 filters' standard deviations, shape (784, 18)."""
    by = flat.reshape(-1, 3, 3, 3)
    same = [by[:, order, order] for order in _ORDERS]
    pairs = [
        np.sqrt((by[:, a, b] ** 2 + by[:, b, a] ** 2) / 2) for a, b in ((0, 1), (0, 2), (1, 2))
    ]
    return np.concatenate(same + pairs, axis=1)


def _correlations(means: Array, sds: Array) -> Array:
    """Return correlations over cells between mean colours and logarithms of deviations."""
    maps = np.concatenate([means[:, :3], np.log(sds)], axis=1)
    maps = np.ascontiguousarray((maps - maps.mean(0)).T)
    products = np.einsum("ip,jp->ij", maps, maps) / np.float32(maps.shape[1])
    sd = np.sqrt(np.diagonal(products))
    upper = np.triu_indices(len(maps), 1)
    # A blank image has no deviation and then no correlation either.
    correlations: Array = products / (np.multiply.outer(sd, sd) + np.float32(1e-6))
    return correlations[upper]


def _quantiles(flat: Array) -> Array:
    """Return quantiles over the cells of each zone, for maps (784, c)."""
    maps = flat.T
    return np.concatenate([_ranked(maps[:, zone], _LEVELS) for zone in _ZONES], axis=1).ravel()


def _block_quantiles(flat: Array) -> Array:
    """Return quantiles of the cells' standard deviation within 7 × 7 blocks, for maps (784, c)."""
    blocks = _tiles(flat.reshape(CELLS, CELLS, -1), 7)
    mean, square = blocks.mean((1, 3)), (blocks * blocks).mean((1, 3))
    sd = _root(square - mean * mean).reshape(7 * 7, -1)
    return _ranked(sd.T, _BLOCK_LEVELS).ravel()


def _ranked(maps: Array, levels: tuple[float, ...]) -> Array:
    """Return order statistics ⌊level · n⌋ of each row, shape (maps, levels)."""
    ranked: Array = np.sort(maps, axis=1)
    return ranked[:, [int(level * ranked.shape[1]) for level in levels]]


def _flat(maps: Array) -> Array:
    return maps.reshape(CELLS * CELLS, -1)


def _tiles(maps: Array, side: int) -> Array:
    width = CELLS // side
    return maps.reshape(side, width, side, width, -1)


def _moments(mean: Array, square: Array) -> Array:
    return np.concatenate([mean.ravel(), _root(square - mean * mean).ravel()])


def _root(variance: Array) -> Array:
    # Rounding can push the variance of a blank cell below zero.
    return np.sqrt(np.maximum(variance, np.float32(1e-6)))


FEATURES: Final[Mapping[str, FeatureSpec]] = {
    spec.name: spec
    for spec in (
        FeatureSpec(name="grid", about="mean and deviation in 7 × 7 tiles", compute=grid),
        FeatureSpec(name="rings", about="mean and deviation in seven rings", compute=rings),
        FeatureSpec(
            name="zone-quantiles",
            about="quantiles of cells' means and deviations in two zones",
            compute=zone_quantiles,
        ),
        FeatureSpec(
            name="symmetric",
            about="quantiles in two zones and correlations, unchanged by turning the image",
            compute=symmetric,
            needs_basis=True,
        ),
        FeatureSpec(
            name="mirror",
            about="symmetric, and how far the image differs from itself turned or mirrored",
            compute=mirror,
            needs_basis=True,
        ),
    )
}
