import numpy as np
import pytest

from twin.restacking.calibration_curve import calibration_of


def sigmoid(log_odds):
    return 1 / (1 + np.exp(-log_odds))


def error(p, y, weight=None):
    weight = np.ones(len(y)) if weight is None else weight
    return calibration_of(p, y, weight, np.arange(len(y)))


@pytest.fixture(scope="module")
def cases():
    stream = np.random.default_rng(1)
    log_odds = stream.normal(scale=2, size=3000)
    return log_odds, stream.random(3000) < sigmoid(log_odds)


def test_right_probabilities_have_next_to_no_error(cases):
    log_odds, y = cases
    assert error(sigmoid(log_odds), y).value < 0.015


@pytest.mark.parametrize(("slope", "move"), [(2.0, 0.0), (0.5, 0.0), (1.0, 1.0)])
def test_wrong_ones_have_the_mean_difference(cases, slope, move):
    log_odds, y = cases
    said = sigmoid(slope * log_odds + move)
    expected = np.mean(np.abs(said - sigmoid(log_odds)))
    assert error(said, y).value == pytest.approx(expected, abs=0.015)


def test_the_influence_is_what_one_case_more_changes(cases):
    log_odds, y = cases
    said, y = sigmoid(2 * log_odds[:400]), y[:400]
    found = error(said, y)
    for case in (0, 7, 50):
        weight = np.ones(400)
        weight[case] += 0.01
        moved = error(said, y, weight).value - found.value
        assert moved / 0.01 == pytest.approx(found.influence[case], abs=3e-4)
    assert abs(found.influence.sum()) < 0.05


def test_chance_is_doubted_where_there_is_no_error_and_not_where_there_is(cases):
    log_odds, y = cases
    right, wrong = error(sigmoid(log_odds), y), error(sigmoid(log_odds + 2), y)
    assert right.doubt > 10 * wrong.doubt


def test_one_label_alone_has_a_curve():
    assert 0 <= error(np.array([1.0]), np.array([True])).value < 1e-3


def test_labels_that_scores_part_perfectly_have_a_curve():
    p = np.r_[np.full(20, 0.4), np.full(20, 0.6)]
    assert np.isfinite(error(p, p > 0.5).value)
