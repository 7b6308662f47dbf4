import pickle
from pathlib import Path
from typing import get_args

import pytest

from simulator.language.arrival_log import LOG_UNITS, read_arrivals
from simulator.language.calendar import parse_start
from simulator.language.replay import ReplayFile
from twin.errors import DataError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.csv"


@pytest.mark.parametrize(
    ("unit", "minutes"), [("min", [1.5, 2, 30]), ("h", [90, 120, 1800]), ("d", [2160, 2880, 43200])]
)
def test_numbers_are_taken_in_their_unit_and_sorted(
    log: Path, unit: str, minutes: list[float]
) -> None:
    log.write_text("id,arrival\na,2\nb, 1.5\nc,30\n")
    assert read_arrivals(log, "arrival", unit) == minutes


def test_a_scenario_can_name_every_unit() -> None:
    assert set(get_args(ReplayFile.model_fields["unit"].annotation)) == set(LOG_UNITS)


def test_dates_keep_their_weekdays_and_hours(log: Path) -> None:
    # 2024-01-03 was a Wednesday.
    log.write_text("t\n2024-01-03 08:15\n2024-01-03T08:15:30\n2024-01-10T00:00\n")
    assert read_arrivals(log, "t", "datetime") == [2880 + 495, 2880 + 495.5, 10080 + 2880]


@pytest.mark.parametrize(
    ("start", "first_min"),
    [("Wed 08:15", 0), ("Wed 08:00", 15), ("Wed 09:00", 10080 - 45), ("Mon 08:00", 2895)],
)
def test_time_0_is_the_last_start_before_the_first_arrival(
    log: Path, start: str, first_min: float
) -> None:
    log.write_text("t\n2024-01-04 08:15\n2024-01-03 08:15\n")
    minutes = read_arrivals(log, "t", "datetime", start_min=parse_start(start))
    assert minutes == [first_min, first_min + 1440]


def test_clock_times_are_taken_as_written_whatever_their_offset(log: Path) -> None:
    # The clocks went forward in Berlin on 2024-03-31; the clinic opened at eight all the same.
    log.write_text("t\n2024-03-30T08:00:00+01:00\n2024-04-01T08:00:00+02:00\n")
    early, late = read_arrivals(log, "t", "datetime")
    assert late - early == 2880


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("a,b\n1,2\n", "min", "line 1: no column 'arrival'; there are a, b"),
        ("", "min", "line 1: no column 'arrival'; there are no columns"),
        ("arrival\n", "min", "has no rows below its header"),
        ("arrival\n1\nx\n", "min", "line 3, arrival: 'x' is no number of 0 or more"),
        ("arrival\n1\n-2\n", "min", "line 3, arrival: '-2' is no number"),
        ("arrival\nnan\n", "min", "line 2, arrival: 'nan' is no number"),
        ("id,arrival\n1\n", "min", "line 2, arrival: '' is no number"),
        ("arrival\n2024-13-01\n", "datetime", "line 2, arrival: '2024-13-01' is no date and time"),
        ("arrival\n1\n", "month", "unit 'month' is none of w, d, h, min, s, ms, datetime"),
    ],
    ids=repr,
)
def test_what_is_no_log_is_an_error_that_names_the_line(
    log: Path, text: str, unit: str, words: str
) -> None:
    log.write_text(text)
    with pytest.raises(DataError) as caught:
        read_arrivals(log, "arrival", unit)
    assert str(caught.value).startswith(f"{log}: {words}")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


def test_a_missing_file_and_one_that_is_no_text_are_errors(log: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_arrivals(log, "arrival", "min")
    log.write_bytes(b"arrival\n\xff\xfe\n")
    with pytest.raises(DataError, match="is no CSV file in UTF-8"):
        read_arrivals(log, "arrival", "min")
