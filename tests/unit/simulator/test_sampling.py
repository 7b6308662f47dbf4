import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.analysis import sampling
from simulator.analysis.sampling import grid, latin_hypercube


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(sampling) == (0, 4)


def test_grid_is_complete_and_in_order() -> None:
    points = grid({"a": [1, 2], "b": ["x", "y", "z"]})
    assert [(p["a"], p["b"]) for p in points] == [
        (1, "x"), (1, "y"), (1, "z"), (2, "x"), (2, "y"), (2, "z"),
    ]  # fmt: skip
    assert grid({}) == [{}]


@given(st.integers(1, 200), st.integers(0, 2**40))
def test_each_stratum_is_hit_once(points: int, seed: int) -> None:
    ranges = {"a": (0.0, 1.0), "b": (-5.0, 20.0)}
    sample = latin_hypercube(ranges, points, seed)
    for name, (low, high) in ranges.items():
        values = np.array([point[name] for point in sample])
        assert np.all((values >= low) & (values < high))
        strata = np.floor((values - low) / (high - low) * points + 1e-9)
        assert sorted(strata) == list(range(points))


def test_the_same_seed_gives_the_same_points_and_another_others() -> None:
    ranges = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    first = latin_hypercube(ranges, 20, 7)
    assert first == latin_hypercube(ranges, 20, 7)
    assert first != latin_hypercube(ranges, 20, 8)
    # Axes are drawn apart, so they are not alike, and one more leaves the others alone.
    assert [p["a"] for p in first] != [p["b"] for p in first]
    more = latin_hypercube({"c": (0.0, 1.0), **ranges}, 20, 7)
    assert [p["a"] for p in more] == [p["a"] for p in first]


def test_the_mean_of_a_sum_is_met_far_better_than_by_chance() -> None:
    ranges = dict.fromkeys("abcd", (0.0, 1.0))
    means = [
        np.mean([sum(point.values()) for point in latin_hypercube(ranges, 50, seed)])
        for seed in range(50)
    ]
    by_chance = math.sqrt(4 / 12 / 50)
    assert np.std(means) < by_chance / 10


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: grid({"a": []}), "a: expected one value"),
        (lambda: grid({"a": "fifo"}), "a='fifo'"),
        (lambda: latin_hypercube({"a": (1, 1)}, 3, 0), r"a=\(1, 1\)"),
        (lambda: latin_hypercube({"a": (0, math.inf)}, 3, 0), r"a=\(0, inf\)"),
        (lambda: latin_hypercube({"a": (math.nan, 1)}, 3, 0), r"a=\(nan, 1\)"),
        (lambda: latin_hypercube({"a": (0, 1)}, 0, 0), "points=0"),
    ],
)
def test_refusals(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]
