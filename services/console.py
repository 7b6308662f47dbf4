"""What people see: progress and messages on standard error, results on standard output.

With `--json`, standard output holds one JSON object and nothing else.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.progress import ProgressFile

_DRAWN_PER_S: Final = 4
MESSAGES = Console(stderr=True, highlight=False)
_results: TextIO | None = None  # where results go; standard output unless it was claimed


def claim_standard_output() -> None:
    """Keep standard output for results: whatever else is written there goes to standard error.

    Ray tells of dead workers on standard output, and the processes that it starts inherit it.
    """
    global _results  # noqa: PLW0603  a process has one standard output
    if _results is None:
        sys.stdout.flush()
        _results = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)


def say(text: str) -> None:
    """Print a message for people."""
    MESSAGES.print(text, markup=False)


def emit(result: Mapping[str, Any], *, as_json: bool, table: RenderableType | None = None) -> None:
    """Print a command's result: one JSON object, or the table for people."""
    stream = _results or sys.stdout
    if as_json:
        stream.write(json.dumps(result, indent=2, allow_nan=False) + "\n")
    elif table is not None:
        Console(file=stream, highlight=False).print(table)
    stream.flush()


def write(text: str) -> None:
    """Print a command's result that is a text of its own."""
    stream = _results or sys.stdout
    stream.write(text)
    stream.flush()


def two_columns(title: str, rows: Mapping[str, str]) -> Table:
    """Return a table of names and values."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


class Bars:
    """Progress bars by name: a stage appears when it is first heard of.

    Told of every case, it draws a few times a second: drawing takes longer than scoring.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}
        self._drawn_s: dict[str, float] = {}
        self._file: ProgressFile | None = None

    def keep_in(self, folder: Path) -> None:
        """Keep the state in a run's folder, too, for whoever shows runs."""
        self._file = ProgressFile(folder)

    def close(self) -> None:
        """Write what the folder does not know yet."""
        if self._file is not None:
            self._file.flush()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of a stage are done."""
        if self._file is not None:
            self._file(stage, done, total)
        now_s = time.monotonic()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        elif done < total and now_s - self._drawn_s[stage] < 1 / _DRAWN_PER_S:
            return
        self._drawn_s[stage] = now_s
        self._progress.update(self._tasks[stage], completed=done, total=total)


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Show progress bars while the block runs; on a pipe, their last state is printed once."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=MESSAGES,
        refresh_per_second=_DRAWN_PER_S,
    ) as progress:
        bars = Bars(progress)
        try:
            yield bars
        finally:
            bars.close()
