"""The loop in the Markdown summary: recovery, decisions, labels, drift, missing learners."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.report.drift import drift_told
from simulator.report.label_bias import bias_sheet, labels_told
from simulator.report.markdown_cells import safe, table_of
from simulator.report.outages import outage_sheets, outages_told
from simulator.report.recovery import recovery_sheets, recovery_told
from simulator.report.restacking import decision_sheet, restacking_told
from simulator.report.sheets import Sheet

Summary = Mapping[str, Any]


def recovery_lines(summary: Summary) -> list[str]:
    """Return what re-stacking brought back of a shift's loss; empty where nothing compares."""
    said = [f"- {safe(one)}" for one in recovery_told(summary)]
    if not said:
        return []
    return ["### Recovery", "", *said, "", *_sheets(recovery_sheets(summary))]


def loop_lines(point: Mapping[str, Any]) -> list[str]:
    """Return what came back to the twin and what it did with it."""
    loop = point.get("loop")
    if not loop:
        return []
    lines: list[str] = []
    told: Sequence[tuple[str, Iterator[str], list[Sheet]]] = (
        (
            "Re-stacking",
            restacking_told(point),
            [decision_sheet(point)] if loop["restacking"] else [],
        ),
        ("Labels", labels_told(point), [bias_sheet(point)] if loop["labels"] else []),
        ("Drift", drift_told(point), []),
        ("Missing learners", outages_told(point), outage_sheets(point)),
    )
    for title, sentences, sheets in told:
        said = [f"- {safe(one)}" for one in sentences]
        if said or sheets:
            lines += [f"### {title}", "", *said, "", *_sheets(sheets)]
    return lines


def _sheets(sheets: Sequence[Sheet]) -> list[str]:
    lines = []
    for sheet in sheets:
        if sheet.rows:
            lines += [safe(sheet.caption), "", *table_of(sheet.head, sheet.rows)]
    return lines
