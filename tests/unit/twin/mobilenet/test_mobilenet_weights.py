import sys
from types import SimpleNamespace

import numpy as np
import pytest

from twin.arrays import pack
from twin.errors import ArtefactError, DependencyError, InvariantError
from twin.mobilenet import weights as module
from twin.mobilenet.network import MobileNet
from twin.mobilenet.weights import (
    MobileNetWeights,
    from_network,
    from_npz,
    imagenet,
    random_weights,
)

LOOKED_AT = ["Conv1_relu", "block_1_depthwise_relu", "block_3_project_BN", "block_5_add"]


@pytest.fixture(scope="module")
def arrays():
    return dict(random_weights(0).arrays)


def test_a_file_gives_back_what_was_packed(arrays) -> None:
    found = from_npz(pack({**arrays, "predictions/kernel": np.ones(3)}), "w.npz")
    assert found.source == "w.npz"
    assert found.digest == MobileNetWeights(arrays=arrays, source="another").digest


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Conv_1/bias", None, "Conv_1/bias missing"),
        ("Conv1/kernel", np.ones((3, 3, 3, 16)), "Conv1/kernel has shape"),
        ("block_3_expand/bias", np.full(144, np.nan), "block_3_expand/bias is not finite"),
    ],
)
def test_a_file_of_other_things_is_refused(arrays, name, value, reason) -> None:
    wrong = {key: array for key, array in arrays.items() if key != name}
    if value is not None:
        wrong[name] = value
    with pytest.raises(ArtefactError, match=reason):
        from_npz(pack(wrong), "w.npz")
    with pytest.raises(InvariantError, match=reason):
        MobileNetWeights(arrays=wrong, source="test")


def test_random_weights_are_the_seeds(arrays) -> None:
    assert MobileNetWeights(arrays=arrays, source="x").digest == random_weights(0).digest
    assert random_weights(1).digest != random_weights(0).digest


@pytest.mark.slow
def test_folded_weights_answer_as_keras_with_its_batch_normalisation() -> None:
    """Padding, names, strides and folding: all that could differ from Keras' network."""
    from twin.tensorflow import import_tensorflow

    import_tensorflow()
    import keras

    keras.utils.set_random_seed(1)
    network = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(224, 224, 3)
    )
    stream = np.random.default_rng(2)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.get_weights()[0].size
            gamma, variance = stream.uniform(0.5, 1.5, (2, size))
            beta, mean = stream.normal(0, 0.3, (2, size))
            layer.set_weights([gamma, beta, mean, variance])
    pixels = stream.integers(0, 256, (224, 224, 3), dtype=np.uint8)
    outputs = [network.get_layer(name).output for name in [*LOOKED_AT, "out_relu"]]
    expected = keras.Model(network.input, outputs)(pixels[None] / np.float32(127.5) - 1)
    folded = MobileNet(from_network(network, "test"))
    expected = [np.asarray(output)[0] for output in expected]
    for found, array in zip(
        folded.looking([*LOOKED_AT, "out_relu"])(pixels), expected, strict=True
    ):
        assert found.shape == array.shape
        assert array.std() > 0.01
        assert np.abs(found - array).max() < 1e-3 * max(1.0, np.abs(array).max())


def test_a_failed_download_is_somebody_elses_fault(monkeypatch) -> None:
    def refuse(**kwargs):
        raise Exception("URL fetch failure")

    keras = SimpleNamespace(
        utils=SimpleNamespace(disable_interactive_logging=lambda: None),
        applications=SimpleNamespace(MobileNetV2=refuse),
    )
    monkeypatch.setattr(module, "import_tensorflow", lambda: None)
    monkeypatch.setitem(sys.modules, "keras", keras)
    with pytest.raises(DependencyError, match=r"URL fetch failure\. Give a weights file"):
        imagenet()
