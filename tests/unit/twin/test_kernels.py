import numpy as np
import pytest

from twin.kernels import fit_view, relevance, samples


def cloud(rows=60, columns=6, seed=0):
    stream = np.random.default_rng(seed)
    mixed = stream.normal(size=(rows, columns)) @ stream.normal(size=(columns, columns))
    return (mixed * 5 + 2).astype(np.float32)


def test_distances_are_euclidean():
    points, place = cloud().astype(np.float64), np.arange(6.0)
    wanted = ((points - place) ** 2).sum(axis=1)
    assert samples(points).square_distances(place) == pytest.approx(wanted, rel=1e-9)


def test_a_sample_is_at_no_distance_from_itself_and_never_below():
    known = samples(cloud(500, 6).astype(np.float64) * 1e3)
    for row in range(0, 500, 50):
        distances = known.square_distances(known.points[:, row].copy())
        assert distances.min() >= 0
        assert distances[row] == pytest.approx(0, abs=1e-2)


def test_a_view_without_axes_standardises():
    x = cloud()
    view = fit_view(x, 0)
    seen = view.of_all(x)
    assert seen.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-6)
    assert seen.std(axis=0) == pytest.approx(np.ones(6), abs=1e-6)


def test_axes_are_orthonormal_uncorrelated_and_in_order_of_variance():
    x = cloud()
    view = fit_view(x, 4)
    seen = view.of_all(x)
    assert seen.shape == (60, 4)
    assert view.axes.T @ view.axes == pytest.approx(np.eye(4), abs=1e-9)
    covariance = seen.T @ seen / 60
    assert covariance == pytest.approx(np.diag(np.diagonal(covariance)), abs=1e-6)
    assert (np.diff(np.diagonal(covariance)) <= 0).all()


def test_all_axes_keep_all_distances():
    x = cloud()
    plain, turned = fit_view(x, 0).of_all(x), fit_view(x, 6).of_all(x)
    assert samples(turned).square_distances(turned[0]) == pytest.approx(
        samples(plain).square_distances(plain[0]), abs=1e-6
    )


def test_axes_have_one_sign():
    axes = fit_view(cloud(), 5).axes
    assert (axes[np.abs(axes).argmax(axis=0), np.arange(5)] > 0).all()


def test_a_constant_feature_counts_nothing():
    x = cloud()
    x[:, 3] = 7
    seen = fit_view(x, 0).of_all(x)
    assert np.isfinite(seen).all()
    assert (seen[:, 3] == 0).all()


def test_relevance_is_a_tenth_plus_the_correlation_with_the_class():
    x = cloud()
    y = x[:, 2] + np.random.default_rng(1).normal(size=60) > 2
    wanted = [0.1 + abs(np.corrcoef(column, y)[0, 1]) for column in x.T]
    assert relevance(x, y) == pytest.approx(wanted, abs=1e-6)


def test_a_constant_feature_is_of_least_relevance():
    x = cloud()
    x[:, 3] = 7
    assert relevance(x, x[:, 0] > 2)[3] == pytest.approx(0.1)


def test_weights_stretch_standardised_features():
    x = cloud()
    weights = np.array([1.0, 2.0, 0.5, 1.0, 1.0, 1.0])
    plain, weighed = fit_view(x, 0).of_all(x), fit_view(x, 0, weights).of_all(x)
    assert weighed == pytest.approx(plain * weights)


def test_principal_axes_are_those_of_weighed_features():
    x = cloud()
    weights = np.array([100.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert abs(fit_view(x, 1, weights).axes[0, 0]) > 0.99
