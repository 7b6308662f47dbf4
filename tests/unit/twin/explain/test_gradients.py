"""The whole surrogate, from pixels to log-odds, on a small real model."""

import numpy as np
import pytest
from tiny_model import patients, tiny_model

from twin.errors import InvariantError
from twin.explain.fidelity import LEAST_RANK_CORRELATION, fidelity_of
from twin.explain.gradients import Gradients
from twin.imaging import Imaging
from twin.learners.registry import LEARNERS
from twin.meta import MetaWeights
from twin.model import learner_of, meta_of, sketch_of, stem_of, surrogate_of

pytestmark = pytest.mark.slow  # trains a model

STEP = 1e-7  # so small that hardly any cell overtakes another
STACK = MetaWeights(intercept=0.3, weights={"svm": 0.7, "knn": -0.2, "input.1": 0.4})


def images(count, seed=77):
    imaging = Imaging()
    return np.stack([imaging.pixels(patient.image) for patient in patients(count, seed)])


def unequal(count):
    """Return images whose cells all differ: at equal ones, quantiles have a kink."""
    return images(count) + np.random.default_rng(3).uniform(-0.3, 0.3, (count, 224, 224, 3))


def gradients(dtype="float32"):
    files = tiny_model().files
    return Gradients(stem_of(files), sketch_of(files), surrogate_of(files), dtype)


@pytest.fixture(scope="module")
def exact():
    return gradients("float64")


def test_features_are_those_of_the_stem():
    stem, pixels = stem_of(tiny_model().files), images(3)
    expected = np.stack([stem.features(one) for one in pixels])
    assert gradients().features(pixels) == pytest.approx(expected, abs=2e-3)


def test_activations_are_those_of_the_stem():
    stem, pixels = stem_of(tiny_model().files), images(1)
    found = gradients().of_activation(pixels, STACK).activation
    expected = np.stack([stem.activation(one)[..., :27] for one in pixels])
    assert found == pytest.approx(expected, abs=1e-4)


def test_log_odds_are_the_stacks_weights_on_the_surrogates_answers():
    files, pixels = tiny_model().files, images(4)
    x = np.stack([stem_of(files).features(one) for one in pixels])
    log_odds, sketch = surrogate_of(files).log_odds(x), sketch_of(files).of(x)
    svm, knn = (log_odds[:, list(LEARNERS).index(name)] for name in ("svm", "knn"))
    expected = 0.3 + 0.7 * svm - 0.2 * knn + 0.4 * sketch[:, 1]
    found = gradients()
    assert found.of_activation(pixels, STACK).log_odds == pytest.approx(expected, abs=2e-3)
    assert found.of_pixels(pixels, STACK).log_odds == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_gradients_of_the_activation_are_finite_differences(exact, seed):
    found = exact.of_activation(unequal(1), STACK)
    direction = np.random.default_rng(seed).normal(size=found.activation.shape)
    ahead, behind = (
        exact.score(found.activation + sign * STEP * direction, STACK) for sign in (1, -1)
    )
    slope = float((found.gradient * direction).sum())
    assert slope == pytest.approx((ahead - behind)[0] / (2 * STEP), rel=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_gradients_of_the_pixels_are_finite_differences(exact, seed):
    pixels = unequal(1)
    found = exact.of_pixels(pixels, STACK)
    direction = np.random.default_rng(seed).normal(size=pixels.shape)
    ahead, behind = (
        exact.of_pixels(pixels + sign * STEP * direction, STACK).log_odds for sign in (1, -1)
    )
    slope = float((found.gradient * direction).sum())
    assert slope == pytest.approx((ahead - behind)[0] / (2 * STEP), rel=2e-3)


def test_single_precision_is_enough(exact):
    pixels = images(2)  # with many equal cells, which rounding must not tell apart
    found, expected = gradients().of_pixels(pixels, STACK), exact.of_pixels(pixels, STACK)
    one, other = found.gradient.ravel(), expected.gradient.ravel()
    assert np.corrcoef(one, other)[0, 1] > 0.999


def test_the_surrogate_orders_unseen_images_as_the_stack_does():
    files, pixels = tiny_model().files, images(80, seed=9)
    stack = meta_of(files).weights_for(LEARNERS)
    x = np.stack([stem_of(files).features(one) for one in pixels])
    true = sum(stack.weights[name] * learner_of(files, name).score(x) for name in LEARNERS)
    found = surrogate_of(files).log_odds(x) @ [stack.weights[name] for name in LEARNERS]
    assert fidelity_of(found, true).rank_correlation >= LEAST_RANK_CORRELATION


def test_the_manifest_tells_the_held_out_fidelity():
    told = tiny_model().content["surrogate"]
    files = tiny_model().files
    kept = surrogate_of(files).fidelity(meta_of(files).weights_for(LEARNERS))
    assert told == {
        "rank_correlation": kept.rank_correlation,
        "r2": kept.r2,
        "images": kept.images,
    }
    assert 0.8 < kept.rank_correlation < 1
    assert 60 <= kept.images <= 70  # a third of 200


def test_other_pixels_are_an_error():
    with pytest.raises(InvariantError, match="given pixels"):
        gradients().of_pixels(np.zeros((1, 112, 112, 3), np.uint8), STACK)
