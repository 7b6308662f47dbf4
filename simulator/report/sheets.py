"""Tables as plain text, so that report.html, summary.md and the terminal show the same."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.report.markup import Html, join, small, table
from simulator.report.units import change, interval, number, short, value

NAMES: Final = {
    "balanced_accuracy": "AI balanced accuracy",
    "sensitivity": "AI sensitivity",
    "specificity": "AI specificity",
    "auc": "AI AUC",
    "calibration_error": "AI calibration error",
    "brier": "Brier score",
    "prevalence": "prevalence",
    "accuracy": "AI accuracy",
}
_INTERVAL: Final = re.compile(r"([^()]+) \(([^()]+ to [^()]+)\)")
_METRICS: Final = {"balanced_accuracy": "ai.balanced_accuracy", "accuracy": "ai.balanced_accuracy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table: text alone."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: int  # columns at the right end that hold numbers

    def html(self) -> Html:
        """Return it as an element; empty where it has no rows."""
        words = len(self.head) - self.numeric
        rows = [[*row[:words], *map(_below, row[words:])] for row in self.rows]
        return table(self.caption, self.head, rows, numeric=self.numeric)


def _below(cell: str) -> object:
    """Return a cell of a figure with its interval below it, so that tables stay narrow."""
    found = _INTERVAL.fullmatch(cell)
    return (
        cell
        if found is None
        else join([found[1], small(found[2].removesuffix(" points"))], Html("<br>"))
    )


def figure_of(name: str, one: Mapping[str, Any]) -> str:
    """Return a figure with its interval.

    >>> figure_of("auc", {"value": 0.912, "low": 0.9, "high": 0.92})
    '0.912 (0.900 to 0.920)'
    """
    if one["value"] is None:
        return "no figure"
    metric = _METRICS.get(name, name)
    span = interval(metric, one)
    shown = value(metric, one["value"])
    return f"{shown} ({span})" if span else shown


def moved_by(name: str, before: float | None, one: Mapping[str, Any]) -> str:
    """Return a difference with its interval, in points where the figure is in per cent.

    >>> moved_by("sensitivity", 0.9, {"mean": -0.1, "low": -0.12, "high": -0.08})
    '−10 points (−12.0 to −8.0 points)'
    """
    if one["mean"] is None:
        return "no figure"
    moved, span = change(_METRICS.get(name, name), before, one)
    return f"{moved} ({span})" if span != "none" else moved


def part_of(one: Mapping[str, Any]) -> str:
    """Return a share with its interval, or why it has none.

    >>> part_of({"mean": 0.52, "low": 0.4, "high": 0.64, "reason": ""})
    '52 % (40.0 to 64.0 %)'
    """
    if one["mean"] is None:
        return short(str(one["reason"]))
    if one["low"] is None:
        return f"not told: {short(str(one['reason']))}"
    low, high = 100 * one["low"], 100 * one["high"]
    like = max(abs(low), abs(high))
    return f"{number(100 * one['mean'])} % ({number(low, like)} to {number(high, like)} %)"
