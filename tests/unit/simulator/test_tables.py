import math

import numpy as np
import pytest

from simulator.clinic import tables
from simulator.clinic.tables import Table


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "CHUNK_ROWS", 8)


def filled(rows: int) -> Table:
    table = Table(("n", "half"))
    for number in range(rows):
        table.add((number, number / 2))
    return table


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 100])
def test_columns_come_back_whole(rows: int) -> None:
    table = filled(rows)
    assert len(table) == rows
    assert table.column("n").tolist() == list(range(rows))
    assert table.column("half").tolist() == [number / 2 for number in range(rows)]
    parts = list(table.chunks())
    assert sum(len(part) for part in parts) == rows
    assert all(part.shape[1] == 2 and len(part) <= 8 for part in parts)
    table.close()


def test_reading_does_not_disturb_writing() -> None:
    table = filled(20)
    assert len(table.column("n")) == 20
    next(table.chunks())
    for number in range(20, 40):
        table.add((number, number / 2))
    assert table.column("n").tolist() == list(range(40))
    table.close()


def test_a_short_row_is_not_known_beyond_its_end() -> None:
    table = Table(("a", "b", "c"))
    table.add((1.0,))
    table.add((1.0, 2.0, 3.0))
    assert np.isnan(table.column("b")).tolist() == [True, False]
    assert math.isnan(table.column("c")[0])


def test_numbers_are_kept_as_they_were() -> None:
    table = Table(("x",))
    values = [0.1, 1 / 3, 2.0**53, -0.0, math.inf, 5e-324]
    for value in values:
        table.add((value,))
    assert [repr(x) for x in table.column("x").tolist()] == [repr(x) for x in values]


def test_the_digest_is_that_of_names_and_numbers() -> None:
    one, two = filled(30), filled(30)
    assert one.digest() == two.digest()
    assert len(one.column("n")) == 30
    assert one.digest() == two.digest()  # reading leaves it as it was
    two.add((30, 15.0))
    assert two.digest() != one.digest()
    assert len({Table(("n", "half")).digest(), Table(("n", "other")).digest()}) == 2
    digest = one.digest()
    one.add((1.0, 1.0))
    assert one.digest() != digest
    for table in (one, two):
        table.close()


def test_an_unknown_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        filled(3).column("third")


def test_values_are_put_into_rows_that_are_there() -> None:
    table = Table(("who", "what", "when"))
    for who in range(tables.CHUNK_ROWS + 10):
        table.add((who, -who))
    done = table.filled("who", ("when", "what"), {3: (0.5, 7.0), tables.CHUNK_ROWS + 1: (1.5, 8.0)})
    what, when = done.column("what"), done.column("when")
    assert (what[3], when[3]) == (7.0, 0.5)
    assert (what[tables.CHUNK_ROWS + 1], when[tables.CHUNK_ROWS + 1]) == (8.0, 1.5)
    assert what[4] == -4
    assert np.isnan(when).sum() == len(done) - 2 == tables.CHUNK_ROWS + 8
    done.close()
