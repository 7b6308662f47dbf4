"""Learners that see some columns only."""

import numpy as np
import pytest
from test_learners import SMALL, sample

from twin.learners.registry import LEARNERS
from twin.learners.sight import Sight, Sighted, sighted

pytestmark = pytest.mark.slow  # scikit-learn


def fitted(name, x, y, **settings):
    chosen = {**LEARNERS[name].defaults, **SMALL[name], **settings}
    return LEARNERS[name].fit(x, y, seed=0, settings=chosen)


def test_columns_of_features_and_of_the_code():
    assert [sight.columns(6, 10) for sight in Sight] == [(0, 6), (6, 10)]


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
