"""The AI over time in numbers: a row for each spell."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.report.markup import Html, details
from simulator.report.sheets import NAMES, Sheet, figure_of
from simulator.report.shift_words import when
from simulator.report.wording import per_cent

Point = Mapping[str, Any]

FIGURES: Final = (
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "auc",
    "calibration_error",
    "brier",
)


def performance_table(point: Point) -> Html:
    """Return counts and figures of every spell, folded."""
    if not point.get("loop"):
        return Html("")
    return details("The AI over time, in numbers", performance_sheet(point).html())


def performance_sheet(point: Point) -> Sheet:
    """Return a row for each spell."""
    rows = [
        [
            f"{when(row['from_min'])} to {when(row['to_min'])}",
            f"{row['malignant']:,} / {row['cases']:,}",
            f"{row['hits']:,} / {row['misses']:,}",
            f"{row['alarms']:,} / {row['passes']:,}",
            f"{row['labels']:,}",
            _version(row["versions"]),
            *(figure_of(name, row[name]) for name in FIGURES[:5]),
        ]
        for row in point["loop"]["performance"]
    ]
    head = ["patients who come", "malignant / all", "TP / FN", "FP / TN", "labels", "version"]
    head += [NAMES[name].removeprefix("AI ") for name in FIGURES[:5]]
    caption = how_told(point)
    return Sheet(caption=caption, head=head, rows=rows, numeric=10)


def _version(one: Mapping[str, float]) -> str:
    if one["least"] == one["most"]:
        return f"{one['most']}"
    return f"{one['least']} to {one['most']}"


def how_told(point: Point) -> str:
    """Return what the figures rest on."""
    level = per_cent(point["confidence"])
    if point["replications"] == 1:
        return (
            f"By time of arrival. One replication: {level} intervals of sensitivity and "
            "specificity alone, over patients."
        )
    return f"By time of arrival, all replications together, with {level} intervals."
