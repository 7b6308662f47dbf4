"""Each detector alarms after a step, hardly ever without one, and in pieces as in one pass."""

import numpy as np
import pytest

from twin.drift.detectors import Watcher
from twin.drift.plan import DETECTORS
from twin.drift.streams import Stream


def stream(values, first=0):
    at_min = np.arange(first, first + len(values), dtype=float)
    return Stream("input.0", at_min, np.asarray(values, float))


def alarms(detector, values):
    return Watcher(detector).alarms(stream(values))


@pytest.mark.parametrize(("detector", "within"), [("adwin", 150), ("page_hinkley", 120)])
@pytest.mark.parametrize("step", [1.0, -1.0])
def test_a_step_of_a_standard_deviation_is_seen(detector, within, step):
    for seed in range(5):
        values = np.random.default_rng(seed).normal(size=1500)
        values[1000:] += step
        found = alarms(detector, values)
        assert 1000 <= found[0] < 1000 + within


def test_kswin_sees_a_change_of_shape_that_no_mean_tells():
    values = np.random.default_rng(2).normal(size=1000)
    values[500:] *= 4.0
    assert 500 <= alarms("kswin", values)[0] < 700


@pytest.mark.parametrize("detector", ["adwin", "page_hinkley"])
def test_false_alarms_are_as_rare_as_stated_also_in_long_runs(detector):
    """0.07 a month of 48,000 numbers at most: half an alarm is to be expected here."""
    total = sum(
        len(alarms(detector, np.random.default_rng([seed, 7]).normal(size=20_000)))
        for seed in range(16)
    )
    assert total <= 2


def test_kswin_does_not_alarm_without_a_change():
    assert not any(
        alarms("kswin", np.random.default_rng([seed, 8]).normal(size=2000)) for seed in range(4)
    )


@pytest.mark.parametrize("detector", DETECTORS)
def test_pieces_are_one_pass(detector):
    values = np.random.default_rng(3).normal(size=1200)
    values[600:] += 1.5
    whole = alarms(detector, values)
    watcher, pieces, first = Watcher(detector), [], 0
    for size in (1, 0, 349, 250, 1, 599):
        pieces += watcher.alarms(stream(values[first : first + size], first))
        first += size
    assert whole
    assert tuple(pieces) == whole
