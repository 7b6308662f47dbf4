"""An open loop's cases are sent evenly, as many by a time as the integral of the rate says."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.language.rate_curves import RateCurve

RATES = st.floats(min_value=0.5, max_value=200)
TIMES = st.floats(min_value=0.5, max_value=20)


@given(st.lists(st.tuples(TIMES, RATES), min_size=2, max_size=5))
def test_by_any_time_as_many_are_sent_as_the_integral_says(
    steps: list[tuple[float, float]],
) -> None:
    points, at_s = [(0.0, steps[0][1])], 0.0
    for length_s, rate_per_s in steps[1:]:
        at_s += length_s
        points.append((at_s, rate_per_s))
    times = list(RateCurve.through(*points).send_times_s())
    assert times == sorted(times)
    assert len(times) == RateCurve.through(*points).cases
    sent = 0.0
    for (from_s, low), (to_s, high) in pairwise(points):
        middle_s, middle = (from_s + to_s) / 2, (low + high) / 2
        half = sent + (middle_s - from_s) * (low + middle) / 2  # trapezia, not the curve's formula
        sent += (to_s - from_s) * (low + high) / 2
        for by_s, integral in ((middle_s, half), (to_s, sent)):
            count = sum(time <= by_s + 1e-9 for time in times)
            assert math.floor(integral - 1e-6) <= count <= math.floor(integral + 1e-6)


def test_a_constant_rate_is_sent_with_even_gaps() -> None:
    times = list(RateCurve.steady(40, 60).send_times_s())
    assert len(times) == 2400
    assert times[0] == 0.025
    assert times[-1] == 60
    assert all(b - a == pytest.approx(0.025) for a, b in pairwise(times))


def test_rates_jump_and_are_0_outside() -> None:
    spike = RateCurve.through((0, 20), (30, 20), (30, 90), (40, 90), (40, 20), (90, 20))
    assert [spike.rate_at(t) for t in (-1, 0, 29.9, 30, 39.9, 40, 90)] == [0, 20, 20, 90, 90, 20, 0]
    assert spike.length_s == 90
    in_spike = sum(30 < time <= 40 for time in spike.send_times_s())
    assert (in_spike, spike.cases) == (900, 80 * 20 + 900)


def test_a_ramp_rises_in_a_straight_line() -> None:
    ramp = RateCurve.through((0, 10), (120, 80))
    assert ramp.rate_at(60) == 45
    gaps = [b - a for a, b in pairwise(ramp.send_times_s())]
    assert gaps[0] == pytest.approx(1 / 10, rel=0.02)
    assert gaps[-1] == pytest.approx(1 / 80, rel=0.02)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(gaps))
