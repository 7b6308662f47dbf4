import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.language.calendar import (
    DAYS,
    WEEK_MIN,
    format_start,
    parse_start,
    parse_weekly,
)
from simulator.quantities import QuantityError

DAY_OF = {name: index for index, name in enumerate(DAYS)}
minutes_of_day = st.integers(min_value=0, max_value=1439)
days = st.sampled_from(DAYS)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def refusal(value: object) -> str:
    with pytest.raises(QuantityError) as caught:
        parse_weekly(value)
    return str(caught.value)


@given(st.integers(min_value=0, max_value=10079))
def test_every_minute_of_the_week_has_a_name(minute: int) -> None:
    assert parse_start(format_start(minute)) == minute


@pytest.mark.parametrize(
    ("text", "minute"),
    [("Mon 00:00", 0), (" tue 8:05 ", 1925), ("Sun 23:59", 10079), ("Sun 24:00", 0)],
)
def test_times_of_the_week_are_minutes_since_monday(text: str, minute: float) -> None:
    assert parse_start(text) == minute


@pytest.mark.parametrize("value", ["Mon", "08:00", "Mon 8", "Mon 25:00", "Mon 08:60", 480, None])
def test_what_is_no_time_of_the_week_is_refused_with_the_form(value: object) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_start(value)
    words = "is no time of the week; accepted is a weekday and a clock time, as in 'Mon 08:00'"
    assert str(caught.value) == f"{value!r} {words}"


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("Sat 09:00-12:00", ((7740, 7920),)),
        ("Mon-Tue 08:00-12:00, 13:00-17:00", ((480, 720), (780, 1020), (1920, 2160), (2220, 2460))),
        ("Mon, Wed 08:00-09:00", ((480, 540), (3360, 3420))),
        ("Sun-Mon 08:00-09:00", ((480, 540), (9120, 9180))),  # over the end of the week
        ("Mon 08:00-10:00; Mon 09:00-11:00", ((480, 660),)),  # overlapping
        ("Mon 08:00-10:00; Mon 10:00-11:00", ((480, 660),)),  # touching
        ("Mon 22:00-00:00, Tue 00:00-02:00", ((1320, 1560),)),
        ("Mon 22:00-24:00", ((1320, 1440),)),
        ("Sun 22:00-06:00", ((0, 360), (9960, 10080))),
        ("daily 00:00-24:00", ((0, 10080),)),
    ],
)
def test_windows_are_sorted_and_disjoint(text: str, windows: tuple[tuple[float, float]]) -> None:
    assert parse_weekly(text).windows == windows


def test_nights_belong_to_the_day_they_begin_on() -> None:
    nights = parse_weekly("Mon-Sun 22:00-06:00")
    assert nights.open_min == 7 * 8 * 60
    assert nights.windows[0] == (0, 360)
    assert nights.windows[-1] == (9960, 10080)
    assert nights == parse_weekly("daily 22:00-06:00")


@given(st.lists(st.tuples(days, days, minutes_of_day, minutes_of_day), min_size=1, max_size=4))
def test_a_minute_is_inside_if_a_part_says_so(parts: list[tuple[str, str, int, int]]) -> None:
    parts = [(a, b, opens, closes) for a, b, opens, closes in parts if opens != closes]
    if not parts:
        return
    inside: set[int] = set()
    for first, last, opens, closes in parts:
        day = DAY_OF[first]
        while True:
            length = (closes - opens) % 1440
            inside |= {(day * 1440 + opens + m) % 10080 for m in range(length)}
            if day == DAY_OF[last]:
                break
            day = (day + 1) % 7
    text = "; ".join(f"{a}-{b} {clock(opens)}-{clock(closes)}" for a, b, opens, closes in parts)
    weekly = parse_weekly(text)
    assert {m for a, b in weekly.windows for m in range(int(a), int(b))} == inside
    assert all(a[1] < b[0] for a, b in zip(weekly.windows, weekly.windows[1:], strict=False))
    assert weekly.open_min == len(inside)
    assert weekly.contains(WEEK_MIN * 3 + min(inside))
    assert parse_weekly(weekly.text) == weekly
    pieces = weekly.unbroken()
    assert {m % 10080 for a, b in pieces for m in range(int(a), int(b))} == inside
    assert sum(b - a for a, b in pieces) == len(inside)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("Mon-Fri", "'Mon-Fri' ends without times"),
        ("08:00-12:00", "'08:00-12:00' names no day"),
        ("Mon 08:00-12:00, Caturday 1", "'Caturday 1' in 'Mon 08:00-12:00, Caturday 1' is no"),
        ("Mon 08:00-08:00", "opens and closes at once; the whole day is 00:00-24:00"),
        ("Mon 08:00-12:00,", "'' in 'Mon 08:00-12:00,' is no weekly window"),
        ("Mon 08:00-25:00", "is no weekly window; accepted is days and clock times"),
        ("", "'' is no weekly window"),
        (8, "8 is no weekly window"),
    ],
)
def test_what_is_no_window_is_refused_with_the_value(value: object, words: str) -> None:
    assert words in refusal(value)
