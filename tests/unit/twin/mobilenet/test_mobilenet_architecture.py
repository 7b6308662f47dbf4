from itertools import pairwise

import pytest

from twin.errors import InvariantError
from twin.mobilenet.architecture import BLOCKS, CONVOLUTIONS, blocks_before, blocks_from
from twin.mobilenet.network import layer_names


def test_sizes_and_channels_follow_one_another() -> None:
    for before, after in pairwise(CONVOLUTIONS):
        assert after.size == before.output_size
        assert after.inputs == before.outputs


def test_the_last_block_gives_7_by_7_by_1280() -> None:
    assert len(BLOCKS) == 19
    assert len(CONVOLUTIONS) == 52
    assert (BLOCKS[-1].convolutions[0].output_size, BLOCKS[-1].outputs) == (7, 1280)


def test_ten_blocks_are_residual() -> None:
    residual = [block.name for block in BLOCKS if block.is_residual]
    assert residual == [f"block_{number}" for number in (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)]


def test_before_and_from_a_block_are_all_blocks() -> None:
    assert blocks_before("block_6") + blocks_from("block_6") == BLOCKS
    with pytest.raises(InvariantError, match="no block block_17"):
        blocks_from("block_17")


def test_layers_are_called_as_in_keras() -> None:
    assert layer_names(BLOCKS[:3]) == [
        "bn_Conv1",
        "Conv1_relu",
        "expanded_conv_depthwise_BN",
        "expanded_conv_depthwise_relu",
        "expanded_conv_project_BN",
        "block_1_expand_BN",
        "block_1_expand_relu",
        "block_1_depthwise_BN",
        "block_1_depthwise_relu",
        "block_1_project_BN",
    ]
    assert layer_names()[-2:] == ["Conv_1_bn", "out_relu"]
