"""The loop in the closing tables of a run: decisions, labels, outages, and what was recovered."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from services.console import two_columns
from simulator.report.drift import drift_told
from simulator.report.label_bias import bias_sheet, labels_told
from simulator.report.outages import outages_told
from simulator.report.recovery import recovery_short, recovery_told
from simulator.report.restacking import decision_sheet, restacking_told
from simulator.report.sheets import Sheet

Result = Mapping[str, Any]


def of_loop(point: Result) -> list[RenderableType]:
    """Return what came back to the twin and what it did with it; empty without a loop."""
    loop = point.get("loop")
    if not loop:
        return []
    return [*_parts(point, loop)]


def _parts(point: Result, loop: Result) -> Iterator[RenderableType]:
    if loop["restacking"]:
        yield sheet_table(decision_sheet(point, most=1))
    if loop["labels"]:
        yield sheet_table(bias_sheet(point))
    said = {
        "re-stacking": restacking_told(point),
        "labels": labels_told(point),
        "drift": drift_told(point),
        "missing learners": outages_told(point),
    }
    rows = {name: "\n".join(told) for name, told in said.items()}
    rows = {name: told for name, told in rows.items() if told}
    if rows:
        yield two_columns("", rows)


def of_recovery(summary: Result) -> list[RenderableType]:
    """Return how much of a shift's loss each point brought back; empty where nothing compares."""
    said = "\n".join(recovery_told(summary))
    if not said:
        return []
    return [*map(sheet_table, recovery_short(summary)), two_columns("", {"recovery": said})]


def sheet_table(sheet: Sheet) -> Table:
    """Return a sheet for the terminal."""
    table = Table(title=sheet.caption, title_justify="left")
    for name in sheet.head:
        table.add_column(name, overflow="fold")
    for row in sheet.rows:
        table.add_row(*map(Text, row))
    return table
