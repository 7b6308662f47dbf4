import json
from collections.abc import Callable
from itertools import count

import pytest

from twin.mobilenet.architecture import BLOCKS
from twin.mobilenet.costs import (
    REPEATS,
    costs,
    depthwise_separable,
    inverted_residual,
    standard_convolution,
    times,
    times_of,
)
from twin.mobilenet.weights import random_weights


def ticking() -> Callable[[], float]:
    """A clock on which every call takes one second."""
    ticks = count()
    return lambda: float(next(ticks))


def test_totals_are_those_of_the_architectures_paper() -> None:
    """Sandler et al. 2018, table 4: 300 M multiply-adds; 3.4 M parameters with 1,281,000 of a head
    and, unfolded, three more numbers for each channel."""
    found = costs()
    assert found.multiply_adds == pytest.approx(300e6, rel=0.01)
    channels = sum(one.outputs for block in BLOCKS for one in block.convolutions)
    assert found.parameters + 3 * channels == 2_257_984  # as Keras counts them without a head


def test_equations() -> None:
    assert standard_convolution(112, 112, 3, 32, 3) == 10_838_016
    assert depthwise_separable(112, 112, 32, 16, 3) == 112 * 112 * 32 * (9 + 16)
    assert inverted_residual(14, 14, 64, 96, 6, 3) == 14 * 14 * 64 * 6 * (64 + 9 + 96)


def test_equations_count_exactly_where_the_stride_is_1() -> None:
    for block, cost in zip(BLOCKS, costs().blocks, strict=True):
        if block.stride == 1 or block.expansion is None:
            assert cost.by_equation == cost.multiply_adds
        else:  # the expansion sees four times as many pixels
            assert cost.by_equation < cost.multiply_adds


def test_separation_saves_nearly_the_kernels_area() -> None:
    for cost in costs().blocks:
        assert (cost.unseparated > 2 * cost.multiply_adds) == (cost.equation != 1)


def test_layers_sum_to_blocks() -> None:
    found = costs()
    for cost in found.blocks:
        here = [one for one in found.layers if one.block == cost.name]
        assert sum(one.multiply_adds for one in here) == cost.multiply_adds
        assert sum(one.parameters for one in here) == cost.parameters


@pytest.mark.slow
def test_times_are_medians_by_the_clock_that_is_given() -> None:
    found = times(random_weights(0), ticking())
    assert [one.name for one in found.layers] == [one.name for one in costs().layers]
    assert {one.median_s for one in found.layers} == {1.0}
    assert (found.sum_s, found.whole_s, found.repeats) == (52.0, 1.0, REPEATS)
    assert sum(one.share for one in found.layers) == pytest.approx(1)
    assert found.layers[0].multiply_adds_per_s == 10_838_016
    assert times_of(json.loads(json.dumps(found.facts()))) == found
