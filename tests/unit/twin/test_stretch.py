"""The window begins where what cases look like last changed, and not where nothing did."""

import numpy as np
import pytest
from loop_clinic import LEARNERS, arrived, verdict

from twin.restacking.ledger import Ledger
from twin.restacking.optimism import optimism
from twin.restacking.stretch import last_change, unchanged_since
from twin.stacks import StackVersion


def columns(*parts, width=6, seed=0):
    """Normal columns; each part is a number of rows and where the first column's mean is."""
    stream = np.random.default_rng(seed)
    found = [stream.normal(size=(count, width)) for count, _ in parts]
    for rows, (_, mean) in zip(found, parts, strict=True):
        rows[:, 0] += mean
    return np.concatenate(found)


def test_where_nothing_changed_nothing_is_found():
    assert [last_change(columns((1000, 0.0), seed=seed)) for seed in range(100)] == [0] * 100


def test_a_change_is_found_where_it_is():
    for seed in range(20):
        assert last_change(columns((700, 0.0), (300, 1.0), seed=seed)) == pytest.approx(700, abs=25)


def test_a_change_that_hardly_matters_is_left():
    assert last_change(columns((20_000, 0.0), (20_000, 0.3))) == 0


def test_a_few_cases_are_no_change():
    assert last_change(columns((200, 0.0), (4, 5.0))) == 0
    assert last_change(columns((59, 0.0))) == 0


def test_columns_that_never_move_are_no_trouble():
    assert last_change(np.zeros((500, 3))) == 0


def cases(*parts, missing=False, seed=0):
    stream = np.random.default_rng(seed)
    ledger, minute = Ledger(), 0.0
    for count, mean in parts:
        for _ in range(count):
            name = f"c{minute:06.0f}"
            svm, knn = (stream.normal(size=2) + mean).tolist()
            out = missing and minute >= 300
            ledger.note(arrived(name, minute))
            ledger.note(verdict(name, minute, svm=None if out else svm, knn=knn))
            minute += 1.0
    return ledger.cases(0.0, minute)


def test_the_last_of_two_changes_counts():
    assert unchanged_since(cases((300, 0.0), (300, 2.0), (200, -1.0)), LEARNERS) == pytest.approx(
        600, abs=10
    )


def test_a_learner_that_goes_out_is_no_change():
    assert unchanged_since(cases((600, 1.0), missing=True), LEARNERS) == 0.0
    assert unchanged_since([], LEARNERS) == 0.0


def test_a_stack_looks_too_good_on_what_it_was_fitted_to_by_its_weights_over_the_pictures():
    from loop_clinic import base

    from twin.restacking.recalibrate import Line

    other = StackVersion(number=1, meta=Line(0.5, 1.0).moved(base().meta), threshold=0.5)
    used = sum(one != 0 for one in base().meta.weights_for(LEARNERS).weights.values())
    assert optimism(other, base(), 100.0) == pytest.approx((1 + used) / 100)
    assert optimism(base(), base(), 100.0) == 0.0
    again = StackVersion(number=2, meta=base().meta, threshold=0.5)  # after a rollback
    assert optimism(again, base(), 100.0) == 0.0
