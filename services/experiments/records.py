"""The tables of a replication as CSV, which pandas reads."""

import io
import math
from collections.abc import Iterable, Iterator

import numpy as np

from simulator.clinic.journal import WORDS, Journal
from simulator.clinic.pools import State
from simulator.clinic.tables import Table

_OUTCOMES = {state: state.name.lower() for state in State} | {
    State.WAITING: "unfinished",
    State.SERVED: "unfinished",
}


def patients_csv(journal: Journal) -> bytes:
    """Return a row for each patient, in order of leaving."""
    words = {name: {code: word for word, code in journal.words[name].items()} for name in WORDS}
    table = journal.patients
    return _csv(
        table.columns,
        (
            [
                words[name].get(int(value), "") if name in words and value == value else _text(value)
                for name, value in zip(table.columns, row, strict=True)
            ]
            for row in _rows(table)
        ),
    )


def visits_csv(journal: Journal) -> bytes:
    """Return a row for each visit: by node, in order of leaving the node."""
    nodes = list(journal.visits)
    columns = ("node", *journal.visits[nodes[0]].columns) if nodes else ("node",)
    return _csv(
        columns,
        (
            [node, *map(_text, row[:-1]), _OUTCOMES[State(int(row[-1]))]]
            for node in nodes
            for row in _rows(journal.visits[node])
        ),
    )


def _rows(table: Table) -> Iterator[list[float]]:
    for chunk in table.chunks():
        yield from np.asarray(chunk).tolist()


def _text(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def _csv(columns: Iterable[str], rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    text.write(",".join(columns) + "\n")
    for row in rows:
        # Names of nodes, classes and sites hold no comma or quote; reasons of the twin may.
        text.write(",".join(_quoted(cell) for cell in row) + "\n")
    return text.getvalue().encode()


def _quoted(cell: str) -> str:
    if any(sign in cell for sign in ',"\n'):
        escaped = cell.replace('"', '""')
        return f'"{escaped}"'
    return cell
