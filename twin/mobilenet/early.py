"""What the layers of the early activation block say of an image, in a form that compares them.

The paper picks one layer of the early activation block, `Conv1_relu`, by looking at t-SNE maps
(Sampath et al. 2025, doi:10.3389/fcomp.2025.1646311). Layers have other sizes and other numbers of
channels, so each is described alike: mean and standard deviation of each channel in each cell of a
4 × 4 grid.

With batch normalisation folded, the layers of the block up to `block_1_project` are there after
their batch normalisation and after their ReLU6. Outputs of the bare convolutions (`Conv1`) are
not; they differ from those of their batch normalisation (`bn_Conv1`) by a scale and a shift for
each channel, which standardised means and standard deviations do not see (but for a sign), so
that their scores would be the same.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.mobilenet.architecture import BLOCKS
from twin.mobilenet.network import MobileNet, Tensor, layer_names
from twin.mobilenet.weights import MobileNetWeights
from twin.stem import Stem
from twin.stem_weights import StemWeights
from twin.tensorflow import import_tensorflow
from twin.training import Pixels, Progress

GRID: Final = 4  # cells a side; divides 112 and 56
ANALYTIC_STEM: Final = "analytic stem"  # beside the network's layers: the twin's own
# bn_Conv1 to block_1_project_BN: the first convolution, and the first two bottlenecks
EARLY_LAYERS: Final = tuple(layer_names(BLOCKS[:3]))


def describe_early_layers(
    pixels: Pixels,
    count: int,
    weights: MobileNetWeights,
    stem: StemWeights | None = None,
    *,
    threads: int = 1,
    on_progress: Progress,
) -> dict[str, NDArray[np.float32]]:
    """Return a descriptor of each image at each early layer, by layer, in one pass over images.

    Parameters:
        pixels: brings image i as uint8 of shape (224, 224, 3); from several threads.
        count: images.
        weights: of MobileNetV2.
        stem: calibrated weights of the twin's stem, described as one more layer if given.
        threads: that decode; the network itself runs on one.
        on_progress: is told stage ("early layers"), done, total.

    Returns:
        Arrays of shape (count, 2 · 16 · channels): means of all cells, then standard deviations.
    """
    tf = import_tensorflow()
    look = MobileNet(weights).looking(EARLY_LAYERS, lambda x: _moments(tf, x))
    own = None if stem is None else Stem(stem, "grid")
    found: dict[str, NDArray[np.float32]] = {}

    def describe(place: int) -> dict[str, NDArray[np.float32]]:
        image = pixels(place)
        rows = dict(zip(EARLY_LAYERS, look(image), strict=True))
        if own is not None:
            rows[ANALYTIC_STEM] = descriptor(own.activation(image)[..., : own.weights.distinct])
        return rows

    with ThreadPoolExecutor(threads, thread_name_prefix="early") as pool:
        for place, rows in enumerate(pool.map(describe, range(count))):
            for name, row in rows.items():
                found.setdefault(name, np.empty((count, len(row)), np.float32))[place] = row
            on_progress("early layers", place + 1, count)
    return found


def descriptor(activation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the descriptor of one activation map of shape (height, width, channels).

    Raises:
        InvariantError: the grid does not divide height and width.
    """
    height, width, channels = activation.shape
    if height % GRID or width % GRID:
        raise InvariantError(f"a grid of {GRID} cells does not divide {height} × {width}")
    cells = activation.reshape(GRID, height // GRID, GRID, width // GRID, channels)
    cells = cells.astype(np.float64)
    both = [cells.mean((1, 3)).ravel(), cells.std((1, 3)).ravel()]
    return np.concatenate(both).astype(np.float32)


def _moments(tf: Any, x: Tensor) -> Tensor:  # noqa: ANN401 - TensorFlow ships no types
    """Return `descriptor` in TensorFlow, of shape (1, dimension)."""
    cell = x.shape[1] // GRID
    mean = tf.nn.avg_pool2d(x, cell, cell, "VALID")
    # Around each cell's own mean: the difference of two moments would lose digits
    rest = x - tf.repeat(tf.repeat(mean, cell, axis=1), cell, axis=2)
    sd = tf.sqrt(tf.nn.avg_pool2d(rest * rest, cell, cell, "VALID"))
    return tf.concat([tf.reshape(mean, (1, -1)), tf.reshape(sd, (1, -1))], axis=1)
