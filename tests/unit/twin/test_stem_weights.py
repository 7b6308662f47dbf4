import sys
from types import SimpleNamespace

import numpy as np
import pytest

from twin import stem_weights
from twin.arrays import pack
from twin.errors import ArtefactError, DependencyError, InvariantError
from twin.stem_weights import (
    StemWeights,
    analytic,
    calibrated,
    from_network,
    from_npz,
    imagenet,
)


def pictures(count, seed=0):
    stream = np.random.default_rng(seed)
    # Coarse noise, so that neighbouring pixels are alike as in photographs
    coarse = stream.integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
    return list(coarse.repeat(8, axis=1).repeat(8, axis=2))


def responses(weights, images):
    """Convolve by the definition: "same" padding puts its one row and column at the end."""
    found = []
    for image in images:
        padded = np.zeros((225, 225, 3))
        padded[:224, :224] = image / 127.5 - 1
        for top in range(0, 224, 2):
            for left in range(0, 224, 2):
                patch = padded[top : top + 3, left : left + 3]
                found.append(np.tensordot(patch, weights.kernel.astype(np.float64), 3))
    return np.array(found) * weights.scale + weights.shift


def test_analytic_filters_are_an_orthonormal_basis_of_all_patches():
    basis = analytic().kernel.reshape(27, 32)[:, :27]
    assert np.allclose(basis.T @ basis, np.eye(27), atol=1e-6)


def test_first_analytic_filter_is_luminance_and_the_next_are_colour_opponents():
    kernel = analytic().kernel
    grey, red = np.ones((3, 3, 3)), np.zeros((3, 3, 3))
    red[..., 0] = 1
    assert np.tensordot(grey, kernel, 3)[:3] == pytest.approx([3 * np.sqrt(3), 0, 0], abs=1e-5)
    assert (np.tensordot(red, kernel, 3)[:3] > 1).all()


def test_the_last_five_filters_repeat_others_with_the_other_sign():
    weights = analytic()
    products = weights.kernel.reshape(27, 32).T @ weights.kernel.reshape(27, 32)
    assert np.allclose(products[:27, 27:].min(axis=0), -1, atol=1e-6)
    assert weights.distinct == 27


def test_calibration_centres_responses_on_three():
    images = pictures(2)
    weights = calibrated(analytic(), images, response_sd=0.8)
    found = responses(weights, images)
    assert found.mean(axis=0) == pytest.approx(np.full(32, 3.0), abs=1e-4)
    assert found.std(axis=0) == pytest.approx(np.full(32, 0.8), rel=1e-4)
    assert not weights.needs_calibration


def test_calibration_does_not_depend_on_the_order_of_images():
    images = pictures(5)
    one, other = (calibrated(analytic(), order, 1.0) for order in (images, images[::-1]))
    assert one.scale.tobytes() == other.scale.tobytes()
    assert one.shift.tobytes() == other.shift.tobytes()


def test_calibration_of_images_without_contrast_stays_finite():
    weights = calibrated(analytic(), [np.full((224, 224, 3), 90, np.uint8)], 1.0)
    assert np.isfinite(weights.scale).all()
    assert np.isfinite(weights.shift).all()


def test_calibration_needs_an_image():
    with pytest.raises(InvariantError, match="no image"):
        calibrated(analytic(), [], 1.0)


def test_a_weights_file_is_read():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 32)).astype(np.float32)
    bias = np.arange(32, dtype=np.float32)
    weights = from_npz(
        pack({"Conv1/kernel": kernel, "Conv1/bias": bias, "other": bias}), "mobilenet.npz"
    )
    assert np.array_equal(weights.kernel, kernel)
    assert np.array_equal(weights.scale, np.ones(32))
    assert np.array_equal(weights.shift, bias)
    assert (weights.source, weights.distinct) == ("mobilenet.npz", 32)
    assert not weights.needs_calibration


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not a zip", "not a file of arrays"),
        (pack({"Conv1/kernel": np.zeros((3, 3, 3, 32))}), "lack Conv1/bias"),
        (pack({"Conv1/kernel": np.zeros((5, 5, 3, 32)), "Conv1/bias": np.zeros(32)}), "5, 5, 3"),
    ],
)
def test_another_file_is_refused(content, reason):
    with pytest.raises(ArtefactError, match=rf"w\.npz.*{reason}"):
        from_npz(content, "w.npz")


class FakeNetwork:
    """Has the two layers of MobileNetV2 that matter, with Keras' names and order of weights."""

    def __init__(self):
        stream = np.random.default_rng(1)
        self.kernel = stream.normal(size=(3, 3, 3, 32)).astype(np.float32)
        self.gamma, self.beta, self.mean = stream.normal(size=(3, 32))
        self.variance = stream.uniform(0.1, 2, 32)
        norm = [self.gamma, self.beta, self.mean, self.variance]
        self.layers = {
            "Conv1": SimpleNamespace(get_weights=lambda: [self.kernel]),
            "bn_Conv1": SimpleNamespace(get_weights=lambda: norm, epsilon=1e-3),
        }

    def get_layer(self, name):
        return self.layers[name]


def test_folding_equals_batch_normalisation():
    network = FakeNetwork()
    weights = from_network(network)
    raw = np.random.default_rng(2).normal(size=(50, 32))
    normalised = (
        network.gamma * (raw - network.mean) / np.sqrt(network.variance + 1e-3) + network.beta
    )
    assert raw * weights.scale + weights.shift == pytest.approx(normalised, abs=1e-5)
    assert np.array_equal(weights.kernel, network.kernel)
    assert weights.source == "imagenet"


@pytest.fixture
def fake_keras(monkeypatch):
    keras = SimpleNamespace(
        applications=SimpleNamespace(),
        utils=SimpleNamespace(disable_interactive_logging=lambda: None),
    )
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setattr(stem_weights, "import_tensorflow", lambda: None)
    return keras


def test_imagenet_asks_keras_for_mobilenet(fake_keras):
    asked = {}
    fake_keras.applications.MobileNetV2 = lambda **options: asked.update(options) or FakeNetwork()
    assert np.array_equal(imagenet().kernel, FakeNetwork().kernel)
    assert asked == {"weights": "imagenet", "include_top": False, "input_shape": (224, 224, 3)}


def test_imagenet_without_a_network_says_what_to_do(fake_keras):
    def fail(**options):
        raise Exception("URL fetch failure on https://example.org")

    fake_keras.applications.MobileNetV2 = fail
    with pytest.raises(DependencyError, match=r"URL fetch failure.*analytic stem"):
        imagenet()


def test_weights_of_another_shape_are_an_error():
    with pytest.raises(InvariantError, match=r"\(3, 3, 3, 16\)"):
        StemWeights(
            kernel=np.zeros((3, 3, 3, 16), np.float32),
            scale=np.zeros(16, np.float32),
            shift=np.zeros(16, np.float32),
            source="test",
        )
