"""What MobileNetV2 costs: the paper's equations 1 to 3, exact counts, and measured times.

Source of the equations: Sandler et al. 2018, sections 3.1 and 3.3; Sampath et al. 2025,
doi:10.3389/fcomp.2025.1646311, equations 1 to 3. A multiply-add is one multiplication and one
addition; biases and activations are not counted, as in both papers.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.mobilenet.architecture import BLOCKS, INPUT_SIZE, Block, Convolution, Kind
from twin.mobilenet.network import MobileNet, Tensor, convolve, scaled
from twin.mobilenet.weights import MobileNetWeights
from twin.tensorflow import import_tensorflow

REPEATS: Final = 15  # of each timing; the median of them is reported

Clock = Callable[[], float]  # seconds; the twin asks no clock that it was not given


def standard_convolution(h: int, w: int, d_i: int, d_j: int, k: int) -> int:
    """Return multiply-adds of a standard convolution, equation 1.

    Parameters:
        h, w: of the output, in pixels; with stride 1 also those of the input.
        d_i, d_j: channels of input and output.
        k: of the kernel, in pixels a side.
    """
    return h * w * d_i * d_j * k * k


def depthwise_separable(h: int, w: int, d_i: int, d_j: int, k: int) -> int:
    """Return multiply-adds of a depthwise and a pointwise convolution, equation 2.

    >>> standard_convolution(7, 7, 64, 64, 3) / depthwise_separable(7, 7, 64, 64, 3)
    7.890410958904109
    """
    return h * w * d_i * (k * k + d_j)


def inverted_residual(h: int, w: int, d_in: int, d_out: int, t: int, k: int) -> int:
    """Return multiply-adds of an inverted residual with expansion t and stride 1, equation 3.

    >>> inverted_residual(14, 14, 64, 64, 6, 3)
    10311168
    """
    return h * w * d_in * t * (d_in + k * k + d_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """A convolution with its batch normalisation (folded) and its ReLU6."""

    name: str  # Keras' name of the convolution
    block: str
    multiply_adds: int
    parameters: int  # of kernel and folded bias


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCost:
    """A block: what its equation says, what it costs, and what it would without separation."""

    name: str
    equation: int  # of the paper: 1, 2 or 3
    by_equation: int  # multiply-adds, for the size of the output
    multiply_adds: int  # counted layer by layer
    # Multiply-adds if one standard convolution did what depthwise and projection do (equation 1)
    unseparated: int
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the network costs for one image, without a head."""

    layers: tuple[LayerCost, ...]
    blocks: tuple[BlockCost, ...]
    multiply_adds: int
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTime:
    """Measured time of one layer for one image on one thread."""

    name: str
    block: str
    median_s: float
    share: float  # of the sum over layers, in [0, 1]
    multiply_adds_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Measured times, all from one run on one machine."""

    layers: tuple[LayerTime, ...]
    sum_s: float  # of the layers' medians
    # Median of the whole network in one call: layers alone find warm caches, and are 52 calls
    whole_s: float
    repeats: int

    def facts(self) -> dict[str, Any]:
        """Return JSON values; `times_of` takes them back."""
        return asdict(self)


def times_of(facts: Mapping[str, Any]) -> Times:
    """Return times that were kept as facts."""
    return Times(**{**facts, "layers": tuple(LayerTime(**one) for one in facts["layers"])})


def costs() -> Costs:
    """Return counts by layer and block.

    Equation 3 has one height and width. Where a block's stride is 2, its expansion works on the
    input's pixels and the rest on a quarter of them: `by_equation` takes the output's size, and
    `multiply_adds` counts both.

    >>> round(costs().multiply_adds / 1e6)
    299
    """
    layers, blocks = [], []
    for block in BLOCKS:
        here = [_layer(one, block.name) for one in block.convolutions]
        layers += here
        blocks.append(_block(block, here))
    return Costs(
        layers=tuple(layers),
        blocks=tuple(blocks),
        multiply_adds=sum(one.multiply_adds for one in layers),
        parameters=sum(one.parameters for one in layers),
    )


def times(weights: MobileNetWeights, clock: Clock, seed: int = 0) -> Times:
    """Measure every layer on its own, and the whole network; telemetry, never in a log (law 5).

    Parameters:
        clock: in seconds.
        seed: of the picture of noise that goes through; times hardly depend on it.
    """
    tf = import_tensorflow()
    stream = np.random.default_rng(seed)
    pixels = stream.integers(0, 256, (INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    network = MobileNet(weights, tf)
    whole = network.looking([BLOCKS[-1].output])
    whole_s = _median_s(lambda: whole(pixels), clock)
    inputs = [block.output for block in BLOCKS[:-1]]
    inputs += [one.activated for block in BLOCKS for one in block.convolutions if one.activated]
    seen = dict(zip(inputs, network.looking(inputs)(pixels), strict=True))
    found = []
    given = scaled(tf, pixels).numpy()
    for block in BLOCKS:
        for one in block.convolutions:
            call = _traced(tf, weights, one, given)
            found.append((one, block.name, _median_s(call, clock)))
            given = seen[one.activated] if one.activated else given
        given = seen[block.output] if block is not BLOCKS[-1] else given
    sum_s = sum(median_s for _, _, median_s in found)
    return Times(
        layers=tuple(
            LayerTime(
                name=one.name,
                block=name,
                median_s=median_s,
                share=median_s / sum_s,
                multiply_adds_per_s=_multiply_adds(one) / median_s,
            )
            for one, name, median_s in found
        ),
        sum_s=sum_s,
        whole_s=whole_s,
        repeats=REPEATS,
    )


def _multiply_adds(one: Convolution) -> int:
    size = one.output_size
    if one.kind is Kind.DEPTHWISE:
        return size * size * one.inputs * one.kernel**2
    return standard_convolution(size, size, one.inputs, one.outputs, one.kernel)


def _layer(one: Convolution, block: str) -> LayerCost:
    return LayerCost(
        name=one.name,
        block=block,
        multiply_adds=_multiply_adds(one),
        parameters=int(np.prod(one.kernel_shape)) + one.outputs,
    )


def _block(block: Block, layers: list[LayerCost]) -> BlockCost:
    size = block.convolutions[-1].output_size
    if block.expansion is None:
        equation = 1
        by_equation = standard_convolution(
            size, size, block.inputs, block.outputs, block.convolutions[0].kernel
        )
    elif block.expansion == 1:  # nothing is expanded: what is left is depthwise separable
        equation = 2
        by_equation = depthwise_separable(size, size, block.inputs, block.outputs, 3)
    else:
        equation = 3
        by_equation = inverted_residual(size, size, block.inputs, block.outputs, block.expansion, 3)
    unseparated = by_equation
    if block.expansion is not None:
        wide = block.inputs * block.expansion
        expansion = sum(one.multiply_adds for one in layers[:-2])
        unseparated = expansion + standard_convolution(size, size, wide, block.outputs, 3)
    return BlockCost(
        name=block.name,
        equation=equation,
        by_equation=by_equation,
        multiply_adds=sum(one.multiply_adds for one in layers),
        unseparated=unseparated,
        parameters=sum(one.parameters for one in layers),
    )


def _traced(
    tf: Any,  # noqa: ANN401 - TensorFlow ships no types
    weights: MobileNetWeights,
    one: Convolution,
    given: NDArray[np.float32],
) -> Callable[[], Tensor]:
    """Return a call of one layer on what comes to it when a picture goes through the network."""
    names = (f"{one.name}/kernel", f"{one.name}/bias")
    arrays = {name: tf.constant(weights.arrays[name]) for name in names}
    x = tf.constant(given[None])

    def layer(x: Tensor) -> Tensor:
        response = convolve(tf, arrays, x, one)
        return tf.nn.relu6(response) if one.activated else response

    traced = tf.function(layer, autograph=False)
    return lambda: traced(x)


def _median_s(call: Callable[[], object], clock: Clock) -> float:
    for _ in range(3):  # the first calls trace, allocate and fill caches
        call()
    spent = []
    for _ in range(REPEATS):
        begun = clock()
        call()
        spent.append(clock() - begun)
    return float(np.median(spent))
