import numpy as np

from twin.oblivious import ObliviousTrees, from_arrays, from_catboost


def split(column, border):
    return {"float_feature_index": column, "border": border, "split_type": "FloatFeature"}


def two_trees():
    """One of depth two, and one that is a leaf only."""
    deep = {"splits": [split(0, 0.5), split(1, 2.0)], "leaf_values": [10.0, 11.0, 12.0, 13.0]}
    return from_catboost([deep, {"splits": None, "leaf_values": [0.25]}], scale=2.0)


def test_answers_are_the_bits_of_a_leaf():
    x = np.array([[0.5, 2], [0.6, 2], [0.5, 2.1], [0.6, 2.1]], np.float32)
    assert two_trees().sum(x).tolist() == [20.5, 22.5, 24.5, 26.5]


def test_leaves_alone_are_trees_too():
    constant = from_catboost([{"splits": None, "leaf_values": [0.25]}], scale=1.0)
    assert constant.sum(np.zeros((3, 1), np.float32)).tolist() == [0.25] * 3


def test_no_rows_no_sums():
    assert two_trees().sum(np.empty((0, 2), np.float32)).shape == (0,)


def test_a_row_has_the_same_bits_in_any_batch():
    stream = np.random.default_rng(0)
    trees = ObliviousTrees(
        feature=stream.integers(0, 5, (300, 4)).astype(np.int32),
        border=stream.normal(size=(300, 4)).astype(np.float32),
        value=stream.normal(size=(300, 16)),
    )
    x = stream.normal(size=(150, 5)).astype(np.float32)
    alone = np.concatenate([trees.sum(row[None]) for row in x])
    assert alone.tobytes() == trees.sum(x).tobytes()


def test_arrays_hold_everything():
    x = np.random.default_rng(0).uniform(0, 4, (40, 2)).astype(np.float32)
    back = from_arrays(two_trees().to_arrays())
    assert np.array_equal(back.sum(x), two_trees().sum(x))
