"""MobileNetV2's weights with batch normalisation folded in: a kernel and a bias a convolution.

They come from a file, from Keras, or from a seed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import unpack
from twin.errors import ArtefactError, DependencyError, InvariantError
from twin.mobilenet.architecture import CONVOLUTIONS, INPUT_SIZE, Convolution, Kind
from twin.tensorflow import import_tensorflow

Array = NDArray[np.float32]

_ENTRIES: Final = ("kernel", "bias")


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileNetWeights:
    """Arrays by `<convolution>/kernel` and `<convolution>/bias`, Keras' names and shapes."""

    arrays: Mapping[str, Array]
    source: str  # "imagenet", "random" or the name of a file

    def __post_init__(self) -> None:
        if fault := _fault(self.arrays):
            raise InvariantError(f"MobileNetV2 weights from {self.source}: {fault}")

    @property
    def digest(self) -> str:
        """Return a sha256 (hex) over names and values."""
        total = hashlib.sha256()
        for name in sorted(self.arrays):
            total.update(name.encode() + np.ascontiguousarray(self.arrays[name]).tobytes())
        return total.hexdigest()


def from_npz(content: bytes, name: str) -> MobileNetWeights:
    """Read weights from a file; other arrays in it are ignored.

    Parameters:
        content: bytes of an .npz file with `Conv1/kernel`, `Conv1/bias`, `block_1_expand/kernel`
            and so on; kernels are (height, width, inputs, outputs).
        name: what to call it in messages.

    Raises:
        ArtefactError: it is no such file.
    """
    found = unpack(content, name)
    arrays = {key: found[key] for key in _names() if key in found}
    if fault := _fault(arrays):
        raise ArtefactError(name, f"no weights of MobileNetV2 1.0 224: {fault}")
    return MobileNetWeights(
        arrays={key: array.astype(np.float32) for key, array in arrays.items()}, source=name
    )


def imagenet() -> MobileNetWeights:
    """Return Keras' ImageNet weights, which Keras downloads when it does not have them.

    Raises:
        DependencyError: Keras could not bring them.
    """
    import_tensorflow()  # before Keras does, which would choose other kernels
    import keras

    keras.utils.disable_interactive_logging()  # it would report the download on standard output
    try:
        network = keras.applications.MobileNetV2(
            weights="imagenet", include_top=False, input_shape=(INPUT_SIZE, INPUT_SIZE, 3)
        )
    except Exception as error:  # Keras wraps every failed download in a bare Exception
        raise DependencyError(
            "Keras could not bring MobileNetV2's ImageNet weights (it downloads them once): "
            f"{error}. Give a weights file instead."
        ) from error
    return from_network(network, "imagenet")


def from_network(network: Any, source: str) -> MobileNetWeights:  # noqa: ANN401 - no types
    """Fold batch normalisation of a Keras MobileNetV2 into kernels and biases.

    γ · (k ∗ x − mean) / √(variance + ε) + β = (scale · k) ∗ x + (β − mean · scale), with
    scale = γ / √(variance + ε) (Ioffe & Szegedy 2015).
    """
    arrays: dict[str, Array] = {}
    for convolution in CONVOLUTIONS:
        kernel = np.asarray(network.get_layer(convolution.name).get_weights()[0], np.float64)
        normalisation = network.get_layer(convolution.normalised)
        gamma, beta, mean, variance = (
            np.asarray(array, np.float64) for array in normalisation.get_weights()
        )
        scale = gamma / np.sqrt(variance + normalisation.epsilon)
        # A depthwise kernel counts its outputs in the third place.
        by_output = scale[:, None] if convolution.kind is Kind.DEPTHWISE else scale
        arrays[f"{convolution.name}/kernel"] = (kernel * by_output).astype(np.float32)
        arrays[f"{convolution.name}/bias"] = (beta - mean * scale).astype(np.float32)
    return MobileNetWeights(arrays=arrays, source=source)


def random_weights(seed: int) -> MobileNetWeights:
    """Return weights that were never trained: He et al. 2015, equation 10, and zero biases."""
    stream = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    for one in CONVOLUTIONS:
        fan_in = one.kernel**2 * (1 if one.kind is Kind.DEPTHWISE else one.inputs)
        kernel = stream.normal(0.0, np.sqrt(2 / fan_in), one.kernel_shape)
        arrays[f"{one.name}/kernel"] = kernel.astype(np.float32)
        arrays[f"{one.name}/bias"] = np.zeros(one.outputs, np.float32)
    return MobileNetWeights(arrays=arrays, source="random")


def _names() -> list[str]:
    return [f"{one.name}/{entry}" for one in CONVOLUTIONS for entry in _ENTRIES]


def _fault(arrays: Mapping[str, NDArray[Any]]) -> str | None:
    if absent := [name for name in _names() if name not in arrays]:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        return f"{', '.join(absent[:3])}{more} missing"
    for one in CONVOLUTIONS:
        for entry, shape in zip(_ENTRIES, _shapes(one), strict=True):
            array = arrays[f"{one.name}/{entry}"]
            if array.shape != shape:
                return f"{one.name}/{entry} has shape {array.shape}, not {shape}"
            if not np.isfinite(array).all():
                return f"{one.name}/{entry} is not finite"
    return None


def _shapes(one: Convolution) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return one.kernel_shape, (one.outputs,)
