import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.analysis import intervals, precision
from simulator.analysis.intervals import (
    batch_interval,
    cluster_ratio_interval,
    paired_interval,
    replication_interval,
    replications_for_precision,
    replications_to_decide,
)

numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


def autoregressive(phi: float, runs: int, length: int, seed: int) -> np.ndarray:
    """Stationary AR(1) with mean 0 and variance 1, shape (runs, length)."""
    rng = np.random.default_rng(seed)
    series = np.empty((runs, length))
    series[:, 0] = rng.normal(size=runs)
    noise = rng.normal(size=(runs, length)) * math.sqrt(1 - phi * phi)
    for t in range(1, length):
        series[:, t] = phi * series[:, t - 1] + noise[:, t]
    return series


@pytest.mark.parametrize("module", [intervals, precision])
def test_examples_of_the_docstrings(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted > 0
    assert results.failed == 0


def test_replication_interval_by_hand() -> None:
    # Mean 5, standard deviation sqrt(20/3), t(0.975, 3) = 3.182446.
    interval = replication_interval([2, 4, 6, 8])
    half = 3.182446 * math.sqrt(20 / 3) / 2
    assert interval.half_width == pytest.approx(half, rel=1e-6)
    assert (interval.low, interval.high) == pytest.approx((5 - half, 5 + half))
    assert (interval.n, interval.valid, interval.reason) == (4, True, "")
    wider = replication_interval([2, 4, 6, 8], 0.99)
    assert wider.half_width is not None and wider.half_width > half


@given(numbers, st.floats(-100, 100))
def test_replication_interval_moves_with_the_values(values: list[float], shift: float) -> None:
    here, there = replication_interval(values), replication_interval([v + shift for v in values])
    assert here.low is not None and here.mean is not None and here.high is not None
    assert here.low <= here.mean <= here.high
    assert there.mean == pytest.approx(here.mean + shift, abs=1e-6)
    assert there.half_width == pytest.approx(here.half_width, abs=1e-6)


def test_without_ground_there_is_no_interval() -> None:
    one = replication_interval([3.0])
    assert (one.mean, one.low, one.high, one.half_width) == (3, None, None, None)
    assert (one.valid, one.reason) == (False, "one value: its spread is unknown")
    same = replication_interval([0.1] * 7)  # whose rounded mean is not 0.1
    assert (same.half_width, same.valid) == (0, False)
    assert same.reason == "all 7 values agree: no spread was seen"


def test_replications_cover_and_correlated_observations_do_not() -> None:
    # 400 experiments of 10 replications of 200 observations, true mean 0.
    series = autoregressive(0.9, 4000, 200, seed=20).reshape(400, 10, 200)
    honest = naive = 0
    for experiment in series:
        by_run = replication_interval(experiment.mean(axis=1).tolist())
        by_observation = replication_interval(experiment[0].tolist())
        assert by_run.low is not None and by_run.high is not None
        assert by_observation.low is not None and by_observation.high is not None
        honest += by_run.low <= 0 <= by_run.high
        naive += by_observation.low <= 0 <= by_observation.high
    # 400 trials at 95 % have a standard error of 1.1 %.
    assert honest / 400 == pytest.approx(0.95, abs=0.04)
    # The naive half width is too small by sqrt((1 + phi) / (1 - phi)) = 4.4, which covers 35 %.
    assert naive / 400 < 0.5


def test_batches_of_one_long_run_cover() -> None:
    runs = [batch_interval(run) for run in autoregressive(0.8, 300, 5000, seed=3).tolist()]
    covered = [i.low <= 0 <= i.high for i in runs if i.low is not None and i.high is not None]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.05)
    assert np.mean([interval.valid for interval in runs]) > 0.8
    assert all(interval.n == 20 for interval in runs)


def test_too_short_a_series_is_called_so() -> None:
    # A batch of 50 remembers its neighbours: the series forgets over some 40 observations.
    runs = [batch_interval(run) for run in autoregressive(0.95, 100, 1000, seed=4).tolist()]
    assert not any(interval.valid for interval in runs)
    assert all("series too short" in i.reason and i.low is not None for i in runs)
    tiny = batch_interval([1.0, 2.0] * 100)
    assert (tiny.mean, tiny.low, tiny.valid) == (1.5, None, False)
    assert tiny.reason == "series too short: 200 observations, 400 or more are needed"


def test_batch_means_with_a_trend_are_called_correlated() -> None:
    noise = np.random.default_rng(5).normal(size=2000)
    drift = batch_interval((noise + np.linspace(0, 1, 2000)).tolist())
    assert not drift.valid
    assert drift.reason.startswith("batch means are correlated")


def test_von_neumann_calls_one_in_ten_independent_series_correlated() -> None:
    series = np.random.default_rng(6).normal(size=(1000, 400))
    doubted = [not batch_interval(run).valid for run in series.tolist()]
    assert np.mean(doubted) == pytest.approx(0.1, abs=0.03)


def test_batches_leave_out_the_start() -> None:
    noise = np.random.default_rng(0).normal(size=400).tolist()
    assert batch_interval([1e6] * 19 + noise) == batch_interval(noise)


def test_paired_interval() -> None:
    rng = np.random.default_rng(8)
    common = rng.normal(size=50)
    a, b = common + 0.1 * rng.normal(size=50), common + 1 + 0.1 * rng.normal(size=50)
    paired = paired_interval(a.tolist(), b.tolist())
    assert paired.difference == replication_interval((b - a).tolist())
    assert paired.difference.low is not None and paired.difference.low > 0.9
    assert paired.correlation == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert paired.variance_ratio is not None and paired.variance_ratio < 0.05
    assert paired_interval([1, 1, 1], [1, 2, 3]).correlation is None
    assert paired_interval([1], [2]).difference.mean == 1
    with pytest.raises(ValueError, match="3 and 2"):
        paired_interval([1, 2, 3], [1, 2])


def test_precision() -> None:
    rng = np.random.default_rng(9)
    values = rng.normal(10, 2, 20).tolist()
    needed = replications_for_precision(values, 0.02)
    assert needed is not None
    # Law's rule, by the plain search over i.
    spread, mean = np.std(values, ddof=1), np.mean(values)

    def half(n: int) -> float:
        return precision.t_quantile(0.975, n - 1) * float(spread) / math.sqrt(n)

    wanted = 0.02 / 1.02 * float(mean)
    assert needed == next(n for n in range(20, 100_000) if half(n) <= wanted)
    assert replications_for_precision(values, 0.5) == 20  # never fewer than there are
    assert replications_for_precision([-1.0, 1.0], 0.1) is None
    assert replications_for_precision([1.0, 1e9], 0.001) is None
    assert replications_for_precision([2.0, 2.0], 0.001) == 2


def test_deciding() -> None:
    values = np.random.default_rng(10).normal(10, 2, 20).tolist()
    mean = float(np.mean(values))
    bound = mean + 0.25
    needed = replications_to_decide(values, bound)
    assert needed is not None and needed > 20
    # About (1.96 s / distance)² of them.
    assert needed == pytest.approx((1.96 * np.std(values, ddof=1) / 0.25) ** 2, rel=0.05)
    assert replications_to_decide(values, mean - 0.25) == needed
    assert replications_to_decide(values, mean) is None
    assert replications_to_decide(values, mean + 1e-6) is None  # beyond a million
    assert replications_to_decide(values, 1000) == 20
    assert replications_to_decide([2.0, 2.0], 3) == 2


def test_cluster_ratio_covers_where_cases_depend_on_each_other() -> None:
    # Each replication has a reader of its own skill: hits within it depend on each other.
    rng = np.random.default_rng(11)
    covered = pooled = 0
    for _ in range(400):
        skill, cases = rng.beta(8, 2, 20), rng.integers(10, 60, 20)
        hits = rng.binomial(cases, skill)
        interval = cluster_ratio_interval(hits.tolist(), cases.tolist())
        assert interval.low is not None and interval.high is not None
        assert interval.mean == pytest.approx(hits.sum() / cases.sum())
        covered += interval.low <= 0.8 <= interval.high
        share, n = hits.sum() / cases.sum(), cases.sum()
        pooled += abs(share - 0.8) <= 1.96 * math.sqrt(share * (1 - share) / n)
    assert covered / 400 == pytest.approx(0.95, abs=0.04)
    assert pooled / 400 < 0.75


def test_cluster_ratio_with_equal_denominators_is_the_mean_of_ratios() -> None:
    ratio = cluster_ratio_interval([7, 9, 8, 10], [10, 10, 10, 10])
    plain = replication_interval([0.7, 0.9, 0.8, 1.0])
    assert (ratio.low, ratio.high) == pytest.approx((plain.low, plain.high))


def test_cluster_ratio_without_ground() -> None:
    none = cluster_ratio_interval([0, 0], [0, 0])
    assert (none.mean, none.low, none.valid, none.reason) == (
        None, None, False, "all denominators are 0",
    )  # fmt: skip
    assert cluster_ratio_interval([3], [4]).mean == 0.75
    perfect = cluster_ratio_interval([3, 7, 0], [3, 7, 0])
    assert (perfect.mean, perfect.half_width, perfect.valid) == (1, 0, False)
    same = cluster_ratio_interval([0.1, 0.3, 0.7], [1, 3, 7])  # equal but for rounding
    assert (same.half_width, same.valid) == (0, False)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_values_that_are_no_numbers_are_refused_by_name(bad: float) -> None:
    with pytest.raises(ValueError, match=r"values\[1\]=(nan|inf|None)"):
        replication_interval([1.0, bad, 2.0])
    with pytest.raises(ValueError, match=r"series\[0\]"):
        batch_interval([bad, 1.0])
    with pytest.raises(ValueError, match=r"b\[0\]"):
        paired_interval([1.0], [bad])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: replication_interval([]), "values: expected one"),
        (lambda: replication_interval([1, 2], 95), "confidence=95"),
        (lambda: batch_interval([1.0] * 500, batches=5), "batches=5"),
        (lambda: replications_for_precision([1.0], 0.1), "two values"),
        (lambda: replications_for_precision([1, 2], 0), "relative_half_width=0"),
        (lambda: replications_to_decide([1, 2], math.nan), "bound=nan"),
        (lambda: cluster_ratio_interval([1, 2], [3]), "2 numerators and 1 denominators"),
        (lambda: cluster_ratio_interval([1, 2], [3, 0]), "denominator 0"),
        (lambda: cluster_ratio_interval([1, 2], [3, -1]), "denominator -1"),
    ],
)
def test_refusals(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]
