"""A sweep: one metric over what was varied, with its intervals; the reader picks the metric."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final

from simulator.report.figures import (
    COLOURS,
    Choice,
    Figure,
    Trace,
    axis,
    chosen,
    plain,
    rounded,
    series,
    whiskers,
)
from simulator.report.headlines import asked, headlines
from simulator.report.markup import Html, details, join, table
from simulator.report.units import figure, scale
from simulator.report.wording import axes, label, per_cent, sentence, words

Point = Mapping[str, Any]

_PANEL: Final = 230  # pixels of one panel where several are stacked


def is_sampled(points: Sequence[Point]) -> bool:
    """Return whether the points are a sample, such as a Latin hypercube: no whole grid."""
    sizes = [len({str(point["label"][key]) for point in points}) for key in points[0]["label"]]
    return prod(sizes) != len(points)


def sweep_results(points: Sequence[Point], *, sampled: bool) -> Html:
    """Return the figures and tables of a sweep.

    Parameters:
        sampled: whether the points are a Latin hypercube instead of all combinations.
    """
    first = list(dict.fromkeys([*asked(points), *headlines(points)]))
    rest = [
        name
        for name, answer in points[0]["metrics"].items()
        if "{" not in name and name not in first and answer["value"] is not None
    ]
    figures = {}
    for name in [*first, *rest]:
        drawn = _figure(name, points, sampled=sampled)
        if drawn is not None:
            figures[words(name)] = drawn
    return join(
        [
            chosen(Choice(asks="Metric:", figures=figures)),
            details("Headline metrics at every point", _table(points, first)),
        ]
    )


def _table(points: Sequence[Point], names: Sequence[str]) -> Html:
    rows: list[list[object]] = []
    for point in points:
        cells = [
            figure(name, point["metrics"].get(name, {"value": None, "reason": "not measured"}))
            for name in names
        ]
        rows.append([label(point), *cells])
    head = ["point", *(words(name) for name in names)]
    return table("Headline metrics with intervals", head, rows, numeric=len(names))


def _figure(name: str, points: Sequence[Point], *, sampled: bool) -> Figure | None:
    known = [point for point in points if _value(point, name) is not None]
    if not known:
        return None
    keys = list(points[0]["label"])
    if sampled or len(keys) > 2:
        return _scatter(name, known, keys)
    if len(keys) == 1:
        return _lines(name, known, keys[0], None)
    # Lines for the axis with fewer values; beyond seven, lines are no longer told apart.
    sizes = {key: len({str(point["label"][key]) for point in points}) for key in keys}
    along, across = sorted(keys, key=lambda key: -sizes[key])
    if sizes[across] > COLOURS:
        return _heat(name, known, along, across)
    return _lines(name, known, along, across)


def _lines(name: str, points: Sequence[Point], along: str, across: str | None) -> Figure:
    by: dict[str, list[Point]] = {}
    for point in points:
        key = "" if across is None else f"{axes(point)[across]} = {point['label'][across]}"
        by.setdefault(key, []).append(point)
    factor, unit = _scale(name, points)
    data: list[Trace] = []
    for place, (key, some) in enumerate(by.items()):
        y = [_at(point, name, "value", factor) for point in some]
        lows = [_at(point, name, "low", factor) for point in some]
        highs = [_at(point, name, "high", factor) for point in some]
        data.append(
            series(
                place,
                key,
                mode="lines+markers",
                x=[_axis_value(point["label"][along]) for point in some],
                y=y,
                error_y=whiskers(y, lows, highs, place),
                hovertemplate="%{x}: %{y}" + unit,
                showlegend=across is not None,
            )
        )
    numeric = all(_is_number(point["label"][along]) for point in points)
    values = sorted({point["label"][along] for point in points}) if numeric else None
    layout = {
        "xaxis": axis(along, **({"type": "linear"} if numeric else {"type": "category"})),
        "yaxis": axis(_titled(name, unit), rangemode="nonnegative"),
    }
    if values is not None and len(values) <= 12:
        layout["xaxis"] |= {"tickvals": values, "ticktext": [f"{one:g}" for one in values]}
    return Figure(
        title=_title(name), caption=_caption(name, points), data=data, layout=layout, height=400
    )


def _heat(name: str, points: Sequence[Point], along: str, across: str) -> Figure:
    factor, unit = _scale(name, points)
    columns = list(dict.fromkeys(str(point["label"][along]) for point in points))
    rows = list(dict.fromkeys(str(point["label"][across]) for point in points))
    cells = {
        (str(point["label"][across]), str(point["label"][along])): _at(point, name, "value", factor)
        for point in points
    }
    data = [
        {
            "type": "heatmap",
            "x": [plain(one) for one in columns],
            "y": [plain(one) for one in rows],
            "z": [[cells.get((row, column)) for column in columns] for row in rows],
            # Cividis is read alike with and without colour vision, and in greys.
            "colorscale": "Cividis",
            "colorbar": {"title": {"text": unit.strip()}},
            "texttemplate": "%{z:.3g}",
            "hovertemplate": f"{plain(along)} %{{x}}, {plain(across)} %{{y}}: %{{z}}{unit}"
            "<extra></extra>",
        }
    ]
    layout = {
        "xaxis": axis(along, type="category"),
        "yaxis": axis(across, type="category"),
    }
    return Figure(
        title=_title(name),
        caption=f"{_caption(name, points)} Intervals stand in the table.",
        data=data,
        layout=layout,
        height=max(360, 60 + 28 * len(rows)),
    )


def _scatter(name: str, points: Sequence[Point], keys: Sequence[str]) -> Figure:
    """Return one panel for each axis, one above the other: a phone has no room side by side."""
    factor, unit = _scale(name, points)
    y = [_at(point, name, "value", factor) for point in points]
    lows = [_at(point, name, "low", factor) for point in points]
    highs = [_at(point, name, "high", factor) for point in points]
    data: list[Trace] = []
    layout: dict[str, Any] = {"showlegend": False}
    share = 1 / len(keys)
    for place, key in enumerate(keys):
        suffix = "" if place == 0 else str(place + 1)
        top = 1 - place * share
        gap = 0.0 if len(keys) == 1 else min(0.4 * share, 75 / (_PANEL * len(keys)))
        layout[f"xaxis{suffix}"] = axis(key, anchor=f"y{suffix}")
        layout[f"yaxis{suffix}"] = axis(
            unit.strip(),
            rangemode="nonnegative",
            domain=[top - share + gap, top],
            anchor=f"x{suffix}",
        )
        data.append(
            {
                **series(place, key),
                "mode": "markers",
                "x": [_axis_value(point["label"][key]) for point in points],
                "y": y,
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
                "error_y": whiskers(y, lows, highs, place) | {"thickness": 1, "width": 0},
                "text": [plain(label(point)) for point in points],
                "hovertemplate": "%{text}: %{y}" + unit + "<extra></extra>",
            }
        )
    caption = f"{_caption(name, points)} Each panel shows all points against one of the axes."
    height = max(360, _PANEL * len(keys) + 40)
    return Figure(title=_title(name), caption=caption, data=data, layout=layout, height=height)


def _caption(name: str, points: Sequence[Point]) -> str:
    level = per_cent(points[0]["confidence"])
    bars = [point["metrics"][name]["low"] is not None for point in points]
    if all(bars):
        return f"Bars are {level} intervals."
    return f"Bars are {level} intervals, where there is one." if any(bars) else "No intervals."


def _title(name: str) -> str:
    return f"{sentence(words(name))} over what was varied"


def _titled(name: str, unit: str) -> str:
    return f"{words(name)},{unit}" if unit else words(name)


def _scale(name: str, points: Sequence[Point]) -> tuple[float, str]:
    return scale(name, max(abs(point["metrics"][name]["value"]) for point in points))


def _value(point: Point, name: str) -> float | None:
    answer = point["metrics"].get(name)
    return None if answer is None else answer["value"]


def _at(point: Point, name: str, what: str, factor: float) -> float | None:
    found = point["metrics"][name][what]
    return None if found is None else rounded(found * factor)


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _axis_value(found: object) -> object:
    return found if _is_number(found) else plain(found)
