"""Hotelling's test holds its level, has power, and alarms once for each change."""

import numpy as np
import pytest

from twin.drift.columns import Columns
from twin.drift.two_windows import TwoWindows, hotelling


def cases(stream, count=50, moved=0.0, out=()):
    sketch = stream.normal(size=(count, 3)) + moved
    log_odds = stream.normal(size=(count, 2)) + moved
    log_odds[:, list(out)] = np.nan
    return Columns(at_min=np.zeros(count), log_odds=log_odds, sketch=sketch)


def test_the_p_value_is_uniform_where_nothing_differs():
    p_values = []
    for seed in range(400):
        stream = np.random.default_rng(seed)
        p_values.append(hotelling(stream.normal(size=(60, 5)), stream.normal(size=(90, 5)))[1])
    for level in (0.05, 0.5):
        assert np.mean(np.array(p_values) < level) == pytest.approx(level, abs=0.06)


def test_the_statistic_of_one_column_is_student_s_t_squared():
    stream = np.random.default_rng(0)
    first, second = stream.normal(size=40), stream.normal(size=70) + 0.3
    pooled = (39 * first.var(ddof=1) + 69 * second.var(ddof=1)) / 108
    t_squared = (first.mean() - second.mean()) ** 2 / (pooled * (1 / 40 + 1 / 70))
    statistic, _ = hotelling(first[:, None], second[:, None])
    assert statistic == pytest.approx(t_squared, rel=1e-4)


def test_columns_that_repeat_one_another_do_no_harm():
    stream = np.random.default_rng(1)
    first, second = stream.normal(size=(80, 2)), stream.normal(size=(80, 2))
    alone = hotelling(first, second)[0]
    twice = hotelling(np.hstack([first, first]), np.hstack([second, second]))[0]
    assert twice == pytest.approx(alone, rel=1e-3)


def told(moved_by_epoch, window=100, out=None):
    stream, windows = np.random.default_rng(5), TwoWindows(window)
    return [
        windows.signal(cases(stream, moved=moved, out=(out or {}).get(epoch, ())), float(epoch))
        for epoch, moved in enumerate(moved_by_epoch)
    ]


def test_there_is_no_test_before_there_are_two_windows():
    found = told([0.0] * 6)
    assert [one is None for one in found] == [True] * 3 + [False] * 3


def test_each_change_alarms_once_and_the_p_value_stays_small():
    found = told([0.0] * 8 + [1.5] * 4 + [0.0] * 6 + [1.5] * 4)[3:]
    epochs = [epoch for one in found for epoch in one.alarms]
    assert epochs == [8.0, 18.0]
    low = [place + 3 for place, one in enumerate(found) if one.p_value < 0.001]
    assert {8, 9, 10, 11, 18, 19, 20, 21} <= set(low)
    assert found[0].p_value > 0.001


def test_a_learner_that_is_out_is_left_out_of_the_comparison():
    found = told([0.0] * 12, out={8: (0,), 9: (0,)})
    assert all(one.alarms == () for one in found if one)
    assert all(np.isfinite(one.value) for one in found if one)
