import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import InvariantError
from twin.evaluate import auc, calibration_error, evaluate

# Called at 0.5: two hits, one miss, one alarm, three passes
P = np.array([0.9, 0.6, 0.3, 0.7, 0.2, 0.1, 0.4])
Y = np.array([True, True, True, False, False, False, False])


def test_hand_counted():
    found = evaluate(P, Y, 0.5)
    assert (found.n, found.malignant) == (7, 3)
    assert found.accuracy == pytest.approx(5 / 7)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.specificity == pytest.approx(3 / 4)
    assert found.precision == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    # Of 12 pairs the malignant one is above in 4 + 3 + 2
    assert found.auc == pytest.approx(9 / 12)
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.49 + 0.49 + 0.04 + 0.01 + 0.16) / 7)


def test_the_threshold_itself_is_malignant():
    assert evaluate(np.array([0.5, 0.4]), np.array([True, False]), 0.5).accuracy == 1


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60))
def test_scikit_learn_agrees(cases):
    from sklearn import metrics

    p = np.array([score / 20 for score, _ in cases])
    y = np.array([truth for _, truth in cases])
    found, called = evaluate(p, y, 0.35), p >= 0.35
    assert found.accuracy == pytest.approx(metrics.accuracy_score(y, called))
    assert found.brier == pytest.approx(metrics.brier_score_loss(y, p, pos_label=True))
    assert (found.sensitivity is None) == (not y.any())
    assert (found.specificity is None) == bool(y.all())
    assert (found.precision is None) == (not called.any())
    if y.any():
        assert found.sensitivity == pytest.approx(metrics.recall_score(y, called))
    if called.any():
        assert found.precision == pytest.approx(metrics.precision_score(y, called))
    if y.any() or called.any():
        assert found.f1 == pytest.approx(metrics.f1_score(y, called))
    if y.any() and not y.all():
        assert found.auc == pytest.approx(metrics.roc_auc_score(y, p))
    else:
        assert found.auc is None


def test_auc_counts_ties_half():
    assert auc(np.array([1.0, 1.0]), np.array([True, False])) == 0.5


def test_calibration_error_weighs_bins_by_their_cases():
    p = np.array([0.05, 0.05, 0.05, 0.95])
    y = np.array([False, False, True, True])
    # First bin: three of four cases, 0.05 against 1/3; last: one of four, 0.95 against 1
    assert calibration_error(p, y) == pytest.approx(0.75 * (1 / 3 - 0.05) + 0.25 * 0.05)


def test_a_calibrated_answer_of_one_belongs_to_the_last_bin():
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0


@pytest.mark.parametrize(("p", "y"), [([], []), ([0.5], [])])
def test_nothing_to_evaluate_is_an_error(p, y):
    with pytest.raises(InvariantError, match="cannot evaluate"):
        evaluate(np.array(p), np.array(y, bool), 0.5)
