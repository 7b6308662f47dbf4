import numpy as np
import pytest

from twin.explain.tensor_features import TENSOR_FEATURES
from twin.features import FEATURES, CellMaps
from twin.tensorflow import import_tensorflow

pytestmark = pytest.mark.slow  # TensorFlow


def cells(seed):
    """Return means and squares of three images, shape (3, 28, 28, 27) each."""
    draws = np.random.default_rng(seed)
    active = draws.normal(size=(3, 28, 28, 16, 27)) + draws.normal(size=(3, 28, 28, 1, 27))
    return active.mean(3).astype(np.float32), (active**2).mean(3).astype(np.float32)


@pytest.mark.parametrize("name", FEATURES)
def test_every_set_has_its_double(name):
    mean, square = cells(0)
    tf = import_tensorflow()
    found = TENSOR_FEATURES[name](tf.constant(mean), tf.constant(square)).numpy()
    for row, one_mean, one_square in zip(found, mean, square, strict=True):
        expected = FEATURES[name].compute(CellMaps(mean=one_mean, square=one_square))
        assert row == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", FEATURES)
def test_a_blank_image_has_finite_gradients(name):
    tf = import_tensorflow()
    blank = tf.zeros((1, 28, 28, 27))
    with tf.GradientTape() as tape:
        tape.watch(blank)
        total = tf.reduce_sum(TENSOR_FEATURES[name](blank, blank * blank))
    assert np.isfinite(tape.gradient(total, blank).numpy()).all()


def test_a_quantile_answers_for_the_cell_that_it_is():
    tf = import_tensorflow()
    mean, square = (tf.constant(part[:1]) for part in cells(1))
    with tf.GradientTape() as tape:
        tape.watch(mean)
        # The first figure: of the first filter, the lowest quantile in the middle zone.
        lowest = TENSOR_FEATURES["zone-quantiles"](mean, square)[0, 0]
    slopes = tape.gradient(lowest, mean).numpy()
    (place,) = np.argwhere(slopes)
    assert slopes[tuple(place)] == 1
    assert mean.numpy()[tuple(place)] == lowest.numpy()


def test_equal_cells_share_what_the_quantile_answers_for():
    tf = import_tensorflow()
    mean, square = (part[:1].copy() for part in cells(2))
    rows, columns = np.divmod(np.argsort(mean[0, ..., 4].ravel()), 28)
    mean[0, rows[:200], columns[:200], 4] = mean[0, rows[0], columns[0], 4]  # a dark corner
    known = tf.constant(mean)
    with tf.GradientTape() as tape:
        tape.watch(known)
        lowest = TENSOR_FEATURES["zone-quantiles"](known, tf.constant(square))[0, 4 * 14]
    slopes = tape.gradient(lowest, known).numpy()
    assert slopes.sum() == pytest.approx(1)
    assert np.count_nonzero(slopes) > 30
    assert len(np.unique(slopes)) == 2  # nothing, or an equal share
