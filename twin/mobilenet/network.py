"""MobileNetV2 in TensorFlow's plain operations: one image per call, any layer to look at.

Law 5: kernels differ in the last bits with batch shape and thread count, so every image goes
through one fixed shape on one thread. Several images go side by side in threads of the caller; on
one core, small calls are faster than batches as well, because activations stay in the cache.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.mobilenet.architecture import BLOCKS, INPUT_SIZE, Block, Convolution, Kind
from twin.mobilenet.weights import MobileNetWeights
from twin.tensorflow import import_tensorflow

Tensor = Any  # TensorFlow ships no types
See = Callable[[str, Tensor], None]  # Keras' name of a layer, its output
Look = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]


def layer_names(blocks: Iterable[Block] = BLOCKS) -> list[str]:
    """Return the layers that can be looked at, in order.

    With batch normalisation folded into the convolutions, a convolution's own output (`Conv1`)
    does not exist; that of its batch normalisation (`bn_Conv1`) does.
    """
    names: list[str] = []
    for block in blocks:
        for one in block.convolutions:
            names += [name for name in (one.normalised, one.activated) if name]
        if block.is_residual:
            names.append(block.output)
    return names


def scaled(tf: Any, pixels: Tensor) -> Tensor:  # noqa: ANN401 - as above
    """Return pixels on MobileNetV2's input range, [-1, 1]."""
    return tf.cast(pixels, tf.float32) / 127.5 - 1.0


def convolve(tf: Any, arrays: Mapping[str, Tensor], x: Tensor, one: Convolution) -> Tensor:  # noqa: ANN401
    """Return a convolution's output after its (folded) batch normalisation, before its ReLU6.

    Parameters:
        arrays: kernels and biases, as in `MobileNetWeights`.
        x: shape (n, size, size, inputs).
    """
    kernel = arrays[f"{one.name}/kernel"]
    if one.kind is Kind.DEPTHWISE:
        strides = [1, one.stride, one.stride, 1]
        response = tf.nn.depthwise_conv2d(x, kernel, strides, "SAME")
    else:
        response = tf.nn.conv2d(x, kernel, one.stride, "SAME")
    return tf.nn.bias_add(response, arrays[f"{one.name}/bias"])


def forward(
    tf: Any,  # noqa: ANN401 - as above
    arrays: Mapping[str, Tensor],
    x: Tensor,
    blocks: Sequence[Block],
    see: See | None = None,
) -> Tensor:
    """Return what the last of some adjacent blocks hands on.

    Parameters:
        arrays: kernels and biases of these blocks at least.
        x: input of the first block, shape (n, size, size, inputs).
        see: is shown each layer's output, by Keras' name.
    """
    for block in blocks:
        before = x
        for one in block.convolutions:
            x = convolve(tf, arrays, x, one)
            if see:
                see(one.normalised, x)
            if one.activated:
                x = tf.nn.relu6(x)
                if see:
                    see(one.activated, x)
        if block.is_residual:
            x = before + x
            if see:
                see(block.output, x)
    return x


class MobileNet:
    """The network without a head.

    Parameters:
        weights: kernels and biases.
        tf: TensorFlow as its process has set it up; the twin's own, on one thread, if not given.
    """

    def __init__(self, weights: MobileNetWeights, tf: Any = None) -> None:  # noqa: ANN401
        self.weights = weights
        self._tf = tf or import_tensorflow()
        self._arrays = {name: self._tf.constant(array) for name, array in weights.arrays.items()}

    def looking(
        self, names: Sequence[str], summarise: Callable[[Tensor], Tensor] | None = None
    ) -> Look:
        """Return a function from pixels to the named layers' outputs; threads may share it.

        Parameters:
            names: of `layer_names()`; nothing behind the last of them is computed.
            summarise: (1, height, width, channels) -> (1, ...), in TensorFlow; what is made of
                each output before it is handed out. The output itself if not given.

        Raises:
            InvariantError: there is no such layer; the function raises it where an image is
                no uint8 of (224, 224, 3).
        """
        tf, blocks = self._tf, _until(names)

        def responses(pixels: Tensor) -> list[Tensor]:
            found: dict[str, Tensor] = {}
            forward(tf, self._arrays, scaled(tf, pixels)[None], blocks, found.__setitem__)
            outputs = [found[name] for name in names]
            return [summarise(output) for output in outputs] if summarise else outputs

        signature = [tf.TensorSpec((INPUT_SIZE, INPUT_SIZE, 3), tf.uint8)]
        # No Python branches to translate, and autograph would leave a temporary file per process.
        traced = tf.function(responses, input_signature=signature, autograph=False)
        traced.get_concrete_function()  # now: traced by two threads at once, it is traced twice

        def look(pixels: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
            if pixels.shape != (INPUT_SIZE, INPUT_SIZE, 3) or pixels.dtype != np.uint8:
                raise InvariantError(f"MobileNetV2 was given {pixels.shape}, {pixels.dtype}")
            return [tensor.numpy()[0] for tensor in traced(pixels)]

        return look


def _until(names: Sequence[str]) -> tuple[Block, ...]:
    """Return the blocks up to the one that holds the last of the named layers."""
    wanted, last = set(names), 0
    for place, block in enumerate(BLOCKS, start=1):
        here = wanted & set(layer_names([block]))
        if here:
            last = place
            wanted -= here
    if wanted or not last:
        raise InvariantError(f"MobileNetV2 has no layer {', '.join(sorted(wanted)) or '(none)'}")
    return BLOCKS[:last]
