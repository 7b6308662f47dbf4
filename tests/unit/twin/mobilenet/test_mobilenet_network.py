from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from twin.errors import InvariantError
from twin.mobilenet.network import MobileNet
from twin.mobilenet.weights import random_weights

pytestmark = pytest.mark.slow  # TensorFlow


@pytest.fixture(scope="module")
def network():
    return MobileNet(random_weights(0))


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (224, 224, 3), dtype=np.uint8)


def test_depthwise_and_residual_equal_their_definition(network) -> None:
    names = ["block_2_expand_relu", "block_2_depthwise_BN", "block_1_project_BN", "block_2_add"]
    wide, depthwise, before, after = network.looking([*names])(picture(1))
    kernel = network.weights.arrays["block_2_depthwise/kernel"][..., 0].astype(np.float64)
    padded = np.pad(wide.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    expected = sum(
        padded[row : row + 56, column : column + 56] * kernel[row, column]
        for row in range(3)
        for column in range(3)
    )
    assert np.abs(depthwise - expected).max() < 1e-3
    projection = network.weights.arrays["block_2_project/kernel"][0, 0].astype(np.float64)
    added = np.clip(depthwise, 0, 6).astype(np.float64) @ projection
    assert np.abs(after - before - added).max() < 1e-2


def test_nothing_depends_on_threads(network) -> None:
    look = network.looking(["block_3_project_BN"])
    pictures = [picture(seed) for seed in range(4)]
    alone = [look(one)[0].tobytes() for one in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert [found[0].tobytes() for found in pool.map(look, pictures)] == alone


def test_a_summary_is_made_of_each_layer(network) -> None:
    plain = network.looking(["Conv1_relu", "expanded_conv_project_BN"])(picture(2))
    means = network.looking(
        ["Conv1_relu", "expanded_conv_project_BN"],
        lambda x: network._tf.reduce_mean(x, [1, 2]),
    )(picture(2))
    for one, mean in zip(plain, means, strict=True):
        assert mean == pytest.approx(one.mean((0, 1)), abs=1e-4)


def test_what_is_no_layer_and_no_image_is_refused(network) -> None:
    with pytest.raises(InvariantError, match="no layer Conv1"):
        network.looking(["Conv1"])
    with pytest.raises(InvariantError, match="was given"):
        network.looking(["Conv1_relu"])(np.zeros((200, 200, 3), np.uint8))
