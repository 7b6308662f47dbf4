"""Learners that see some columns only, and a machine with two senses."""

import numpy as np
import pytest
from test_learners import SMALL, sample

from twin.learners.registry import LEARNERS
from twin.learners.sight import Sight, Sighted, sighted

pytestmark = pytest.mark.slow  # scikit-learn

SVM = {**LEARNERS["svm"].defaults, **SMALL["svm"], "share": 0.7, "code_dimensions": 3, "width": 6}


def fitted(name, x, y, **settings):
    chosen = {**LEARNERS[name].defaults, **SMALL[name], **settings}
    return LEARNERS[name].fit(x, y, seed=0, settings=chosen)


def test_columns_of_features_code_and_both():
    assert [sight.columns(6, 10) for sight in Sight] == [(0, 6), (6, 10), (0, 10)]


def test_a_sighted_learner_answers_by_its_columns_alone_and_is_read_back():
    x, y = sample(120, 0)
    inner = fitted("knn", np.ascontiguousarray(x[:, 6:]), y)
    learner = Sighted(inner, 6, 10)
    other = x.copy()
    other[:, :6] = 0
    assert np.array_equal(learner.score(other), learner.score(x))
    content = learner.to_bytes()
    again = sighted(LEARNERS["knn"].load(content), content)
    assert np.array_equal(again.score(x), inner.score(x[:, 6:]))


def test_a_learner_without_columns_in_its_file_sees_all():
    x, y = sample(120, 0)
    learner = fitted("knn", x, y)
    assert sighted(learner, learner.to_bytes()) is learner


def test_the_kernel_of_two_senses_is_the_weighted_sum_of_theirs():
    x, y = sample(150, 1)
    machine = LEARNERS["svm"].fit(x, y, seed=0, settings=SVM)
    parts = [sense.kernel(x[0]) for sense in machine.senses]
    for place, (sense, part) in enumerate(zip(machine.senses, parts, strict=True)):
        seen = sense.view.of(x[0, :6] if place == 0 else x[0, 6:])
        far = ((sense.support.points - seen[:, None]) ** 2).sum(0)
        assert part == pytest.approx((0.7, 0.3)[place] * np.exp(-sense.gamma * far), abs=1e-9)
    expected = (parts[0] + parts[1]) @ machine.dual + machine.intercept
    assert machine.decision(x[:1])[0] == pytest.approx(expected, abs=1e-9)
    # of the whole machine's margins, as scikit-learn sees them
    assert np.mean((machine.decision(x) > 0) == y) > 0.9


def test_a_machine_of_two_senses_is_read_back_to_the_bit():
    x, y = sample(150, 1)
    machine = LEARNERS["svm"].fit(x, y, seed=0, settings=SVM)
    again = LEARNERS["svm"].load(machine.to_bytes())
    assert np.array_equal(again.score(x), machine.score(x))
    assert np.array_equal(machine.score(x)[:3], machine.score(x[:3]))  # law 5


def test_both_senses_count():
    x, y = sample(150, 1)
    machine = LEARNERS["svm"].fit(x, y, seed=0, settings=SVM)
    for columns in (slice(0, 6), slice(6, 10)):
        blind = x.copy()
        blind[:, columns] = x[:, columns].mean(0)
        assert np.abs(machine.score(blind) - machine.score(x)).max() > 0.1
