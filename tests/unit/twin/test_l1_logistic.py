import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.l1_logistic import fit_l1_logistic, log_loss


def scores(rows=400, columns=6, seed=0):
    """Correlated log-odds of learners of different worth, and the truth."""
    stream = np.random.default_rng(seed)
    y = stream.random(rows) < 0.4
    shared = stream.normal(size=rows)
    worth = np.linspace(0.2, 2.0, columns)
    z = np.where(y, 1.0, -1.0)[:, None] * worth + shared[:, None]
    return z + stream.normal(size=(rows, columns)), y


def slopes(z, y, fitted):
    p = 1 / (1 + np.exp(-(fitted.intercept + z @ fitted.weights)))
    return float(np.mean(p - y)), z.T @ (p - y) / len(y)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-4, 1e-3, 1e-2, 0.1]))
def test_the_optimum_is_found(seed, penalty):
    """The subgradient conditions hold: they say that no other point is better."""
    z, y = scores(seed=seed)
    fitted = fit_l1_logistic(z, y, penalty)
    of_intercept, of_weights = slopes(z, y, fitted)
    assert of_intercept == pytest.approx(0, abs=1e-6)
    kept = fitted.weights != 0
    assert of_weights[kept] == pytest.approx(-penalty * np.sign(fitted.weights[kept]), abs=1e-6)
    assert (np.abs(of_weights[~kept]) <= penalty + 1e-6).all()


def test_a_heavy_penalty_leaves_the_prevalence():
    z, y = scores()
    fitted = fit_l1_logistic(z, y, 100.0)
    assert (fitted.weights == 0).all()
    assert 1 / (1 + np.exp(-fitted.intercept)) == pytest.approx(y.mean(), abs=1e-6)


def test_scikit_learn_finds_the_same():
    from sklearn.linear_model import LogisticRegression

    z, y = scores()
    penalty = 0.01
    ours = fit_l1_logistic(z, y, penalty)
    # Its liblinear penalises the intercept unless that is scaled up.
    theirs = LogisticRegression(
        C=1 / (penalty * len(y)),
        l1_ratio=1,
        solver="liblinear",
        intercept_scaling=1e4,
        tol=1e-8,
        max_iter=5000,
    ).fit(z, y)
    assert ours.weights == pytest.approx(theirs.coef_[0], abs=2e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_separable_classes_converge():
    z = np.array([[-8.0], [-7.0], [7.0], [8.0]])
    fitted = fit_l1_logistic(z, np.array([False, False, True, True]), 1e-4)
    assert 0 < fitted.weights[0] < 10


def test_a_column_without_variance_gets_no_weight():
    z, y = scores(columns=2)
    z[:, 0] = 0.0
    assert fit_l1_logistic(z, y, 1e-3).weights[0] == 0


def test_log_loss_of_sure_and_wrong_answers():
    y = np.array([True, False])
    assert log_loss(np.array([800.0, 800.0]), y) == pytest.approx(400)
    assert log_loss(np.array([np.log(3), -np.log(3)]), y) == pytest.approx(np.log(4 / 3))
