"""Performance without labels on Gaussian scores: its interval, and when it says nothing."""

from functools import cache

import numpy as np
import pytest
from drift_samples import window
from loop_clinic import base, reference

from twin.drift.columns import probability
from twin.drift.label_free import METRICS, LabelFree

WINDOWS = 40


@cache
def estimator():
    return LabelFree(reference(), base(), np.ones(2, np.bool_))


def truth(columns, malignant):
    flagged = probability(base().meta, columns.log_odds, columns.sketch) >= base().threshold
    sensitivity, specificity = flagged[malignant].mean(), (~flagged[~malignant]).mean()
    return {
        "accuracy": (flagged == malignant).mean(),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "prevalence": malignant.mean(),
    }


@cache
def judged(prevalence, moved=0.0, cases=200):
    """By metric: whether each window's interval holds the truth; None where it is not valid."""
    found = {name: [] for name in METRICS}
    for seed in range(WINDOWS):
        columns, malignant = window(np.random.default_rng([seed, 1]), cases, prevalence, moved)
        true = truth(columns, malignant)
        for one in estimator().estimate(columns, seed, 0.95):
            held = one.low is not None and one.low <= true[one.metric] <= one.high
            found[one.metric].append(held if one.valid else None)
    return found


@pytest.mark.parametrize("prevalence", [0.1, 0.4, 0.7])
@pytest.mark.parametrize("metric", METRICS)
def test_intervals_hold_the_truth_whatever_the_prevalence(metric, prevalence):
    held = [one for one in judged(prevalence)[metric] if one is not None]
    assert len(held) >= 0.9 * WINDOWS  # trusted where it can be
    # At 95 % confidence; forty windows and one reference leave the others some chance.
    assert np.mean(held) >= (0.9 if metric == "accuracy" else 0.85)


@pytest.mark.parametrize("moved", [0.8, -0.8])
def test_other_images_are_seen_not_to_be_valid(moved):
    held = judged(0.4, moved)["accuracy"]
    assert sum(one is None for one in held) >= 0.9 * WINDOWS


def test_a_small_shift_is_refused_or_the_interval_holds():
    held = judged(0.4, 0.15)["accuracy"]
    assert np.mean([one is not False for one in held]) >= 0.9


def test_the_reason_is_in_plain_words():
    columns, _ = window(np.random.default_rng(3), moved=2.0)
    one = estimator().estimate(columns, 1, 0.95)[0]
    assert (one.valid, one.metric) == (False, "accuracy")
    assert one.reason.startswith("the images changed in a way that prevalence alone does not")
    columns, _ = window(np.random.default_rng(3))
    one = estimator().estimate(columns, 1, 0.95)[0]
    assert one.reason.startswith("assumes that each class looks as in training")


def test_few_cases_say_nothing():
    columns, _ = window(np.random.default_rng(0), cases=49)
    found = estimator().estimate(columns, 1, 0.95)
    assert {one.metric for one in found} == set(METRICS)
    assert all((one.value, one.valid) == (None, False) for one in found)
    assert "49 cases" in found[0].reason


def test_without_malignant_cases_sensitivity_says_nothing():
    columns, _ = window(np.random.default_rng(5), prevalence=0.0)
    found = {one.metric: one for one in estimator().estimate(columns, 1, 0.95)}
    for name in ("sensitivity", "balanced_accuracy"):
        assert found[name].valid is False
        assert "hardly any malignant case" in found[name].reason
    assert found["specificity"].valid


def test_the_same_window_and_seed_give_the_same_bits():
    columns, _ = window(np.random.default_rng(1))
    fresh = LabelFree(reference(), base(), np.ones(2, np.bool_))
    assert fresh.estimate(columns, 4, 0.95) == estimator().estimate(columns, 4, 0.95)


def test_a_missing_learner_is_answered_for_by_the_stack_without_it():
    without = LabelFree(reference(), base(), np.array([False, True]))
    held = []
    for seed in range(12):
        columns, malignant = window(np.random.default_rng([seed, 2]))
        columns.log_odds[:, 0] = np.nan
        one = without.estimate(columns, seed, 0.95)[0]
        held.append(one.valid and one.low <= truth(columns, malignant)["accuracy"] <= one.high)
    assert sum(held) >= 10


def test_more_confidence_is_a_wider_interval():
    columns, _ = window(np.random.default_rng(1))
    narrow, wide = (estimator().estimate(columns, 1, level)[0] for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high
