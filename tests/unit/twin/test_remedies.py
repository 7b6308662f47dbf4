"""The smallest remedy that is enough."""

from functools import cache

import numpy as np
import pytest
from loop_clinic import DAY, LEARNERS, base, month, reference

from twin.restacking.answers import log_odds_of
from twin.restacking.ledger import Ledger
from twin.restacking.operating_point import logit
from twin.restacking.recalibrate import Line, fit_line, fit_shift
from twin.restacking.refit import Refit
from twin.restacking.remedies import propose
from twin.restacking.restack import Choice, Recipe
from twin.restacking.rows import FOLDS, Rows, folds_of, reference_rows, with_reference
from twin.stacks import StackVersion

EVERY = ("threshold", "recalibrate", "restack")


@cache
def evidence(**kwargs):
    ledger = Ledger()
    for event in month(**{"count": 900, "discharged": 0.5, **kwargs}):
        ledger.note(event)
    found = ledger.evidence(0, 30 * DAY, LEARNERS)
    return found.rows(~found.held_out)


def proposal(champion=None, allowed=EVERY, **kwargs):
    return propose(evidence(**kwargs), champion or base(), reference(), base(), allowed)


def moved(intercept=0.0, slope=1.0, threshold=0.5):
    """The stack that the model came with, badly calibrated."""
    return StackVersion(
        number=1, meta=Line(intercept, slope).moved(base().meta), threshold=threshold
    )


def test_where_nothing_happened_nothing_is_done():
    kept = sum(not proposal(seed=seed).how for seed in range(6))
    assert kept >= 5  # one standard error alone is no proof; the gate comes after
    found = proposal(seed=0)
    assert (found.meta, found.threshold) == (base().meta, 0.5)


@pytest.mark.parametrize("prevalence", [0.1, 0.7])
def test_another_prevalence_is_recalibrated_and_decisions_stay(prevalence):
    found = proposal(prevalence=prevalence)
    assert (found.how, found.facts["slope"]) == ("recalibrate", 1.0)
    labels = evidence(prevalence=prevalence)
    before = log_odds_of(base().meta, labels) >= 0
    after = log_odds_of(found.meta, labels) >= logit(found.threshold)
    assert np.mean(before != after) < 0.02
    p = 1 / (1 + np.exp(-log_odds_of(found.meta, labels)))
    assert np.average(p, weights=labels.weight) == pytest.approx(prevalence, abs=0.05)


def test_scores_that_are_too_sure_get_a_slope():
    found = proposal(moved(slope=3.0), ("threshold", "recalibrate"))
    assert found.how == "recalibrate"
    assert found.facts["slope"] == pytest.approx(1 / 3, abs=0.08)


def test_all_sets_of_learners_are_recalibrated_alike():
    champion = moved(slope=3.0)
    found = proposal(champion, ("recalibrate",))
    for there, one in found.finished().stacks.items():
        for name, weight in one.weights.items():
            old = champion.meta.stacks[there].weights[name]
            assert weight == pytest.approx(found.facts["slope"] * old, abs=2e-6)


def test_a_blind_learner_is_stacked_anew():
    found = proposal(blind=True)
    weights = found.meta.weights_for(LEARNERS).weights
    assert found.how == "restack"
    assert abs(weights["svm"]) < 0.2 < weights["knn"]
    assert found.facts["reference_weight"] <= 0.1
    assert set(found.finished().stacks) == {("svm", "knn"), ("svm",), ("knn",)}


def test_what_was_judged_is_what_is_promoted():
    found = proposal(blind=True)
    assert found.finished().weights_for(LEARNERS) == found.meta.weights_for(LEARNERS)


def test_a_wrong_cut_alone_needs_a_threshold_alone():
    found = proposal(StackVersion(number=1, meta=base().meta, threshold=0.95))
    assert found.how == "threshold"
    assert found.meta == base().meta
    assert found.threshold == pytest.approx(0.5, abs=0.15)


def test_only_what_is_allowed_is_done():
    assert proposal(allowed=("threshold",), blind=True).how in ("", "threshold")
    assert proposal(allowed=("recalibrate",), blind=True).how == "recalibrate"
    assert proposal(allowed=("restack",), blind=True).how == "restack"


def choice(columns):
    return Choice(Recipe(0.01, 0.003, columns), Line(0.2, 1.1), np.empty(0))


def test_a_stack_without_a_learner_is_about_the_fit_without_it():
    labels = evidence(blind=True)
    rows = Rows(
        np.concatenate([labels.log_odds, labels.sketch], axis=1), labels.malignant, labels.weight
    )
    every = reference_rows(reference())
    found = Refit(rows, every, choice(2), LEARNERS).all_masks()
    alone = Rows(rows.z[:, [1]], rows.y, rows.weight)
    there = Rows(every.z[:, [1]], every.y, every.weight)
    exact = Refit(alone, there, choice(1), ("knn",)).full.weights_for(["knn"])
    ours = found.weights_for(["knn"])
    assert ours.weights["knn"] == pytest.approx(exact.weights["knn"], abs=5e-3)
    assert ours.intercept == pytest.approx(exact.intercept, abs=5e-3)


def test_training_rows_have_the_windows_prevalence():
    window = Rows(np.zeros((10, 1)), np.arange(10) < 1, np.ones(10))
    training = Rows(np.zeros((10, 1)), np.arange(10) < 5, np.ones(10))
    assert with_reference(window, training, 0.3).prevalence == pytest.approx(0.1)
    assert len(with_reference(window, training, 0.0)) == 10


def test_a_picture_is_in_one_fold_and_every_fold_has_both_classes():
    image = np.repeat(np.arange(40), 3)
    ill = image % 4 == 0
    fold = folds_of(image, ill)
    assert all(len(set(fold[image == one])) == 1 for one in range(40))
    assert all(ill[fold == one].any() and not ill[fold == one].all() for one in range(FOLDS))


def test_lines_meet_the_labels():
    labels = evidence()
    score = log_odds_of(base().meta, labels) * 2 + 1
    rows = Rows(score[:, None], labels.malignant, labels.weight)
    for line in (fit_shift(rows), fit_line(rows)):
        p = 1 / (1 + np.exp(-line.of(score)))
        assert np.average(p, weights=rows.weight) == pytest.approx(rows.prevalence, abs=1e-4)
        assert line.of(np.array([line.back(0.7)]))[0] == pytest.approx(0.7)


def test_scores_upside_down_are_not_turned_round():
    labels = evidence()
    rows = Rows(-log_odds_of(base().meta, labels)[:, None], labels.malignant, labels.weight)
    assert fit_line(rows).slope == 1.0
