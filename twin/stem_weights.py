"""Weights of the stem: one 3 × 3 × 3 × 32 convolution and its batch normalisation, as plain arrays.

They come from nowhere (analytic), from Keras' MobileNetV2 (imagenet), or from a file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import unpack
from twin.errors import ArtefactError, DependencyError, InvariantError
from twin.tensorflow import import_tensorflow

CHANNELS: Final = 32  # width of MobileNetV2's Conv1 (Sandler et al. 2018, table 2)
_BASIS: Final = 27  # dimensions of a 3 × 3 × 3 patch
CENTRE: Final = 3.0  # middle of ReLU6's [0, 6]: calibrated responses lose equally on both sides

# 3-point DCT-II, rows orthonormal: constant, slope, curvature. The same matrix over (R, G, B) is
# luminance, red against blue, and green against both: the classical colour opponents.
_DCT3: Final = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3.0], [2.0], [6.0]])
# Analytic filters that come a second time with the other sign to make 32. They hold nothing new,
# so which five is an assumption: the three colour constants and the two luminance slopes.
_FLIPPED: Final = (0, 1, 2, 3, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class StemWeights:
    """Convolution, then batch normalisation written as `scale · response + shift`."""

    kernel: NDArray[np.float32]  # (3, 3, 3, 32): height, width, colour, filter
    scale: NDArray[np.float32]  # (32,)
    shift: NDArray[np.float32]  # (32,)
    source: str  # "analytic", "imagenet" or the name of a file
    is_basis: bool = False  # the kernel is the analytic one, whose filters are known one by one
    needs_calibration: bool = False  # scale and shift are still to be set, by `calibrated`

    def __post_init__(self) -> None:
        shapes = (self.kernel.shape, self.scale.shape, self.shift.shape)
        if shapes != ((3, 3, 3, CHANNELS), (CHANNELS,), (CHANNELS,)):
            raise InvariantError(f"stem weights of shapes {shapes}")

    @property
    def distinct(self) -> int:
        """Filters from this one on repeat earlier ones, so features leave them out."""
        return _BASIS if self.is_basis else CHANNELS


def analytic() -> StemWeights:
    """Return the orthonormal basis of all 3 × 3 × 3 patches, and five filters of it negated.

    Filter 9·a + 3·b + c is the product of the vertical DCT vector a, the horizontal one b and
    the colour opponent c.

    >>> basis = analytic().kernel.reshape(27, 32)[:, :27]
    >>> bool(np.allclose(basis.T @ basis, np.eye(27), atol=1e-6))
    True
    """
    basis = np.einsum("ai,bj,ck->ijkabc", _DCT3, _DCT3, _DCT3).reshape(3, 3, 3, 27)
    kernel = np.concatenate([basis, -basis[..., list(_FLIPPED)]], axis=-1)
    return StemWeights(
        kernel=kernel.astype(np.float32),
        scale=np.ones(CHANNELS, np.float32),
        shift=np.zeros(CHANNELS, np.float32),
        source="analytic",
        is_basis=True,
        needs_calibration=True,
    )


def from_npz(content: bytes, name: str) -> StemWeights:
    """Read `Conv1/kernel` and `Conv1/bias`, with batch normalisation folded into the bias.

    Parameters:
        content: bytes of an .npz file; other arrays in it are ignored.
        name: what to call it in messages and in the manifest.

    Raises:
        ArtefactError: it is no such file.
    """
    arrays = unpack(content, name)
    if absent := {"Conv1/kernel", "Conv1/bias"} - set(arrays):
        raise ArtefactError(name, f"stem weights lack {', '.join(sorted(absent))}")
    kernel, bias = arrays["Conv1/kernel"], arrays["Conv1/bias"]
    if kernel.shape != (3, 3, 3, CHANNELS) or bias.shape != (CHANNELS,):
        raise ArtefactError(name, f"stem weights of shapes {kernel.shape} and {bias.shape}")
    return StemWeights(
        kernel=kernel.astype(np.float32),
        scale=np.ones(CHANNELS, np.float32),
        shift=bias.astype(np.float32),
        source=name,
    )


def imagenet() -> StemWeights:
    """Return Keras' MobileNetV2 weights, which Keras downloads when it does not have them.

    Raises:
        DependencyError: Keras could not bring them.
    """
    import_tensorflow()  # before Keras does, which would choose other kernels
    import keras

    keras.utils.disable_interactive_logging()  # it would report the download on standard output
    try:
        network = keras.applications.MobileNetV2(
            weights="imagenet", include_top=False, input_shape=(224, 224, 3)
        )
    except Exception as error:  # Keras wraps every failed download in a bare Exception
        raise DependencyError(
            "Keras could not bring MobileNetV2's ImageNet weights (it downloads them once): "
            f"{error}. Give a weights file instead, or use the analytic stem."
        ) from error
    return from_network(network)


def from_network(network: Any) -> StemWeights:  # noqa: ANN401 - Keras ships no types
    """Fold batch normalisation of a Keras MobileNetV2's first layer (Ioffe & Szegedy 2015)."""
    normalisation = network.get_layer("bn_Conv1")
    gamma, beta, mean, variance = (
        np.asarray(array, np.float64) for array in normalisation.get_weights()
    )
    scale = gamma / np.sqrt(variance + normalisation.epsilon)
    return StemWeights(
        kernel=np.asarray(network.get_layer("Conv1").get_weights()[0], np.float32),
        scale=scale.astype(np.float32),
        shift=(beta - mean * scale).astype(np.float32),
        source="imagenet",
    )


def calibrated(
    weights: StemWeights, images: Iterable[NDArray[np.uint8]], response_sd: float
) -> StemWeights:
    """Return weights whose responses have mean 3 and a given standard deviation on a sample.

    Moments of responses follow from moments of patches, and those are sums of integers: exact,
    so that the number of threads or the order of images cannot change a bit of the weights.

    Parameters:
        images: sample of training images, each (224, 224, 3).
        response_sd: wanted standard deviation of each filter's response, on ReLU6's scale.

    Raises:
        InvariantError: the sample is empty.
    """
    total, products, patches = np.zeros(27), np.zeros((27, 27)), 0
    for image in images:
        rows = _integer_patches(image)
        total += rows.sum(axis=0)
        products += rows.T @ rows
        patches += len(rows)
    if not patches:
        raise InvariantError("no image to calibrate the stem on")
    kernel = weights.kernel.reshape(27, CHANNELS).astype(np.float64) / 255
    mean_patch = total / patches
    covariance = products / patches - np.multiply.outer(mean_patch, mean_patch)
    mean = np.einsum("pf,p->f", kernel, mean_patch)
    variance = np.einsum("pf,pq,qf->f", kernel, covariance, kernel)
    # A filter without any variance (all images of one colour) keeps a finite scale.
    scale = response_sd / np.sqrt(np.maximum(variance, 1e-12))
    return replace(
        weights,
        scale=scale.astype(np.float32),
        shift=(CENTRE - scale * mean).astype(np.float32),
        needs_calibration=False,
    )


def _integer_patches(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the patches that the convolution sees, times 255, shape (112 · 112, 27).

    Input is scaled to pixel / 127.5 − 1 = (2 · pixel − 255) / 255 and padded with zeros below
    and on the right ("same", stride 2, even size), so all entries are integers in ±255.
    """
    padded = np.zeros((225, 225, 3))
    padded[:224, :224] = 2.0 * image - 255.0
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2]
    return np.ascontiguousarray(windows.transpose(0, 1, 3, 4, 2)).reshape(-1, 27)
