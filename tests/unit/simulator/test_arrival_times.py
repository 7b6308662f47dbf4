import math
from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise, takewhile
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from simulator.clinic import arrival_times as module
from simulator.clinic import slot_times
from simulator.clinic.arrival_times import Arrival, arrival_times
from simulator.language.arrivals import ArrivalForm, ArrivalSpec
from simulator.language.calendar import parse_start, parse_weekly
from simulator.language.profiles import hourly_factors
from simulator.quantities import settled

ADAPTER: TypeAdapter[ArrivalForm] = TypeAdapter(ArrivalSpec)
WEEK = 10080
BOOKED: dict[str, Any] = {"every": "15 min", "during": "Mon-Fri 08:00-16:00"}
LATE: dict[str, Any] = {"mean": "-5 min", "sd": "10 min"}
FORMS: list[dict[str, Any]] = [
    {"rate_per_h": 6},
    {"rate_per_h": 6, "profile": "weekday-clinic", "batch": {"mean": 2}, "no_show": 0.2},
    {"gap": {"gamma": {"mean": "10 min", "sd": "5 min"}}, "no_show": 0.2},
    {"appointments": {**BOOKED, "patients": 2, "punctuality": LATE, "no_show": 0.2}},
    {"appointments": {"at": ["Mon 08:00"], "punctuality": {"sd": "3 d"}}},
]


def come(
    *, seed: int = 1, replication: int = 0, name: str = "all", start: str = "Mon 00:00", **spec: Any
) -> Iterable[Arrival]:
    read = ADAPTER.validate_python(spec)
    return arrival_times(read, seed, replication, name, parse_start(start))


def until(arrivals: Iterable[Arrival], minutes: float) -> list[float]:
    return [a.at_min for a in takewhile(lambda a: a.at_min < minutes, arrivals)]


def first(arrivals: Iterable[Arrival], count: int) -> list[float]:
    return [arrival.at_min for arrival in islice(arrivals, count)]


def cumulative(profile: str, minute: float) -> float:
    """Minutes at the mean rate that passed in `minute` minutes from Monday 00:00."""
    factors = np.tile(hourly_factors(profile), 60)
    hour = int(minute // 60)
    return math.fsum(factors[:hour]) * 60 + factors[hour] * (minute - hour * 60)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_they_come_in_order_and_settled(form: dict[str, Any]) -> None:
    times = first(come(**form), 5000)
    assert times[0] >= 0
    assert all(early <= late for early, late in pairwise(times))
    assert [settled(time) for time in times] == times


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_size_of_blocks_changes_nothing(
    form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(islice(come(**form), 2000))
    monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(slot_times, "BLOCK", 7)
    assert list(islice(come(**form), 2000)) == whole


@pytest.mark.parametrize("form", FORMS[:4], ids=str)
def test_seed_replication_and_class_have_streams_of_their_own(form: dict[str, Any]) -> None:
    changes: list[dict[str, Any]] = [{}, {"seed": 2}, {"replication": 1}, {"name": "other"}]
    assert len({tuple(first(come(**form, **change), 20)) for change in changes}) == 4


def test_a_constant_rate_is_a_poisson_process() -> None:
    times = first(come(rate_per_h=6), 20_000)
    gaps = [late - early for early, late in pairwise([0.0, *times])]
    # The mean gap's standard error is mean / sqrt(n); exponential gaps: P(gap > mean) = 1/e.
    assert math.fsum(gaps) / len(gaps) == pytest.approx(10, abs=4 * 10 / math.sqrt(20_000))
    longer = sum(gap > 10 for gap in gaps) / len(gaps)
    assert longer == pytest.approx(math.exp(-1), abs=4 * 0.5 / math.sqrt(20_000))


@pytest.mark.parametrize("profile", ["emergency", "weekday-clinic", "six-day-clinic"])
@pytest.mark.parametrize("start", ["Mon 00:00", "Sat 13:00"])
def test_counts_by_the_hour_of_the_week_follow_the_profile(profile: str, start: str) -> None:
    weeks, per_h = 100, 6.0
    times = until(come(rate_per_h=per_h, profile=profile, start=start), weeks * WEEK)
    hours = ((np.array(times) + parse_start(start)) % WEEK // 60).astype(int)
    counts = np.bincount(hours, minlength=168)
    expected = per_h * weeks * hourly_factors(profile)
    assert not counts[expected == 0].any()
    # Counts of the hours are independent and Poisson, so the sum of squares over the expected is
    # chi-square with one degree of freedom for each open hour: mean n, standard deviation √(2n).
    is_open = expected > 0
    chi2 = float(((counts - expected)[is_open] ** 2 / expected[is_open]).sum())
    n = int(is_open.sum())
    assert abs(chi2 - n) < 4 * math.sqrt(2 * n)


def test_within_an_hour_of_a_profile_they_come_evenly() -> None:
    times = np.array(until(come(rate_per_h=6, profile="weekday-clinic"), 100 * WEEK))
    counts = np.bincount((times % 60 // 6).astype(int), minlength=10)
    expected = len(times) / 10
    chi2 = float(((counts - expected) ** 2 / expected).sum())
    assert chi2 < 27.9  # 0.999 quantile with 9 degrees of freedom


def test_an_hour_of_rate_0_is_leapt_over() -> None:
    profile = [0.0] * 24
    profile[9] = 1.0
    times = until(come(rate_per_d=30, profile=profile), 10 * WEEK)
    assert {int(time % 1440 // 60) for time in times} == {9}
    assert len(times) == pytest.approx(30 * 70, abs=4 * math.sqrt(30 * 70))


def test_another_rate_stretches_the_same_pattern() -> None:
    slow, fast = (first(come(rate_per_h=rate), 6000) for rate in (6, 12))
    assert [2 * time for time in fast] == pytest.approx(slow, abs=2e-6)


def test_with_a_profile_another_rate_stretches_the_time_that_counts() -> None:
    slow, fast = (first(come(rate_per_h=r, profile="emergency"), 300) for r in (6, 12))
    doubled = [2 * cumulative("emergency", time) for time in fast]
    assert doubled == pytest.approx([cumulative("emergency", t) for t in slow], abs=1e-4)


@pytest.mark.parametrize("start", ["Mon 00:00", "Sat 13:30", "Sun 23:59"])
def test_as_much_time_that_counts_passes_from_any_start(start: str) -> None:
    start_min = parse_start(start)
    mean_min = np.array([0.0, 1.0, 500.0, 12_345.6])
    at_min = module._clock_times(mean_min, "emergency", start_min)
    passed = [
        cumulative("emergency", start_min + at) - cumulative("emergency", start_min)
        for at in at_min
    ]
    assert passed == pytest.approx(list(mean_min), abs=1e-6)


def test_what_falls_on_the_edge_of_closed_hours_comes_when_they_open() -> None:
    profile = (*[0.0] * 8, *[3.0] * 8, *[0.0] * 8)  # scaled so that 1440 min pass from 8 to 16
    at_min = module._clock_times(np.array([0.0, 1440.0, 7 * 1440.0]), profile, 0.0)
    assert list(at_min) == [480, 1440 + 480, 7 * 1440 + 480]


def test_a_day_and_24_hours_are_the_same_rate() -> None:
    assert first(come(rate_per_d=48), 50) == first(come(rate_per_h=2), 50)


@pytest.mark.parametrize("form", FORMS[:3], ids=str)
def test_who_never_comes_leaves_the_others_where_they_were(form: dict[str, Any]) -> None:
    none, some, more = (
        until(come(**{**form, "no_show": share}), 20 * WEEK) for share in (0, 0.2, 0.4)
    )
    # Those who come at a larger share come at a smaller one as well.
    assert Counter(more) <= Counter(some) <= Counter(none)
    for share, times in ((0.2, some), (0.4, more)):
        deviation = math.sqrt(share * (1 - share) * len(none))
        assert len(times) == pytest.approx((1 - share) * len(none), abs=4 * deviation)


def test_groups_come_together_when_single_patients_would() -> None:
    single = first(come(rate_per_h=6), 300)
    for batch in (3, {"mean": 3}, {"sizes": [1, 5], "shares": [0.5, 0.5]}):
        together = first(come(rate_per_h=6, batch=batch), 600)
        assert list(dict.fromkeys(together)) == single[: len(set(together))]


@pytest.mark.parametrize(
    ("batch", "shares"),
    [
        (3, {3: 1.0}),
        ({"mean": 1}, {1: 1.0}),
        ({"mean": 2.5}, {1: 0.4, 2: 0.24, 3: 0.144, 4: 0.0864}),
        ({"sizes": [4, 1], "shares": ["30 %", "70 %"]}, {4: 0.3, 1: 0.7}),
    ],
    ids=str,
)
def test_groups_have_the_stated_sizes(batch: object, shares: dict[int, float]) -> None:
    times = np.array(until(come(rate_per_h=6, batch=batch), 100 * WEEK))
    _, sizes = np.unique(times, return_counts=True)
    for size, share in shares.items():
        error = 4 * math.sqrt(share * (1 - share) / len(sizes))
        assert (sizes == size).mean() == pytest.approx(share, abs=error)


def test_gaps_are_drawn_from_their_distribution() -> None:
    times = first(come(gap={"gamma": {"mean": "10 min", "sd": "5 min"}}), 20_000)
    gaps = np.diff([0.0, *times])
    assert gaps.mean() == pytest.approx(10, abs=4 * 5 / math.sqrt(20_000))
    assert gaps.std() == pytest.approx(5, rel=0.05)
    assert first(come(gap="12 min"), 3) == [12, 24, 36]


def test_appointments_are_kept_on_time_without_a_punctuality() -> None:
    arrivals = list(islice(come(appointments=BOOKED, start="Mon 15:40"), 3))
    assert [(a.at_min, a.due_min) for a in arrivals] == [(5, 5), (980, 980), (995, 995)]


def test_appointments_lie_in_their_windows() -> None:
    windows = parse_weekly(BOOKED["during"])
    arrivals = list(islice(come(appointments={**BOOKED, "punctuality": LATE}), 1000))
    assert all(windows.contains(a.due_min) for a in arrivals if a.due_min is not None)
    week = [a.due_min for a in arrivals if a.due_min is not None and a.due_min < WEEK]
    assert len(week) == len(set(week)) == 160


def test_punctuality_is_normal_and_cut_at_four_sd() -> None:
    arrivals = list(islice(come(appointments={**BOOKED, "punctuality": LATE}), 20_000))
    offsets = np.array([a.at_min - a.due_min for a in arrivals if a.due_min is not None])
    assert offsets.mean() == pytest.approx(-5, abs=4 * 10 / math.sqrt(20_000))
    assert offsets.std() == pytest.approx(10, rel=0.03)
    assert (offsets < -5).mean() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(20_000))
    assert np.abs(offsets + 5).max() <= 40 + 1e-5
    dues = [a.due_min for a in arrivals if a.due_min is not None]
    assert dues != sorted(dues)  # somebody overtook somebody


def test_nobody_comes_before_the_run_starts() -> None:
    form = {**BOOKED, "patients": 50, "punctuality": {"sd": "30 min"}}
    arrivals = list(islice(come(appointments=form, start="Mon 08:00"), 200))
    at_start = [a for a in arrivals if a.at_min == 0]
    assert len(at_start) > 20
    assert {a.due_min for a in at_start} >= {0.0, 15.0}


def test_very_late_patients_are_still_in_order() -> None:
    arrivals = list(islice(come(appointments={**BOOKED, "punctuality": {"sd": "1 w"}}), 3000))
    assert all(early.at_min <= late.at_min for early, late in pairwise(arrivals))
    assert len({a.due_min for a in arrivals}) == 3000


def test_missed_appointments_leave_the_others_where_they_were() -> None:
    form = {**BOOKED, "patients": 2, "punctuality": LATE}
    none, some, more = (
        set(takewhile(lambda a: a.at_min < 20 * WEEK, come(appointments={**form, "no_show": n})))
        for n in (0, 0.1, 0.3)
    )
    assert more < some < none
    assert len(some) == pytest.approx(0.9 * len(none), abs=4 * math.sqrt(0.09 * len(none)))


def test_one_patient_more_for_each_slot_leaves_the_others_alone() -> None:
    form = {**BOOKED, "punctuality": LATE, "no_show": 0.2}
    one, two = (
        set(takewhile(lambda a: a.at_min < 2 * WEEK, come(appointments={**form, "patients": n})))
        for n in (1, 2)
    )
    assert one < two


def test_a_replay_ends_with_its_log() -> None:
    times = {"times": [0, 1.5, "2 h"]}
    assert list(come(replay=times)) == [(0, 0, None), (1.5, 1, None), (120, 2, None)]
    times = list(range(1000))
    kept = [a.at_min for a in come(replay={"times": times}, no_show=0.3)]
    assert set(kept) < set(times)
    assert len(kept) == pytest.approx(700, abs=4 * math.sqrt(210))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_nobody_has_the_number_of_another(form: dict[str, Any]) -> None:
    numbers = [arrival.number for arrival in islice(come(**form), 5000)]
    assert len(set(numbers)) == 5000
    assert min(numbers) >= 0


@pytest.mark.parametrize(
    "form", [{"rate_per_h": 6}, {"gap": "5 min"}, {"replay": {"times": list(range(2000))}}], ids=str
)
def test_who_does_not_come_keeps_their_number(form: dict[str, Any]) -> None:
    all_come = list(islice(come(**form), 2000))
    fewer = list(islice(come(**form, no_show=0.3), 1000))
    assert [arrival.number for arrival in all_come] == list(range(2000))
    assert fewer != all_come[:1000]
    assert set(fewer) <= set(all_come)


def test_a_number_stands_for_a_place_in_a_slot() -> None:
    def booked(**change: Any) -> list[Arrival]:
        return list(islice(come(appointments={**BOOKED, "patients": 2, **change}), 3000))

    numbers = {(a.number, a.due_min) for a in booked()}
    assert {(a.number, a.due_min) for a in booked(punctuality=LATE)[:2900]} <= numbers
    assert {(a.number, a.due_min) for a in booked(no_show=0.3)[:2000]} <= numbers
    more = {(a.number, a.due_min) for a in booked(patients=19)}
    assert {(a.number, a.due_min) for a in booked()[:300]} <= more
