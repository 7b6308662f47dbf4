import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.l1_logistic import fit_l1_logistic
from twin.l1_weighted import WeightedL1


def rows(seed, count=300, columns=7):
    """Columns that are nearly alike, as learners' scores are, and the truth."""
    stream = np.random.default_rng(seed)
    y = stream.random(count) < 0.3
    shared = np.where(y, 1.0, -1.0) + stream.normal(size=count)
    return shared[:, None] + stream.normal(size=(count, columns)) * 0.4, y


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-3, 1e-2, 0.1]))
def test_a_weight_counts_like_as_many_rows(seed, penalty):
    z, y = rows(seed)
    weight = np.random.default_rng(seed).integers(1, 4, len(y))
    ours = WeightedL1(z, y, weight.astype(np.float64)).fit(penalty, flat=1e-14)
    many = np.repeat(np.arange(len(y)), weight)
    plain = fit_l1_logistic(z[many], y[many], penalty)
    assert ours.weights == pytest.approx(plain.weights, abs=2e-5)
    assert ours.intercept == pytest.approx(plain.intercept, abs=2e-5)


def test_where_it_begins_changes_nothing():
    z, y = rows(1)
    fit = WeightedL1(z, y, np.ones(len(y)))
    near = fit.fit(0.02)
    again = fit.fit(0.01, start=near)
    assert again.weights == pytest.approx(fit.fit(0.01).weights, abs=1e-4)


def test_a_start_without_columns_is_near_the_minimum():
    z, y = rows(2)
    fit = WeightedL1(z, y, np.ones(len(y)))
    (start,) = fit.starts(fit.fit(0.003), [[0, 3, 5]], 0.003)
    exact = fit_l1_logistic(z[:, [0, 3, 5]], y, 0.003)
    assert start.weights == pytest.approx(exact.weights, abs=0.1)


@pytest.mark.parametrize("labels", ["separable", "poisoned", "one malignant"])
def test_hard_labels_have_a_fit_too(labels):
    z, y = rows(3, 60)
    if labels == "separable":
        z = np.where(y, 1.0, -1.0)[:, None] * np.abs(z)
    elif labels == "poisoned":
        y = ~y
    else:
        y = np.arange(60) == 7
    weight = np.where(np.arange(60) % 9, 1.0, 40.0)
    found = WeightedL1(z, y, weight).fit(1e-4)
    assert np.isfinite(found.weights).all()
