"""Delay to detection by severity, drawn."""

from collections.abc import Mapping
from typing import Any

from simulator.analysis.detection import ANY
from simulator.experiment.detector_table import PREVALENCE
from simulator.language.calendar import DAY_MIN
from simulator.report.figures import Choice, Figure, axis, rounded, series, whiskers
from simulator.report.units import number

Result = Mapping[str, Any]


def has_any(result: Result, detector: str) -> bool:
    """Return whether a detector watches several families, and so has a line of all of them."""
    return any(one["detector"] == detector and one["family"] == ANY for one in result["without"])


def delay_figures(result: Result) -> Choice:
    """Return a figure for each kind of image shift: delay by severity, a line for each detector."""
    kinds = dict.fromkeys(row["shift"] for row in result["rows"] if row["shift"] != PREVALENCE)
    return Choice(
        asks="Shift", figures={kind.replace("_", " "): _figure(result, kind) for kind in kinds}
    )


def _figure(result: Result, kind: str) -> Figure:
    detectors = [
        (one["detector"], one["family"])
        for one in result["without"]
        if one["detector"] != ANY and (one["family"] == ANY or not has_any(result, one["detector"]))
    ]
    data = []
    for place, (detector, family) in enumerate(detectors):
        rows = [
            row
            for row in result["rows"]
            if (row["shift"], row["detector"], row["family"]) == (kind, detector, family)
        ]
        known = [row for row in rows if row["delay_days"][1] is not None]
        lows, medians, highs = ([row["delay_days"][place] for row in known] for place in range(3))
        name = detector.replace("_", " ")
        data.append(
            {
                **series(place, name),
                "mode": "lines+markers",
                # Side by side, so that whiskers do not cover each other.
                "x": [row["level"] + 0.05 * (place - len(detectors) / 2) for row in known],
                "y": [rounded(one) for one in medians],
                "error_y": whiskers(medians, lows, highs, place),
                "text": [f"{row['detected']} of {row['runs']} alarm" for row in known],
                "hovertemplate": name + ": %{y:.3g} d, %{text}<extra></extra>",
            }
        )
    span = (result["horizon_min"] - result["onset_min"]) / DAY_MIN
    return Figure(
        title=f"{kind.replace('_', ' ')}: delay to the first alarm",
        caption="Median over replications, on any stream; bars are quartiles. A detector has no "
        f"point where fewer than half of the replications alarm within {number(span)} days.",
        data=data,
        layout={
            "xaxis": axis("severity", dtick=1, range=[0.5, 5.5]),
            "yaxis": axis("days", range=[0, span]),
        },
        height=380,
    )
