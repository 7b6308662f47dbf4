import numpy as np
import pytest

from twin.errors import InvariantError
from twin.mobilenet.early import ANALYTIC_STEM, EARLY_LAYERS, describe_early_layers, descriptor
from twin.mobilenet.network import MobileNet
from twin.mobilenet.weights import random_weights
from twin.stem import Stem
from twin.stem_weights import analytic, calibrated


def picture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


def test_a_descriptor_holds_means_and_spreads_of_a_grid() -> None:
    activation = np.zeros((8, 8, 2), np.float32)
    activation[:2, :2, 0] = [[1, 3], [1, 3]]
    found = descriptor(activation)
    assert found.shape == (2 * 16 * 2,)
    assert (found[0], found[32]) == (2, 1)  # of the first cell and channel
    assert np.count_nonzero(found) == 2
    with pytest.raises(InvariantError, match="does not divide"):
        descriptor(np.zeros((7, 7, 1), np.float32))


@pytest.mark.slow
def test_all_layers_are_described_in_one_pass() -> None:
    pictures, told = [picture(0), picture(1)], []
    stem = calibrated(analytic(), pictures, 1.0)
    weights = random_weights(0)
    found = describe_early_layers(
        pictures.__getitem__,
        2,
        weights,
        stem,
        threads=2,
        on_progress=lambda *step: told.append(step),
    )
    assert list(found) == [*EARLY_LAYERS, ANALYTIC_STEM]
    assert told == [("early layers", 1, 2), ("early layers", 2, 2)]
    for name, one in zip(
        EARLY_LAYERS, MobileNet(weights).looking(EARLY_LAYERS)(pictures[1]), strict=True
    ):
        assert np.abs(found[name][1] - descriptor(one)).max() < 1e-3, name
    own = Stem(stem, "grid").activation(pictures[0])[..., :27]
    assert found[ANALYTIC_STEM][0].tobytes() == descriptor(own).tobytes()
