import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.ensembles import Trees, _rounded_down, from_arrays, from_nodes


def stump_and_leaf():
    """One tree that asks x[1] > 2, and one that is a leaf only."""
    return Trees(
        feature=np.array([1, 0, 0, 0], np.int32),
        threshold=np.array([2, np.inf, np.inf, np.inf], np.float32),
        left=np.array([1, 1, 2, 3], np.int32),
        value=np.array([0, 10, 20, 0.5]),
        roots=np.array([0, 3], np.int32),
        depth=1,
    )


def test_rows_walk_to_their_leaves():
    x = np.array([[9, 1], [9, 2], [9, 2.5]], np.float32)
    assert stump_and_leaf().sum(x).tolist() == [10.5, 10.5, 20.5]


def test_no_rows_no_sums():
    assert stump_and_leaf().sum(np.empty((0, 2), np.float32)).shape == (0,)
    assert stump_and_leaf().sum_in_turn(np.empty((0, 2), np.float32), 1.0).shape == (0,)


def test_in_turn_each_addition_rounds_to_single_precision():
    x = np.array([[9, 1]], np.float32)
    # Beyond 2 ** 27, single precision counts in steps of 16: 10 becomes 16, and 0.5 nothing.
    assert stump_and_leaf().sum_in_turn(x, 2.0**27).tolist() == [2.0**27 + 16]


def test_arrays_hold_everything():
    x = np.random.default_rng(0).uniform(0, 4, (40, 2)).astype(np.float32)
    back = from_arrays(stump_and_leaf().to_arrays())
    assert np.array_equal(back.sum(x), stump_and_leaf().sum(x))


@given(
    st.floats(-(2.0**100), 2.0**100),
    st.floats(-(2.0**100), 2.0**100, width=32),
)
def test_thresholds_in_single_precision_decide_as_in_double(threshold, x):
    rounded = _rounded_down(np.array([threshold]))[0]
    nearest = np.float32(threshold)
    for candidate in (x, nearest, np.nextafter(nearest, np.float32(np.inf))):
        value = np.float32(candidate)
        assert (value > rounded) == (float(value) > threshold)


def test_neighbouring_numbers_are_told_apart_as_scikit_learn_does():
    from sklearn.tree import DecisionTreeRegressor

    # Halfway between these two, the nearest single-precision number is the upper one.
    lower = np.nextafter(np.float32(2), np.float32(3))
    x = np.array([[lower], [np.nextafter(lower, np.float32(3))]])
    tree = DecisionTreeRegressor().fit(x, [0.0, 1.0]).tree_
    assert from_nodes([tree], [tree.value[:, 0, 0]]).sum(x).tolist() == [0, 1]


@pytest.mark.parametrize("depth", [1, 4, None])
def test_trees_of_scikit_learn_give_the_same_predictions(depth):
    from sklearn.tree import DecisionTreeRegressor

    stream = np.random.default_rng(1)
    x = stream.normal(size=(300, 5)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + stream.normal(size=300)
    models = [
        DecisionTreeRegressor(max_depth=depth, random_state=seed).fit(x, y) for seed in (0, 1)
    ]
    trees = [model.tree_ for model in models]
    found = from_nodes(trees, [tree.value[:, 0, 0] for tree in trees])
    fresh = stream.normal(size=(200, 5)).astype(np.float32)
    wanted = models[0].predict(fresh) + models[1].predict(fresh)
    assert found.sum(fresh) == pytest.approx(wanted, abs=1e-12)
    assert (found.threshold[found.left == np.arange(len(found.left))] == np.inf).all()
