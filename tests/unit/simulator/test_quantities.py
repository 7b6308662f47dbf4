import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.quantities import (
    QuantityError,
    format_duration,
    parse_duration,
    parse_share,
    settled,
)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("6 min", 6.0),
        ("7 d", 10080.0),
        ("30 s", 0.5),
        ("2 h", 120.0),
        ("1 w", 10080.0),
        ("1.5 h", 90.0),
        ("7d", 10080.0),
        (" 1e2 min ", 100.0),
        ("0 min", 0.0),
    ],
)
def test_durations_become_minutes(text: str, minutes: float) -> None:
    assert parse_duration(text) == minutes


@pytest.mark.parametrize(
    "value",
    [
        6,
        6.5,
        "6",
        "min",
        "-6 min",
        "6 minutes",
        "6 m",
        "1 h 30 min",
        "",
        "٣ min",
        None,
        True,
        ["6 min"],
    ],
)
def test_what_is_no_duration_is_refused_with_what_is_accepted(value: object) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_duration(value)
    assert "ms, s, min, h, d or w" in str(caught.value)
    assert str(value) in str(caught.value)


def test_a_duration_without_end_is_refused() -> None:
    with pytest.raises(QuantityError, match="too long"):
        parse_duration("1e308 w")


def test_a_number_without_unit_is_told_so() -> None:
    with pytest.raises(QuantityError, match="no unit"):
        parse_duration(6)


@given(st.floats(min_value=0, max_value=1e15, allow_nan=False))
def test_written_durations_read_back_to_the_last_bit(minutes: float) -> None:
    assert parse_duration(format_duration(minutes)) == minutes


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0.0, "0 min"),
        (0.25, "15 s"),
        (0.2 / 60, "200 ms"),
        (0.0015 / 60, "2.5e-05 min"),
        (7.5, "450 s"),
        (90.0, "90 min"),
        (120.0, "2 h"),
        (1440.0, "1 d"),
    ],
)
def test_durations_are_written_in_the_largest_whole_unit(minutes: float, text: str) -> None:
    assert format_duration(minutes) == text


@pytest.mark.parametrize(
    ("value", "share"),
    [
        (0, 0.0),
        (1, 1.0),
        (0.08, 0.08),
        ("8 %", 0.08),
        ("8%", 0.08),
        ("100 %", 1.0),
        ("0.5 %", 0.005),
    ],
)
def test_shares(value: object, share: float) -> None:
    assert parse_share(value) == share


@pytest.mark.parametrize(
    "value", [1.0001, -0.1, 8, "101 %", "8", "-1 %", float("nan"), float("inf"), True, None]
)
def test_what_is_no_share_is_refused(value: object) -> None:
    with pytest.raises(QuantityError, match="from 0 to 1 or a percentage"):
        parse_share(value)


def test_the_error_rebuilds_from_its_arguments() -> None:
    error = QuantityError(("gamma", "sd"), "is required")
    assert str(copy.copy(error)) == str(error) == "gamma.sd: is required"
    assert copy.copy(error).args == error.args


def test_settled_times_forget_the_last_bits() -> None:
    assert settled(0.1 + 0.2) == 0.3
