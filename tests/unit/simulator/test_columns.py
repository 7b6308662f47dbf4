"""Times from a file: what is wrong in it is named by file, line, column and value."""

from pathlib import Path

import pytest

from simulator.draws.distributions import Empirical
from simulator.language.columns import read_column, read_values
from simulator.language.distribution_field import from_plain
from simulator.quantities import QuantityError


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "times.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "case,read_min\na,6\nb,7.5\nc,0\n",
        "\ufeffcase,read_min\r\na,6\r\n\r\nb,7.5\r\nc,0\r\n",
        'case, read_min \n"a, b", 6 \nb,7.50\nc,0e0',
    ],
    ids=["plain", "as Excel writes it", "spaces"],
)
def test_a_column_of_times(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert read_column(path, "read_min", "min") == [6.0, 7.5, 0.0]
    assert read_column(path, "read_min", "s") == [0.1, 0.125, 0.0]
    given = {"file": "times.csv", "column": "read_min", "unit": "min"}
    values = read_values(given, tmp_path)
    assert from_plain({"empirical": {"values": values}}) == Empirical(values_min=(6.0, 7.5, 0.0))


@pytest.mark.parametrize(
    ("text", "column", "unit", "key", "words"),
    [
        ("read\n6\n-3\n", "read", "min", "file", ["times.csv, line 3, read: '-3' is no time"]),
        ("read\n6\n\nnan\n", "read", "min", "file", ["line 4", "'nan'"]),
        ("read,b\n,1\n", "read", "min", "file", ["line 2", "''"]),
        ("read,b\n6,1\n6\n", "read", "min", "file", ["line 3", "1 cells under 2 names"]),
        ("read,b\n6,1,2\n", "read", "min", "file", ["line 2", "3 cells under 2 names"]),
        ("read\n6 min\n", "read", "min", "file", ["'6 min' is no time in min"]),
        ("read\n", "read", "min", "file", ["no line below its header"]),
        ("", "read", "min", "column", ["no columns 'read'"]),
        ("reed,b\n6,1\n", "read", "min", "column", ["did you mean 'reed'", "'reed', 'b'"]),
        ("a,a\n6,1\n", "a", "min", "column", ["2 columns 'a'"]),
        ("a\n6\n", "a", "minutes", "unit", ["'minutes'", "w, d, h, min, s"]),
        (b"a\n\xff\n", "a", "min", "file", ["cannot be read", "utf-8"]),
        ('a\n"6\n', "a", "min", "file", ["cannot be read", "times.csv"]),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    tmp_path: Path, text: str | bytes, column: str, unit: str, key: str, words: list[str]
) -> None:
    with pytest.raises(QuantityError) as caught:
        read_column(write(tmp_path, text), column, unit)
    assert caught.value.args[0] == (key,)
    assert all(word in caught.value.args[1] for word in words)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QuantityError, match=r"none\.csv cannot be read"):
        read_column(tmp_path / "none.csv", "a", "min")


@pytest.mark.parametrize(
    ("given", "key", "words"),
    [
        ({"file": "times.csv", "column": "a"}, "unit", "is required"),
        ({"file": "times.csv", "colum": "a", "unit": "min"}, "colum", "did you mean 'column'"),
        ({"file": 7, "column": "a", "unit": "min"}, "file", "expected text, got 7"),
    ],
)
def test_keys_of_a_file(tmp_path: Path, given: dict[str, object], key: str, words: str) -> None:
    with pytest.raises(QuantityError) as caught:
        read_values(given, tmp_path)
    assert caught.value.args[0] == (key,)
    assert words in caught.value.args[1]
