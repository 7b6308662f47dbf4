"""MobileNetV2 1.0 224 as a table: every convolution with its place, its size and Keras' name.

Source: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen (2018), MobileNetV2: Inverted
Residuals and Linear Bottlenecks, CVPR, table 2; names are those of Keras' MobileNetV2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from twin.errors import InvariantError

INPUT_SIZE: Final = 224  # pixels a side

# Sandler et al. 2018, table 2, rows of bottlenecks: expansion, outputs, repeats, first stride
_BOTTLENECKS: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_FIRST_OUTPUTS: Final = 32
LAST_OUTPUTS: Final = 1280


class Kind(StrEnum):
    """How a convolution joins channels."""

    STANDARD = "standard"  # every output sees every input
    DEPTHWISE = "depthwise"  # every output sees its own input


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """A convolution, its batch normalisation and, where it has one, its ReLU6."""

    name: str  # as Keras calls the convolution
    normalised: str  # as Keras calls its batch normalisation
    activated: str | None  # as Keras calls its ReLU6; None for a linear bottleneck
    kind: Kind
    size: int  # input, pixels a side
    inputs: int  # channels
    outputs: int  # channels
    kernel: int  # pixels a side
    stride: int

    @property
    def output_size(self) -> int:
        """Pixels a side after "same" padding."""
        return -(-self.size // self.stride)

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Shape of Keras' kernel: height, width, inputs, outputs (depthwise: one per input)."""
        last = 1 if self.kind is Kind.DEPTHWISE else self.outputs
        return (self.kernel, self.kernel, self.inputs, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Convolutions in a row; a residual one adds its input to its output."""

    name: str
    convolutions: tuple[Convolution, ...]
    expansion: int | None  # t of the paper; None for the plain convolutions at both ends
    is_residual: bool

    @property
    def size(self) -> int:
        """Pixels a side of the input."""
        return self.convolutions[0].size

    @property
    def inputs(self) -> int:
        """Channels of the input."""
        return self.convolutions[0].inputs

    @property
    def outputs(self) -> int:
        """Channels of the output."""
        return self.convolutions[-1].outputs

    @property
    def stride(self) -> int:
        """Of the one convolution that has a stride."""
        return max(convolution.stride for convolution in self.convolutions)

    @property
    def output(self) -> str:
        """Keras' name of what the block hands on."""
        last = self.convolutions[-1]
        return f"{self.name}_add" if self.is_residual else last.activated or last.normalised


def _plain(name: str, activated: str, **more: int) -> Block:
    one = Convolution(
        name=name,
        normalised=f"bn_{name}" if name == "Conv1" else f"{name}_bn",
        activated=activated,
        kind=Kind.STANDARD,
        **more,
    )
    return Block(name=name, convolutions=(one,), expansion=None, is_residual=False)


def _bottleneck(
    name: str, *, size: int, inputs: int, outputs: int, expansion: int, stride: int
) -> Block:
    def one(
        role: str, kind: Kind, size: int, inputs: int, outputs: int, **more: int
    ) -> Convolution:
        return Convolution(
            name=f"{name}_{role}",
            normalised=f"{name}_{role}_BN",
            activated=None if role == "project" else f"{name}_{role}_relu",
            kind=kind,
            size=size,
            inputs=inputs,
            outputs=outputs,
            kernel=more.get("kernel", 1),
            stride=more.get("stride", 1),
        )

    wide = inputs * expansion
    expand = [one("expand", Kind.STANDARD, size, inputs, wide)] if expansion > 1 else []
    depthwise = one("depthwise", Kind.DEPTHWISE, size, wide, wide, kernel=3, stride=stride)
    project = one("project", Kind.STANDARD, depthwise.output_size, wide, outputs)
    return Block(
        name=name,
        convolutions=(*expand, depthwise, project),
        expansion=expansion,
        is_residual=stride == 1 and inputs == outputs,
    )


def _blocks() -> Iterator[Block]:
    first = _plain(
        "Conv1",
        "Conv1_relu",
        size=INPUT_SIZE,
        inputs=3,
        outputs=_FIRST_OUTPUTS,
        kernel=3,
        stride=2,
    )
    yield first
    size, inputs, number = first.convolutions[0].output_size, _FIRST_OUTPUTS, 0
    for expansion, outputs, repeats, first_stride in _BOTTLENECKS:
        for place in range(repeats):
            stride = first_stride if place == 0 else 1
            yield _bottleneck(
                f"block_{number}" if number else "expanded_conv",
                size=size,
                inputs=inputs,
                outputs=outputs,
                expansion=expansion,
                stride=stride,
            )
            size, inputs, number = -(-size // stride), outputs, number + 1
    yield _plain(
        "Conv_1", "out_relu", size=size, inputs=inputs, outputs=LAST_OUTPUTS, kernel=1, stride=1
    )


BLOCKS: Final = tuple(_blocks())
CONVOLUTIONS: Final = tuple(one for block in BLOCKS for one in block.convolutions)


def blocks_from(name: str) -> tuple[Block, ...]:
    """Return a block and all that follow it.

    Raises:
        InvariantError: there is no such block.

    >>> [block.name for block in blocks_from("block_16")]
    ['block_16', 'Conv_1']
    """
    return BLOCKS[_place(name) :]


def blocks_before(name: str) -> tuple[Block, ...]:
    """Return all blocks before a block.

    Raises:
        InvariantError: there is no such block.
    """
    return BLOCKS[: _place(name)]


def _place(name: str) -> int:
    for place, block in enumerate(BLOCKS):
        if block.name == name:
            return place
    raise InvariantError(f"MobileNetV2 has no block {name}")
