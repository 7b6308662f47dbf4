"""What labels stand for, under verification that depends on the readers."""

import numpy as np
import pytest
from loop_clinic import DAY, base, month

from twin.errors import InvariantError
from twin.restacking.decision import reweighted
from twin.restacking.ledger import Ledger, evidence_of
from twin.restacking.weighting import (
    effective_size,
    estimated_weights,
    known_weights,
    strata_of,
    tertiles,
)


def prevalence(seed, weighting, **kwargs):
    ledger = Ledger()
    for event in month(seed=seed, count=800, prevalence=0.1, discharged=0.1, **kwargs):
        ledger.note(event)
    cases = ledger.cases(0, 30 * DAY)
    found = reweighted(evidence_of(cases, base().meta.learners), cases, weighting)
    return float(np.average(found.malignant, weights=found.weight))


@pytest.mark.parametrize(("weighting", "biased"), [("known", 0), ("estimated", 0), ("none", 1)])
def test_weights_undo_verification_bias(weighting, biased):
    """The share of the malignant, mean over seeds: an interval of four standard errors."""
    shares = np.array([prevalence(seed, weighting) for seed in range(12)])
    off = (shares.mean() - 0.1) / (shares.std(ddof=1) / np.sqrt(len(shares)))
    assert (abs(off) > 4) == bool(biased)


def test_labels_that_come_after_months_do_not_bias_the_weights():
    """A probability that counts them would make the discharged too few."""
    shares = np.array([prevalence(seed, "known", follow_up=0.6) for seed in range(12)])
    off = (shares.mean() - 0.1) / (shares.std(ddof=1) / np.sqrt(len(shares)))
    assert abs(off) < 4


def test_labels_stand_for_as_many_as_there_were():
    weight = known_weights(np.array([1.0, 1.0, 0.5]), np.array([True, True, False]), closed=(6, 4))
    assert weight.tolist() == [2.0, 2.0, 6.0]


@pytest.mark.parametrize("p", [0.0, -0.1, 1.5])
def test_no_probability_is_an_error(p):
    with pytest.raises(InvariantError):
        known_weights(np.array([p]), np.array([True]), (1, 1))


def test_a_stratum_without_labels_is_joined_with_its_neighbour():
    of_labels = np.r_[np.zeros(10, int), np.full(10, 2)]
    of_closed = np.r_[np.zeros(20, int), np.full(30, 1), np.full(10, 2)]
    weight = estimated_weights(of_labels, of_closed)
    assert weight.sum() == pytest.approx(60)  # everybody is stood for
    assert weight[0] == 2.0


def test_strata_are_thirds_of_the_score_within_a_decision():
    score = np.arange(9.0)
    found = strata_of(np.arange(9) % 2 == 0, score, tertiles(score))
    assert found.tolist() == [3, 0, 3, 1, 4, 1, 5, 2, 5]


def test_large_weights_make_labels_few():
    assert effective_size(np.ones(10)) == pytest.approx(10)
    assert effective_size(np.r_[np.ones(9), 100.0]) < 1.2
