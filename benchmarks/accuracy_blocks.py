"""Blocks of features that were tried for the full preset; docs/accuracy.md says what came of them.

Each is a function of one image through the stem. What was kept lives in `twin/features.py`; the
others live here only, so that the trials can be run again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twin.features import CellMaps, _joined_means, _joined_sds, _root, mirror, symmetric
from twin.stem_weights import CENTRE, StemWeights
from twin.tensorflow import import_tensorflow

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]  # (224, 224, 3)
_DISTINCT: Final = 27
_FINE: Final = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_THREE: Final = (0.1, 0.5, 0.9)
_DCT: Final = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3.0], [2.0], [6.0]])


class Look:
    """The stem on one image, seen in several ways."""

    def __init__(self, weights: StemWeights) -> None:
        self._tf = import_tensorflow()
        kernel = (weights.kernel * weights.scale)[..., :_DISTINCT]
        self._kernel = self._tf.constant(kernel)
        self._shift = self._tf.constant(weights.shift[:_DISTINCT])

    def moments(self, pixels: NDArray[Any], shrink: int = 1) -> CellMaps:
        """Return cells of the image, or of the image made smaller by averaging."""
        pool, active = self._tf.nn.avg_pool2d, self._active(pixels, shrink)
        side = 4 if shrink == 1 else 2
        mean = pool(active, side, side, "VALID")[0].numpy()
        square = pool(active * active, side, side, "VALID")[0].numpy()
        return CellMaps(mean=mean, square=square)

    def pooled(self, pixels: Pixels, make: Callable[[Any], Any]) -> Array:
        """Return means over cells of what `make` does with the activation, shape (784, c)."""
        made = self._tf.nn.avg_pool2d(make(self._active(pixels, 1)), 4, 4, "VALID")
        pooled: Array = made.numpy().reshape(784, -1)
        return pooled

    def join(self, arrays: list[Any]) -> Any:
        """Return arrays side by side."""
        return self._tf.concat(arrays, -1)

    def _active(self, pixels: NDArray[Any], shrink: int) -> Any:
        tf = self._tf
        scaled = tf.constant(pixels[None], tf.float32) / 127.5 - 1.0
        if shrink > 1:
            scaled = tf.nn.avg_pool2d(scaled, shrink, shrink, "VALID")
        response = tf.nn.conv2d(scaled, self._kernel, strides=2, padding="SAME")
        return tf.nn.relu6(tf.nn.bias_add(response, self._shift)) - CENTRE


Block = Callable[[Look, Pixels], Array]


def _maps(cells: CellMaps) -> tuple[Array, Array]:
    """Return joined means and joined deviations, shape (cells, 18) each."""
    places = len(cells.mean) ** 2
    flat = cells.mean.reshape(places, _DISTINCT)
    return _joined_means(flat), _joined_sds(cells.sd.reshape(places, _DISTINCT))


def _radius(side: int) -> NDArray[np.float64]:
    """Return each place's distance from the middle in cells of 28 a side, shape (side²,)."""
    offset = (np.arange(side) - (side - 1) / 2) * 28 / side
    distance: NDArray[np.float64] = np.hypot(offset[:, None], offset[None, :]).ravel()
    return distance


def _quantiles(flat: Array, edges: tuple[float, ...], levels: tuple[float, ...]) -> Array:
    """Return quantiles in the rings between radii, for maps (places, c)."""
    ring = np.searchsorted(edges, _radius(round(len(flat) ** 0.5)), side="right")
    found = []
    for index in range(len(edges) + 1):
        ranked = np.sort(flat[ring == index], axis=0)
        found.append(ranked[[int(level * len(ranked)) for level in levels]])
    return np.concatenate(found).ravel()


def _correlations(means: Array, sds: Array) -> Array:
    maps = np.concatenate([means[:, :3], np.log(sds)], axis=1)
    maps = maps - maps.mean(0)
    products = maps.T @ maps / np.float32(len(maps))
    sd = np.sqrt(np.diagonal(products)) + np.float32(1e-6)
    correlations: Array = (products / np.outer(sd, sd))[np.triu_indices(len(sd), 1)]
    return correlations


def _like_symmetric(cells: CellMaps) -> Array:
    """Return what `symmetric` does on a grid of any size."""
    means, sds = _maps(cells)
    side = round(len(means) ** 0.5)
    found = [_quantiles(maps, (9,), _FINE) for maps in (means, sds)]
    for maps in (means, sds):
        blocks = maps.reshape(7, side // 7, 7, side // 7, -1)
        mean, square = blocks.mean((1, 3)), (blocks * blocks).mean((1, 3))
        ranked = np.sort(_root(square - mean * mean).reshape(49, -1), axis=0)
        found.append(ranked[[int(level * 49) for level in _THREE]].ravel())
    return np.concatenate([*found, _correlations(means, sds)])


def _distances_only(look: Look, pixels: Pixels) -> Array:
    return mirror(look.moments(pixels))[822:]


def _zone_correlations(look: Look, pixels: Pixels) -> Array:
    means, sds = _maps(look.moments(pixels))
    inside = _radius(28) < 9
    zones = (inside, ~inside)
    return np.concatenate([_correlations(means[zone], sds[zone]) for zone in zones])


def _four_zones(look: Look, pixels: Pixels) -> Array:
    maps = np.concatenate(_maps(look.moments(pixels)), axis=1)
    return _quantiles(maps, (5, 9, 13), (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98))


def _colour_histogram(look: Look, pixels: Pixels) -> Array:
    """Return roots of shares of cells near 6 × 6 × 6 opponent colours, in two zones."""
    colours = np.clip(_maps(look.moments(pixels))[0][:, :3], -2.5, 2.5)
    near = np.maximum(0, 1 - np.abs(colours[:, :, None] - np.linspace(-2.5, 2.5, 6)))
    shares = np.einsum("pi,pj,pk->pijk", *near.transpose(1, 0, 2)).reshape(784, -1)
    inside = _radius(28) < 9
    both = np.concatenate([shares[inside].mean(0), shares[~inside].mean(0)])
    roots: Array = np.sqrt(both + 1e-4).astype(np.float32)
    return roots


def _second_stage(look: Look, pixels: Pixels) -> Array:
    """Return quantiles of the same DCT filters' responses to the stem's joined maps."""
    means, sds = _maps(look.moments(pixels))
    maps = np.concatenate([means[:, :3], np.log(sds)], axis=1).reshape(28, 28, -1)
    down = [sum(_DCT[k, i] * maps[i : 26 + i] for i in range(3)) for k in range(3)]
    u = [[sum(_DCT[k, i] * d[:, i : 26 + i] for i in range(3)) for k in range(3)] for d in down]
    energies = [
        *(np.hypot(u[0][1], u[1][0]), (u[0][2] + u[2][0]) / np.sqrt(2), np.abs(u[1][1])),
        *(np.hypot(u[1][2], u[2][1]), np.abs(u[2][2])),
    ]
    flat = np.concatenate(energies, axis=-1).reshape(26 * 26, -1).astype(np.float32)
    return _quantiles(flat, (9,), _THREE)


def _balanced(look: Look, pixels: Pixels, power: float, grey: float) -> Array:
    """Return `symmetric` after colour constancy: a Minkowski mean of each channel made equal."""
    bright = pixels.astype(np.float32) + 1
    mean = (bright**power).mean((0, 1)) ** (1 / power)
    return _like_symmetric(look.moments(bright / mean * np.float32(grey)))


def _structure(look: Look, pixels: Pixels) -> Array:
    """Return quantiles of gradients' coherence and of their alignment between colours."""

    def products(active: Any) -> Any:
        down, right = active[..., 9:12], active[..., 3:6]
        pairs = [(0, 1), (0, 2), (1, 2)]
        cross = [
            down[..., a : a + 1] * down[..., b : b + 1]
            + right[..., a : a + 1] * right[..., b : b + 1]
            for a, b in pairs
        ]
        return look.join([down * down, right * right, down * right, *cross])

    t = look.pooled(pixels, products)
    down, right, both, cross = t[:, :3], t[:, 3:6], t[:, 6:9], t[:, 9:]
    energy = down + right
    coherence = np.sqrt((down - right) ** 2 + 4 * both**2 + 1e-8) / (energy + 1e-2)
    aligned = [
        cross[:, place] / np.sqrt(energy[:, a] * energy[:, b] + 1e-4)
        for place, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)])
    ]
    return _quantiles(np.column_stack([coherence, *aligned]), (9,), _FINE)


def _variogram(look: Look, pixels: Pixels) -> Array:
    """Return relative differences of cells 1, 2, 4 and 8 apart."""
    means, sds = _maps(look.moments(pixels))
    flat = np.concatenate([means, np.log(sds)], axis=1)
    maps, found = flat.reshape(28, 28, -1), []
    for lag in (1, 2, 4, 8):
        down, right = maps[lag:] - maps[:-lag], maps[:, lag:] - maps[:, :-lag]
        square = ((down**2).mean((0, 1)) + (right**2).mean((0, 1))) / 2
        found.append(np.sqrt(square + 1e-6) / (flat.std(0) + 1e-3))
    return np.concatenate(found)


def _soft_mask(look: Look, pixels: Pixels) -> Array:
    """Return moments over lesion, border and skin by a soft mask of colour distance to the rim."""
    means, sds = _maps(look.moments(pixels))
    maps = np.concatenate([means, np.log(sds)], axis=1)
    inner = np.full((28, 28), False)
    inner[2:-2, 2:-2] = True
    skin = np.median(means[~inner.ravel(), :3], axis=0)
    far = np.sqrt(((means[:, :3] - skin) ** 2).sum(1) + 1e-6)
    middle = 0.5 * np.quantile(far, 0.95) + 0.1
    lesion = 1 / (1 + np.exp(-(far - middle) / (0.15 * middle)))
    found = []
    for weight in (lesion, 4 * lesion * (1 - lesion), 1 - lesion):
        share = (weight + 1e-3) / (weight + 1e-3).sum()
        mean = share @ maps
        found += [mean, np.sqrt(share @ (maps - mean) ** 2 + 1e-6)]
    return np.concatenate([*found, found[0] - found[4], found[2] - found[4]]).astype(np.float32)


def shifted(pixels: Pixels) -> Pixels:
    """Return the image moved by 9 and 7 pixels; its edges are mirrored."""
    wide = np.pad(pixels, ((16, 16), (16, 16), (0, 0)), "reflect")
    return wide[25:249, 9:233]


def zoomed(pixels: Pixels) -> Pixels:
    """Return the middle 196 pixels, enlarged."""
    middle = Image.fromarray(pixels[14:210, 14:210])
    return np.asarray(middle.resize((224, 224), Image.Resampling.BICUBIC))


BLOCKS: Final[Mapping[str, Block]] = {
    "symmetric": lambda look, pixels: symmetric(look.moments(pixels)),
    "mirror": _distances_only,
    "half": lambda look, pixels: _like_symmetric(look.moments(pixels, 2)),
    "quarter": lambda look, pixels: _like_symmetric(look.moments(pixels, 4)),
    "zone-correlations": _zone_correlations,
    "four-zones": _four_zones,
    "colour-histogram": _colour_histogram,
    "second-stage": _second_stage,
    "grey-world": lambda look, pixels: _balanced(look, pixels, 1.0, 140.0),
    "shades-of-grey": lambda look, pixels: _balanced(look, pixels, 6.0, 160.0),
    "structure": _structure,
    "variogram": _variogram,
    "soft-mask": _soft_mask,
    "shifted": lambda look, pixels: symmetric(look.moments(shifted(pixels))),
    "zoomed": lambda look, pixels: symmetric(look.moments(zoomed(pixels))),
}
