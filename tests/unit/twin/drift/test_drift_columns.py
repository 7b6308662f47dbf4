"""Columns of cases, and the numbers that are made of them."""

import numpy as np
import pytest
from drift_samples import window
from loop_clinic import LEARNERS, arrived, base, reference, verdict

from twin.drift.columns import columns_of, disagreement, log_loss, logit, probability
from twin.drift.mixture import MixtureTest
from twin.errors import InvariantError


def test_columns_keep_the_order_and_know_who_was_missing():
    rows = [(arrived("a", 5.0), verdict("a", 5.0)), (arrived("b", 6.0), verdict("b", 6.0, None))]
    found = columns_of(rows, LEARNERS, 2)
    assert found.at_min.tolist() == [5.0, 6.0]
    assert np.isnan(found.log_odds).tolist() == [[False, False], [True, False]]
    assert len(found.then(found).rows(slice(-3, None))) == 3
    with pytest.raises(InvariantError, match="a sketch of 2 columns, not 8"):
        columns_of(rows, LEARNERS, 8)


def test_probability_is_the_stacks_own():
    one = verdict("a", svm=0.4, knn=None)
    found = probability(base().meta, np.array([[0.4, np.nan]]), np.zeros((1, 2)))
    assert found.tolist() == [one.p_malignant]


def test_disagreement_is_the_spread_of_those_who_are_there():
    found = disagreement(np.array([[1.0, 3.0, np.nan], [2.0, 2.0, 2.0], [1.0, np.nan, np.nan]]))
    assert found[:2].tolist() == [1.0, 0.0]
    assert np.isnan(found[2])


def test_log_loss_and_logit_are_bounded():
    assert log_loss(np.array([0.5, 0.0]), np.array([True, True])) == pytest.approx(
        [np.log(2), -np.log(1e-6)]
    )
    assert logit(np.array([0.5, 1.0])) == pytest.approx([0.0, 13.8155], abs=1e-3)


def test_a_mixture_of_the_training_classes_is_recognised_and_other_images_are_not():
    test = MixtureTest(reference().log_odds, reference().malignant)
    for prevalence in (0.1, 0.5, 0.9):
        columns, _ = window(np.random.default_rng(4), 2000, prevalence)
        fit = test.fit(columns.log_odds)
        assert fit.prevalence == pytest.approx(prevalence, abs=0.05)
        assert fit.p_value > 0.01
    opposite = columns.log_odds * np.array([1.0, -1.0])
    assert test.fit(opposite).p_value < 1e-6


def test_the_mixture_test_holds_its_level():
    test = MixtureTest(reference().log_odds, reference().malignant)
    p_values = [
        test.fit(window(np.random.default_rng([seed, 3]), 200, 0.2)[0].log_odds).p_value
        for seed in range(200)
    ]
    assert np.mean(np.array(p_values) < 0.05) < 0.1
