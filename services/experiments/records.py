"""The tables of a replication as CSV, which pandas reads; written row by row, so memory is flat."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import numpy as np

from simulator.clinic.journal import Journal
from simulator.clinic.pools import State
from simulator.clinic.tables import Table
from twin.events import LoggedEvent
from twin.log import lines

_OUTCOMES: Final = {state: state.name.lower() for state in State} | {
    State.WAITING: "unfinished",
    State.SERVED: "unfinished",
}


def write_records(journal: Journal, stem: str) -> None:
    """Write a row for each patient, for each visit, and for each who was kept away upstream.

    The last is left out where everybody comes who seeks care.

    Parameters:
        stem: path that the files' names are appended to; a crash leaves no half file.
    """
    tables = {
        "patients.csv": _coded(journal.patients, journal.words),
        "visits.csv": _visits(journal),
    }
    if journal.upstream is not None:
        tables["upstream.csv"] = _coded(journal.upstream.table, journal.upstream.words)
    for name, rows in tables.items():
        draft = Path(f"{stem}{name}.draft")
        draft.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8", newline="") as file:
            _write(file, rows)
        draft.replace(f"{stem}{name}")


def write_log(events: Sequence[LoggedEvent], stem: str) -> None:
    """Write a run's event log in its canonical order; a crash leaves no half file.

    Parameters:
        stem: path that the file's name is appended to.
    """
    draft = Path(f"{stem}events.jsonl.draft")
    draft.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("wb") as file:
        file.writelines(lines(events))
    draft.replace(f"{stem}events.jsonl")


def _coded(table: Table, words: Mapping[str, Mapping[str, int]]) -> Iterator[list[str]]:
    """Yield a header, then a row for each patient: in order of leaving, or of arrival upstream."""
    yield list(table.columns)
    known_words = [
        {float(code): word for word, code in words[name].items()} if name in words else None
        for name in table.columns
    ]
    for row in _rows(table):
        yield [
            _text(value) if known is None else known.get(value, "")
            for known, value in zip(known_words, row, strict=True)
        ]


def _visits(journal: Journal) -> Iterator[list[str]]:
    """Yield a header, then a row for each visit: by node, in order of leaving the node."""
    nodes = list(journal.visits)
    yield ["node", *(journal.visits[nodes[0]].columns if nodes else ())]
    for node in nodes:
        for row in _rows(journal.visits[node]):
            yield [node, *map(_text, row[:-1]), _OUTCOMES[State(int(row[-1]))]]


def _rows(table: Table) -> Iterator[list[float]]:
    for chunk in table.chunks():
        yield from np.asarray(chunk).tolist()


def _text(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def _write(file: IO[str], rows: Iterator[list[str]]) -> None:
    for row in rows:
        # Names of nodes, classes and sites hold no comma or quote; reasons of the twin may.
        file.write(",".join(map(_quoted, row)) + "\n")


def _quoted(cell: str) -> str:
    if any(sign in cell for sign in ',"\n'):
        escaped = cell.replace('"', '""')
        return f'"{escaped}"'
    return cell
