import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.analysis import warmup
from simulator.analysis.warmup import mser5


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(warmup) == (0, 1)


@given(st.lists(st.floats(-1000, 1000), min_size=50, max_size=120), st.sampled_from([0.0, 1e6]))
def test_the_curve_is_that_of_the_definition(series: list[float], level: float) -> None:
    found = mser5([value + level for value in series])
    batches = np.array(series[: len(series) // 5 * 5]).reshape(-1, 5).mean(axis=1)
    k = len(batches)
    plain = [
        ((b := batches[d:]) - b.mean()) @ (b - b.mean()) / (k - d) ** 2 for d in range(k // 2 + 1)
    ]
    assert found.curve == pytest.approx(plain, rel=1e-6, abs=1e-6)
    assert found.cut % 5 == 0
    assert 0 <= found.cut <= len(series) / 2


def test_a_transient_is_cut_about_where_it_ends() -> None:
    rng = np.random.default_rng(1)
    cuts = []
    for _ in range(50):
        fading = 10 * np.exp(-np.arange(2000) / 40)
        found = mser5((fading + rng.normal(size=2000)).tolist())
        assert found.valid
        cuts.append(found.cut)
    # exp(-100/40) leaves 0.8 of 10, exp(-300/40) less than 0.01 of it.
    assert 80 <= np.median(cuts) <= 300


def test_no_transient_means_little_is_cut() -> None:
    rng = np.random.default_rng(2)
    cuts = [mser5(rng.normal(size=2000).tolist()).cut for _ in range(50)]
    assert np.median(cuts) <= 200
    constant = mser5([3.3] * 100)
    assert (constant.cut, constant.valid) == (0, True)


def test_a_run_that_never_settles_is_too_short() -> None:
    found = mser5(np.linspace(0, 100, 500).tolist())
    assert not found.valid
    assert found.cut == 250
    assert found.reason.startswith("run too short")
    few = mser5([1.0] * 49)
    assert (few.valid, few.cut, few.curve) == (False, 0, ())
    assert few.reason == "run too short: 49 observations, 50 are needed"


def test_a_million_observations_are_no_matter() -> None:
    series = np.random.default_rng(3).normal(1e6, 1, 1_000_000)
    series[:1000] += 50
    # The level is far from 0, the wave small: sums of squares would cancel.
    assert 1000 <= mser5(series.tolist()).cut < 50_000


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mser5([]), "series: expected"),
        (lambda: mser5([1.0] * 60 + [math.nan]), r"series\[60\]=nan"),
    ],
)
def test_refusals(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]
