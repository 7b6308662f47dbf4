from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from twin.errors import InvariantError
from twin.features import FEATURES
from twin.stem import Stem
from twin.stem_weights import StemWeights, analytic, calibrated

pytestmark = pytest.mark.slow  # TensorFlow


def picture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (56, 56, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)


def random_weights():
    stream = np.random.default_rng(3)
    return StemWeights(
        kernel=stream.normal(size=(3, 3, 3, 32)).astype(np.float32),
        scale=stream.normal(size=32).astype(np.float32),
        shift=stream.normal(size=32).astype(np.float32),
        source="test",
    )


def by_definition(weights, pixels):
    """Convolve with stride 2 and "same" padding, normalise, cut at 0 and 6; all in float64."""
    padded = np.zeros((225, 225, 3))
    padded[:224, :224] = pixels / 127.5 - 1
    response = np.zeros((112, 112, 32))
    for row in range(3):
        for column in range(3):
            seen = padded[row : row + 223 : 2, column : column + 223 : 2]
            response += np.tensordot(seen, weights.kernel[row, column].astype(np.float64), 1)
    return np.clip(response * weights.scale + weights.shift, 0, 6)


@pytest.fixture(scope="module")
def stem():
    return Stem(calibrated(analytic(), [picture(0), picture(1)], 1.0), "symmetric")


@pytest.mark.parametrize("weights", [random_weights(), calibrated(analytic(), [picture(0)], 1.0)])
def test_activation_equals_the_definition(weights):
    found = Stem(weights, "grid").activation(picture(5))
    assert found.shape == (112, 112, 32)
    assert found == pytest.approx(by_definition(weights, picture(5)), abs=1e-4)


def test_cells_are_moments_of_the_activation_around_three(stem):
    active = stem.activation(picture(6))[..., :27].astype(np.float64) - 3
    cells = stem.cells(picture(6))
    tiles = active.reshape(28, 4, 28, 4, 27)
    assert cells.mean == pytest.approx(tiles.mean((1, 3)), abs=1e-5)
    assert cells.square == pytest.approx((tiles**2).mean((1, 3)), abs=1e-4)


def test_stems_without_repeated_filters_show_all_of_them():
    assert Stem(random_weights(), "grid").cells(picture(1)).mean.shape == (28, 28, 32)


@pytest.mark.parametrize("name", ["symmetric", "mirror"])
def test_features_are_those_of_the_set(stem, name):
    stem = Stem(stem.weights, name)
    assert stem.dimension == len(stem.features(picture(0)))
    found = FEATURES[name].compute(stem.cells(picture(2)))
    assert stem.features(picture(2)).tobytes() == found.tobytes()


@pytest.mark.parametrize("name", ["symmetric", "mirror"])
def test_threads_and_order_do_not_change_a_bit(stem, name):
    stem = Stem(stem.weights, name)
    images = [picture(seed) for seed in range(12)]
    alone = [stem.features(image).tobytes() for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: stem.features(image).tobytes(), images[::-1]))
    assert together[::-1] == alone


def test_another_stem_of_the_same_weights_gives_the_same_bits(stem):
    other = Stem(replace(stem.weights), "symmetric")
    assert other.features(picture(3)).tobytes() == stem.features(picture(3)).tobytes()


@pytest.mark.parametrize(
    "pixels", [np.zeros((224, 224), np.uint8), np.zeros((224, 224, 3), np.float32)]
)
def test_other_pixels_are_an_error(stem, pixels):
    with pytest.raises(InvariantError, match="stem was given pixels"):
        stem.activation(pixels)


def test_an_unknown_feature_set_is_an_error():
    with pytest.raises(InvariantError, match="no feature set curvelets; there are grid"):
        Stem(analytic(), "curvelets")


def test_the_symmetric_set_needs_the_analytic_stem():
    with pytest.raises(InvariantError, match="analytic"):
        Stem(random_weights(), "symmetric")
