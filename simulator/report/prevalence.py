"""Prevalence over time: measured spells with their intervals, the true line, and the shifts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.language.calendar import DAY_MIN
from simulator.report.figures import Figure, axis, drawn, plain, rounded, whiskers
from simulator.report.markup import Html
from simulator.report.shift_words import span
from simulator.report.timeline import ticked
from simulator.report.wording import per_cent

Point = Mapping[str, Any]

_LABELS: Final = 3  # of shifts, one below the other


def prevalence_over_time(point: Point, start_min: float, warmup_min: float) -> Html:
    """Return the figure of measured prevalence beside the truth; empty where there is none.

    Parameters:
        start_min: time of the week at which the run starts, minutes since Monday 00:00.
    """
    found = point["shifts"]
    curve = found["prevalence"]
    if curve is None:
        return Html("")
    spells, line = curve["spells"], curve["line"]
    values = [100 * one["value"] for one in spells]
    highs = [100 * one["high"] for one in spells]
    middles = [days((one["from_min"] + one["to_min"]) / 2) for one in spells]
    hover = [
        f"{one['malignant']} of {one['patients']} patients, {span(one['low'], one['high'])}"
        for one in spells
    ]
    data: list[dict[str, Any]] = []
    if line:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "true",
                "x": [days(at) for at, _ in line],
                "y": [rounded(100 * one) for _, one in line],
                "line": {"color": "@1", "width": 2.5},
                "hovertemplate": "true %{y:.3g} %<extra></extra>",
            }
        )
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "measured",
            "x": middles,
            "y": [rounded(one) for one in values],
            "error_y": whiskers(values, [100 * one["low"] for one in spells], highs, 0),
            "marker": {"color": "@0", "size": 7},
            "text": hover,
            "hovertemplate": "%{y:.3g} %: %{text}<extra></extra>",
        }
    )
    end_min = spells[-1]["to_min"]
    layout = {
        "xaxis": {**axis(""), **ticked(end_min, start_min), "range": [0, days(end_min)]},
        "yaxis": axis("malignant, % of patients", range=[0, _top([*highs, *_ys(line)])]),
        "shapes": [*warm(warmup_min), *shift_marks(found["shifts"], end_min)],
        "margin": {"t": 40},
    }
    level = per_cent(point["confidence"])
    caption = (
        f"Share of malignant patients by time of arrival, {point['replications']} replications "
        f"together, with {level} score intervals. Dashed: onset and end of each shift."
    )
    if line:
        caption += " The line is the true share, as the scenario sets it."
    return drawn(
        Figure(
            title="Prevalence over time, measured and true",
            caption=caption,
            data=data,
            layout=layout,
        )
    )


def _ys(line: Sequence[Sequence[float]]) -> list[float]:
    return [100 * one for _, one in line]


def _top(values: Sequence[float]) -> float:
    return min(100.0, 1.08 * max(values))


def days(minutes: float) -> float:
    """Return minutes in days, as time axes count."""
    return round(minutes / DAY_MIN, 5)


def warm(warmup_min: float) -> list[dict[str, Any]]:
    """Return a shade over the warm-up; none without one."""
    if not warmup_min > 0:
        return []
    area = {"type": "rect", "x0": 0, "x1": days(warmup_min), "y0": 0, "y1": 1, "yref": "paper"}
    return [{**area, "fillcolor": "@muted/15", "line": {"width": 0}}]


def shift_marks(shifts: Sequence[Mapping[str, Any]], end_min: float) -> list[dict[str, Any]]:
    """Return a named line at the onset and at the end of each shift."""
    marks = [(shift["at_min"], str(shift["id"])) for shift in shifts]
    marks += [
        (shift["until_min"], f"{shift['id']} ends")
        for shift in shifts
        if shift["until_min"] is not None
    ]
    return [
        {
            "type": "line",
            "x0": days(at_min),
            "x1": days(at_min),
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": "@muted", "dash": "dash", "width": 1.5},
            "label": {
                # Of several at a time each stands a line lower than the last.
                "text": "<br>" * (place % _LABELS) + plain(name),
                "textangle": 0,
                "textposition": "end",
                "xanchor": "left",
                "yanchor": "top",
                "font": {"color": "@text", "size": 12},
            },
        }
        for place, (at_min, name) in enumerate(sorted(marks))
        if at_min < end_min
    ]
