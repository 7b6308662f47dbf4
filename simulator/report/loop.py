"""The loop in the report: recovery and performance first, then each part of it by point."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from simulator.language.calendar import parse_start
from simulator.report.drift import DRIFT_TOLD, drift_sheets, drift_told, estimates_figure
from simulator.report.drift_alarms import alarms_figure
from simulator.report.label_bias import LABELS_TOLD, label_sheets, labels_told
from simulator.report.markup import Html, details, join, section, tag
from simulator.report.outages import OUTAGES_TOLD, outage_sheets, outages_told
from simulator.report.performance import performance_figure
from simulator.report.performance_table import performance_table
from simulator.report.recovery import RECOVERY_TOLD, recovery_sheets, recovery_told
from simulator.report.restacking import (
    RESTACKING_TOLD,
    restacking_sheets,
    restacking_told,
    weights_figure,
)
from simulator.report.sheets import Sheet

Point = Mapping[str, Any]

LOOP_SECTIONS: Final = {
    "ai-over-time": ("The AI over time", ""),
    "restacking": ("Re-stacking", RESTACKING_TOLD),
    "labels": ("Labels", LABELS_TOLD),
    "drift": ("Drift", DRIFT_TOLD),
    "outages": ("Missing learners", OUTAGES_TOLD),
}
_UNFOLDED: Final = 2  # tables of a section that are shown at once; gates come after them


def loop_together(
    summary: Mapping[str, Any], scenarios: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[str, Html]]:
    """Return what several points say together: recovery, and the AI over time on one chart."""
    points = summary["points"]
    if len(points) == 1 or not any(point.get("loop") for point in points):
        return {}
    told = list(recovery_told(summary))
    shown = join([_said(told), *(sheet.html() for sheet in recovery_sheets(summary))])
    start_min = parse_start(scenarios[0]["start"])
    figure = performance_figure(points, start_min, points[0]["warmup"]["warmup_min"])
    note = RECOVERY_TOLD if told else ""
    return {
        "recovery": ("Recovery", section("Recovery", shown, key="recovery", note=note)),
        "together": (
            "The AI over time, all points",
            section("The AI over time, all points", figure, key="together"),
        ),
    }


def loop_parts(point: Point, start_min: float, warmup_min: float) -> dict[str, Html]:
    """Return what stands in each of `LOOP_SECTIONS` of a point; empty where it has no loop.

    Parameters:
        start_min: time of the week at which the run starts, minutes since Monday 00:00.
    """
    over_time = [performance_figure([point], start_min, warmup_min), performance_table(point)]
    restacked = [*_sheets(restacking_sheets(point)), weights_figure(point)]
    return {
        "ai-over-time": join(over_time),
        "restacking": join([_said(restacking_told(point)), *restacked]),
        "labels": join([_said(labels_told(point)), *_sheets(label_sheets(point))]),
        "drift": join(
            [
                _said(drift_told(point)),
                alarms_figure(point, start_min),
                estimates_figure(point, start_min),
                *_sheets(drift_sheets(point)),
            ]
        ),
        "outages": join([_said(outages_told(point)), *_sheets(outage_sheets(point))]),
    }


def _said(sentences: Iterable[str]) -> Html:
    items = [tag("li", one) for one in sentences]
    return tag("ul", *items) if items else Html("")


def _sheets(sheets: Sequence[Sheet]) -> list[Html]:
    """Return tables; those of gates are many and long, so each is folded under its caption."""
    shown = [sheet.html() for sheet in sheets[:_UNFOLDED]]
    rest = [sheet for sheet in sheets[_UNFOLDED:] if sheet.rows]
    return [*shown, *(details(sheet.caption.partition(". ")[0], sheet.html()) for sheet in rest)]
