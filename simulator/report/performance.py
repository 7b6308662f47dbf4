"""The AI over time: figures by spell for one or several points, with what happened marked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.report.figures import Choice, Figure, axis, chosen, plain, rounded, series, whiskers
from simulator.report.markup import Html
from simulator.report.performance_table import FIGURES, how_told
from simulator.report.prevalence import days, shift_marks, warm
from simulator.report.sheets import NAMES
from simulator.report.timeline import ticked
from simulator.report.wording import label, sentence

Point = Mapping[str, Any]

_BARE: Final = ("auc", "calibration_error", "brier")  # nobody writes them in per cent
_HEIGHT: Final = 400
_LANE: Final = 22  # pixels of a row of marks
_SYMBOLS: Final = {"promoted": "triangle-up", "rolled back": "triangle-left", "drift alarm": "x"}


def performance_figure(points: Sequence[Point], start_min: float, warmup_min: float) -> Html:
    """Return the figures of all points that have a loop on one chart; empty without any.

    Parameters:
        start_min: time of the week at which the run starts, minutes since Monday 00:00.
    """
    told = [point for point in points if point.get("loop")]
    if not told:
        return Html("")
    figures = {
        sentence(NAMES[name]): _figure(name, told, start_min, warmup_min) for name in FIGURES
    }
    figures["Labels received"] = _counts("labels", told, start_min, warmup_min)
    figures["Stack version in force"] = _counts("versions", told, start_min, warmup_min)
    return chosen(Choice(asks="Over time:", figures=figures))


def _figure(name: str, points: Sequence[Point], start_min: float, warmup_min: float) -> Figure:
    factor, unit = (1.0, "") if name in _BARE else (100.0, ", %")
    data = []
    for place, point in enumerate(points):
        rows = [row for row in point["loop"]["performance"] if row[name]["value"] is not None]
        values, lows, highs = (
            [None if row[name][key] is None else factor * row[name][key] for row in rows]
            for key in ("value", "low", "high")
        )
        data.append(
            series(
                place,
                label(point) or NAMES[name],
                mode="lines+markers",
                x=[_middle(row) for row in rows],
                y=[rounded(one) for one in values if one is not None],
                error_y=whiskers(values, lows, highs, place),
                text=[_hover(row) for row in rows],
                hovertemplate="%{y:.4g}: %{text}<extra>%{fullData.name}</extra>",
            )
        )
    caption = f"{how_told(points[0])} {_KEY}"
    return _laid(name, NAMES[name] + unit, data, points, start_min, warmup_min, caption)


_KEY: Final = (
    "Dashed: onset and end of each shift; shaded: a learner is out. Below: in which spells a stack "
    "was promoted or put back and drift raised an alarm, the darker the more replications."
)


def _counts(key: str, points: Sequence[Point], start_min: float, warmup_min: float) -> Figure:
    data = []
    for place, point in enumerate(points):
        rows, runs = point["loop"]["performance"], point["replications"]
        y = [row["labels"] / runs if key == "labels" else row["versions"]["mean"] for row in rows]
        data.append(
            series(
                place,
                label(point) or key,
                mode="lines+markers",
                x=[_middle(row) for row in rows],
                y=[rounded(one) for one in y],
                hovertemplate="%{y:.4g}<extra>%{fullData.name}</extra>",
            )
        )
    said = "labels received" if key == "labels" else "stack version in force at the spell's end"
    caption = f"Means over replications. {_KEY}"
    return _laid(said, said, data, points, start_min, warmup_min, caption)


def _laid(
    name: str,
    title: str,
    data: list[dict[str, Any]],
    points: Sequence[Point],
    start_min: float,
    warmup_min: float,
    caption: str,
) -> Figure:
    lanes = _lanes(points)
    end_min = max(point["loop"]["performance"][-1]["to_min"] for point in points)
    height = _HEIGHT + _LANE * len(lanes)
    share = (_LANE * len(lanes) + 30) / height if lanes else 0.0
    shifts: Sequence[Mapping[str, Any]] = next(
        (point["shifts"]["shifts"] for point in points if point.get("shifts")), []
    )
    layout: dict[str, Any] = {
        "xaxis": {
            **axis(""),
            **ticked(end_min, start_min),
            "range": [0, days(end_min)],
            "anchor": "y2" if lanes else "y",
        },
        "yaxis": axis(title, domain=[share, 1]),
        "shapes": [*warm(warmup_min), *shift_marks(shifts, end_min), *_out(points)],
        "margin": {"t": 40},
        "showlegend": len(points) > 1,
    }
    if lanes:
        names = [plain(lane) for lane, _, _, _ in lanes]
        layout["yaxis2"] = {
            "domain": [0, max(0.0, share - 30 / height)],
            "type": "category",
            "categoryarray": names,
            "range": [-0.6, len(lanes) - 0.4],
            "tickfont": {"size": 11},
        }
        data = [*data, *(_marked(*lane) for lane in lanes)]
    return Figure(
        title=f"{sentence(NAMES.get(name, name))} over time",
        caption=caption,
        data=data,
        layout=layout,
        height=height,
    )


def _out(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return a named shade over each time at which a learner is out; each once."""
    every = {
        (one["at_min"], one["at_min"] + one["for_min"], one["component"])
        for point in points
        for one in point["loop"]["faults"]
    }
    return [
        {
            "type": "rect",
            "x0": days(from_min),
            "x1": days(to_min),
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "fillcolor": "@muted/15",
            "line": {"width": 0},
            "label": {
                "text": plain(f"{component} out"),
                "textposition": "bottom left",
                "font": {"color": "@text", "size": 12},
            },
        }
        for from_min, to_min, component in sorted(every)
    ]


def _lanes(points: Sequence[Point]) -> list[tuple[str, str, int, Point]]:
    """Return a row for each kind of mark of each point: its name, kind, place and point."""
    several = len(points) > 1
    return [
        (f"{kind}, {label(point)}" if several else kind, kind, place, point)
        for place, point in reversed(list(enumerate(points)))
        for kind in reversed(list(point["loop"]["marks"]))
    ]


def _marked(lane: str, kind: str, place: int, point: Point) -> dict[str, Any]:
    rows, runs = point["loop"]["performance"], point["replications"]
    counts = point["loop"]["marks"][kind]
    seen = [(row, times) for row, times in zip(rows, counts, strict=True) if times]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(lane),
        "showlegend": False,
        "yaxis": "y2",
        "x": [_middle(row) for row, _ in seen],
        "y": [plain(lane)] * len(seen),
        "text": [f"in {times} of {runs} replications" for _, times in seen],
        "marker": {
            "color": f"@{place}",
            "symbol": _SYMBOLS[kind],
            "size": 9,
            "opacity": [rounded(0.25 + 0.75 * times / runs) for _, times in seen],
        },
        "hovertemplate": "%{text}<extra>%{y}</extra>",
    }


def _middle(row: Mapping[str, float]) -> float:
    return days((row["from_min"] + row["to_min"]) / 2)


def _hover(row: Mapping[str, Any]) -> str:
    return f"{row['malignant']} malignant of {row['cases']}"
