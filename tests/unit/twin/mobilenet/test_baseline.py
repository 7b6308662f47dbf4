import numpy as np
import pytest

from twin.mobilenet.architecture import blocks_from
from twin.mobilenet.baseline import Baseline
from twin.mobilenet.fine_tuning import FineTuning
from twin.mobilenet.gradcam import grad_cams
from twin.mobilenet.network import MobileNet, forward
from twin.mobilenet.tuned import TuningSettings
from twin.mobilenet.tuning_step import log_odds_of
from twin.mobilenet.views import VIEWS, view
from twin.mobilenet.weights import random_weights
from twin.tensorflow import import_tensorflow

pytestmark = pytest.mark.slow  # TensorFlow

PICTURES = np.random.default_rng(5).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
WEIGHTS = random_weights(0)


def silent(stage, done, total) -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def tuned():
    """One epoch on noise: what matters is that the arrays differ from the start."""
    x = np.random.default_rng(1).normal(size=(16, 1, 7, 7, 160)).astype(np.float16)
    settings = TuningSettings(
        first_trained="block_16", epochs=1, warm_up=0.0, validation_share=0.25
    )
    labels, groups = np.arange(16) < 8, [str(place) for place in range(16)]
    tuning = FineTuning(import_tensorflow(), x, labels, groups, WEIGHTS, settings, 0)
    list(tuning.epochs())
    return tuning.result()


@pytest.fixture(scope="module")
def baseline(tuned):
    return Baseline(WEIGHTS, tuned)


def test_it_answers_as_the_network_that_was_tuned(baseline, tuned) -> None:
    """Frozen blocks with the weights from the start, then the trained ones and the head."""
    tf = import_tensorflow()
    before = MobileNet(WEIGHTS).looking(["block_15_add"])(PICTURES[0])[0]
    last = forward(tf, tuned.arrays, before[None], blocks_from("block_16"))
    expected = float(log_odds_of(tf, tuned.arrays, last)[0])
    assert baseline.log_odds(PICTURES[0]) == pytest.approx(expected, rel=1e-4, abs=1e-3)


def test_probabilities_are_means_of_log_odds_over_views(baseline) -> None:
    assert len({view(PICTURES[0], number).tobytes() for number in range(VIEWS)}) == VIEWS
    found = baseline.p_malignant(PICTURES.__getitem__, 2, views=2, on_progress=silent)
    for place in range(2):
        both = [baseline.log_odds(view(PICTURES[place], number)) for number in range(2)]
        assert found[place] == pytest.approx(1 / (1 + np.exp(-np.mean(both))))


def test_grad_cam_is_that_of_the_gradient_that_tensorflow_derives(baseline, tuned) -> None:
    tf = import_tensorflow()
    found = grad_cams(baseline, PICTURES.__getitem__, 3, on_progress=silent)
    for place, picture in enumerate(PICTURES):
        last = tf.constant(baseline.last(picture)[None])
        with tf.GradientTape() as tape:
            tape.watch(last)
            log_odds = log_odds_of(tf, tuned.arrays, last)
        gradient = tape.gradient(log_odds, last).numpy()[0].astype(np.float64)
        importance = gradient.mean((0, 1))  # equation 27
        expected = np.maximum((baseline.last(picture) * importance).sum(-1), 0)  # equation 28
        assert found.cells[place] == pytest.approx(expected, rel=1e-3, abs=1e-4)
        assert found.log_odds[place] == pytest.approx(float(log_odds[0]), rel=1e-4, abs=1e-3)
    assert found.cells.max() > 0
    assert found.maps.shape == (3, 224, 224)
    assert found.maps[:, 31::32, 31::32] == pytest.approx(found.cells)  # where cells are centred


def test_a_map_of_the_called_class_speaks_for_benignity_where_that_is_called(baseline) -> None:
    plain = grad_cams(baseline, PICTURES.__getitem__, 3, on_progress=silent)
    called = grad_cams(baseline, PICTURES.__getitem__, 3, of_called=True, on_progress=silent)
    assert plain.explained.all()
    assert called.explained.tolist() == (plain.log_odds >= 0).tolist()
    for place in range(3):
        last = baseline.last(PICTURES[place]).astype(np.float64)
        signed = (last * baseline.kernel).sum(-1) / 49 * (1 if called.explained[place] else -1)
        assert called.cells[place] == pytest.approx(np.maximum(signed, 0), rel=1e-3, abs=1e-4)
