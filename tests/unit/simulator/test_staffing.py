from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from simulator.clinic.staffing import available_min, capacity_changes
from simulator.language.calendar import parse_start, parse_weekly
from simulator.language.staff import Staff, StaffSpec, mean_capacity
from simulator.quantities import QuantityError

ADAPTER: TypeAdapter[StaffSpec] = TypeAdapter(Staff)
CLINIC = {"count": 2, "roster": "Mon-Fri 08:00-17:00"}
SHIFTS = {
    "roster": [
        {"during": "Mon-Fri 08:00-12:00", "count": 2},
        {"during": "Mon 10:00-14:00", "count": 1},
        {"during": "Sat 09:00-12:00", "count": 1},
    ]
}
AWAY = {"from": "2 d", "for": "3 d", "count": 1}


def staff(value: object) -> StaffSpec:
    return ADAPTER.validate_python(value)


@pytest.mark.parametrize(
    "value",
    [3, CLINIC, SHIFTS, {**SHIFTS, "absent": [AWAY]}, {"count": 1, "absent": [AWAY]}],
    ids=str,
)
def test_what_is_written_out_is_read_back(value: object) -> None:
    read = staff(value)
    assert staff(read.model_dump(by_alias=True, exclude_none=True)) == read


def test_a_number_is_so_many_at_all_times() -> None:
    assert staff(3) == staff({"count": 3})
    assert list(capacity_changes(staff(3))) == [(0, 3)]
    assert mean_capacity(staff(3)) == 3


def test_a_roster_repeats_each_week() -> None:
    changes = list(islice(capacity_changes(staff(CLINIC)), 22))
    week = [(0, 0)]
    for day in range(5):
        week += [(day * 1440 + 480, 2), (day * 1440 + 1020, 0)]
    later = [(10080 + at, people) for at, people in week[1:]]
    assert changes == [*week, *later, (20160 + 480, 2)]


def test_duties_add_up_where_they_overlap() -> None:
    monday = list(capacity_changes(staff(SHIFTS), 0.0, 1440.0))
    assert monday == [(0, 0), (480, 2), (600, 3), (720, 1), (840, 0)]
    assert staff(SHIFTS).peak == 3
    assert mean_capacity(staff(SHIFTS)) == (5 * 4 * 2 + 4 + 3) / 168


def test_nights_go_on_over_midnight_and_over_the_end_of_the_week() -> None:
    nights = staff({"count": 1, "roster": "daily 22:00-06:00"})
    changes = list(capacity_changes(nights, parse_start("Sun 20:00"), 1440.0))
    assert changes == [(0, 0), (120, 1), (600, 0)]


def test_shifts_that_meet_are_one_stretch() -> None:
    always = staff({"count": 1, "roster": "Mon-Fri 00:00-24:00, Sat-Sun 00:00-24:00"})
    assert list(capacity_changes(always)) == [(0, 1)]
    same = [{"during": f"daily {hours}", "count": 2} for hours in ("06:00-18:00", "18:00-06:00")]
    assert list(capacity_changes(staff({"roster": same}), 77.0)) == [(0, 2)]


def test_the_start_is_in_the_middle_of_a_shift() -> None:
    changes = list(capacity_changes(staff(CLINIC), parse_start("Fri 16:00"), 5000.0))
    assert changes == [(0, 2), (60, 0), (3840, 2), (4380, 0)]  # Monday 08:00 is 64 hours later


def test_an_absence_counts_from_the_runs_start_whatever_the_week_says() -> None:
    away = {**CLINIC, "absent": [{"from": "10 h", "for": "1 d", "count": 1}]}
    changes = list(capacity_changes(staff(away), 0.0, 2880.0))
    assert changes == [(0, 0), (480, 2), (600, 1), (1020, 0), (1920, 1), (2040, 2), (2460, 0)]


def test_absences_add_up_and_leave_nobody_less_than_nobody() -> None:
    absent = [
        {"from": "0 min", "for": "30 min", "count": 2},
        {"from": "10 min", "for": "40 min", "count": 1},
    ]
    changes = list(capacity_changes(staff({"count": 2, "absent": absent})))
    assert changes == [(0, 0), (30, 1), (50, 2)]


@pytest.mark.parametrize("horizon_min", [0.0, 480.0])
def test_changes_at_the_horizon_are_left_out(horizon_min: float) -> None:
    assert list(capacity_changes(staff(CLINIC), 0.0, horizon_min)) == [(0, 0)]


@settings(max_examples=20, deadline=None)  # each goes through 6,000 minutes
@given(
    start=st.integers(0, 10079),
    opens=st.integers(0, 1439),
    length=st.integers(1, 1439),
    away=st.tuples(st.integers(0, 3000), st.integers(1, 3000)),
)
def test_minute_by_minute_it_is_roster_less_absence(
    start: int, opens: int, length: int, away: tuple[int, int]
) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60 % 24:02}:{minute % 60:02}"

    text = f"Mon, Wed-Sun {clock(opens)}-{clock(opens + length)}"
    spec = staff(
        {
            "roster": [{"during": text, "count": 2}, {"during": "Tue-Fri 07:00-19:00", "count": 1}],
            "absent": [{"from": f"{away[0]} min", "for": f"{away[1]} min", "count": 1}],
        }
    )
    one, two = parse_weekly(text), parse_weekly("Tue-Fri 07:00-19:00")
    steps = dict(capacity_changes(spec, start, 6000.0))
    people = -1
    total = 0
    for minute in range(6000):
        people = steps.get(minute, people)
        rostered = 2 * one.contains(start + minute) + two.contains(start + minute)
        gone = away[0] <= minute < sum(away)
        assert people == max(0, rostered - gone)
        total += people * (minute >= 1000)
    assert available_min(capacity_changes(spec, start), 1000.0, 6000.0) == total
    values = list(steps.values())
    assert all(a != b for a, b in pairwise(values))


def test_available_minutes_of_a_week_are_the_mean_capacity() -> None:
    for value in (CLINIC, SHIFTS):
        spec = staff(value)
        minutes = available_min(capacity_changes(spec, 3000.0), 555.0, 555.0 + 10080)
        assert minutes == pytest.approx(mean_capacity(spec) * 10080)


def test_available_minutes_read_no_further_than_asked() -> None:
    def changes() -> Any:
        yield 0.0, 1
        yield 10.0, 3
        yield 20.0, 1
        raise AssertionError

    assert available_min(changes(), 5.0, 15.0) == 5 + 15
    assert available_min(changes(), 12.0, 12.0) == 0


@pytest.mark.parametrize(
    ("value", "place", "words"),
    [
        (0, "count", "greater than or equal to 1"),
        ({}, "count", "is required, or a count for each duty of the roster"),
        ({**SHIFTS, "count": 2}, "count", "each duty of the roster has a count of its own"),
        ({"roster": "Mon 08:00-12:00"}, "count", "is required"),
        ({"count": 1, "roster": "Mon"}, "roster.0.during", "'Mon' ends without times"),
        ({"count": 1, "roster": []}, "roster", "is empty"),
        ({"count": 1, "absent": [{**AWAY, "count": 2}]}, "absent.0.count", "2 cannot be away"),
        ({"count": 1, "absent": [{**AWAY, "for": "0 d"}]}, "absent.0.for", "more than 0"),
    ],
    ids=str,
)
def test_unsound_staff_is_refused(value: object, place: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        staff(value)
    [detail] = caught.value.errors()
    error = detail.get("ctx", {}).get("error")
    below, reason = error.args if isinstance(error, QuantityError) else ((), detail["msg"])
    assert ".".join(map(str, [*detail["loc"], *below])) == place
    assert words in reason


def test_every_field_is_described_with_an_example() -> None:
    for model in ADAPTER.json_schema()["$defs"].values():
        for name, field in model["properties"].items():
            assert field.get("description"), name
            assert field.get("examples"), name
