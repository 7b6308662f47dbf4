import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import ArtefactError, DependencyError, InvariantError
from twin.l1_logistic import fit_l1_logistic, log_loss
from twin.meta import (
    PENALTIES,
    MetaWeights,
    choose_penalty,
    fit_meta,
    held_out,
    load_meta,
    penalty_path,
)

NAMES = ("catboost", "svm", "knn")


def scores(rows=300, seed=0):
    stream = np.random.default_rng(seed)
    y = stream.random(rows) < 0.4
    z = np.where(y, 1.0, -1.0)[:, None] * [2.0, 1.5, 0.3] + stream.normal(size=(rows, 3))
    return z, y


def folds(rows=300, count=5):
    fold = np.arange(rows) % count
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(count)]


def stack(penalty=1e-3):
    z, y = scores()
    return fit_meta(z, y, NAMES, penalty)


def columns(z):
    return {name: z[:, place] for place, name in enumerate(NAMES)}


def test_every_set_of_learners_has_its_stack():
    assert len(stack().stacks) == 2**3 - 1
    for there, weights in stack().stacks.items():
        assert tuple(weights.weights) == there


def test_a_stack_without_a_learner_is_fitted_without_it():
    z, y = scores()
    fitted = fit_l1_logistic(z[:, [0, 2]], y, 1e-3)
    weights = stack().weights_for(["knn", "catboost"])
    assert weights.intercept == fitted.intercept
    assert list(weights.weights.values()) == fitted.weights.tolist()
    assert weights.weights["catboost"] != stack().weights_for(NAMES).weights["catboost"]


def test_probability_is_the_sigmoid_of_the_weighted_sum():
    weights = MetaWeights(intercept=0.5, weights={"svm": 2.0, "knn": -1.0})
    assert weights.p_malignant({"knn": 3.0, "svm": 1.5}) == round(1 / (1 + math.exp(-0.5)), 6)


def test_answers_are_sure_when_all_learners_are():
    p = stack().probability({name: np.array([8.0, -8.0]) for name in NAMES})
    assert p[0] > 0.99
    assert p[1] < 0.01


def test_learners_that_are_absent_or_silent_are_the_same():
    z, _ = scores(10, 3)
    silent = columns(z.copy())
    silent["svm"] = np.full(10, np.nan)
    absent = {name: column for name, column in columns(z).items() if name != "svm"}
    assert np.array_equal(stack().probability(silent), stack().probability(absent))
    assert not np.array_equal(stack().probability(columns(z)), stack().probability(absent))


def test_a_learner_may_be_silent_for_some_cases_only():
    z, _ = scores(4, 3)
    z[1, 1] = np.nan
    found = stack().probability(columns(z))
    without = stack().probability({"catboost": z[:, 0], "knn": z[:, 2]})
    whole = stack().probability(columns(z[[0, 2, 3]]))
    assert found[1] == without[1]
    assert found[[0, 2, 3]].tolist() == whole.tolist()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)), st.integers(0, 12))
def test_a_batch_does_not_change_a_bit(order, cut):
    z, _ = scores(12, 4)
    together = stack().probability(columns(z))
    first, last = z[list(order[:cut])], z[list(order[cut:])]
    mixed = np.concatenate([stack().probability(columns(part)) for part in (first, last)])
    assert mixed.tobytes() == together[list(order)].tobytes()


def test_the_order_in_which_learners_answered_does_not_matter():
    z, _ = scores(12, 5)
    answered = columns(z)
    other = {name: answered[name] for name in reversed(NAMES)}
    assert np.array_equal(stack().probability(other), stack().probability(answered))


def test_no_case_no_answer():
    assert stack().probability({name: np.empty(0) for name in NAMES}).shape == (0,)


@pytest.mark.parametrize("asked", [{}, {"svm": np.array([1.0, np.nan])}])
def test_no_score_at_all_is_a_dependencys_fault(asked):
    with pytest.raises(DependencyError, match="no base learner"):
        stack().probability(asked)


def test_unknown_learners_are_an_error():
    with pytest.raises(InvariantError, match="oracle"):
        stack().weights_for(["svm", "oracle"])


def test_columns_of_different_lengths_are_an_error():
    with pytest.raises(InvariantError, match="different numbers"):
        stack().probability({"svm": np.zeros(2), "knn": np.zeros(3)})


def test_a_great_penalty_drops_the_weakest_learner_first():
    weights = stack(penalty=0.1).weights_for(NAMES).weights
    assert weights["knn"] == 0
    assert weights["catboost"] > weights["svm"] > 0


def test_the_penalty_has_the_least_held_out_loss():
    z, y = scores()
    losses = [log_loss(held_out(z, y, folds(), penalty), y) for penalty in PENALTIES]
    assert choose_penalty(penalty_path(z, y, folds())) == PENALTIES[int(np.argmin(losses))]


def test_weights_shrink_along_the_path_until_hardly_a_learner_is_left():
    z, y = scores()
    path = penalty_path(z, y, folds())
    sizes = [sum(map(abs, point.weights)) for point in path]
    assert [point.penalty for point in path] == list(PENALTIES)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 2


def test_of_equal_penalties_the_greater_is_chosen():
    _, y = scores()
    path = penalty_path(np.zeros((300, 3)), y, folds())
    assert choose_penalty(path) == PENALTIES[-1]


def test_held_out_answers_do_not_see_their_own_fold():
    z, y = scores()
    before = held_out(z, y, folds(), 1e-3)
    flipped = y.copy()
    own = folds()[0][1]
    flipped[own] = ~flipped[own]
    after = held_out(z, flipped, folds(), 1e-3)
    assert np.array_equal(before[own], after[own])
    assert not np.array_equal(before, after)


def test_bytes_bring_the_same_stacks_back():
    back = load_meta(stack().to_bytes())
    assert back == stack()
    assert back.to_bytes() == stack().to_bytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"learners":["svm"],"penalty":1,"stacks":{"svm":[0,[1,2]]}}', b"\xff"],
)
def test_other_bytes_are_refused(content):
    with pytest.raises(ArtefactError, match=r"meta\.json: not a meta-learner"):
        load_meta(content)


def test_the_file_is_plain_json():
    data = json.loads(stack().to_bytes())
    assert data["stacks"]["catboost+svm+knn"][1] == list(
        stack().weights_for(NAMES).weights.values()
    )
