"""Paired differences of each point from the first, on common random numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.report.answer import clear
from simulator.report.figures import Choice, Figure, axis, chosen, drawn, plain, rounded, whiskers
from simulator.report.headlines import asked, headlines
from simulator.report.markup import Html, details, join, table, tag
from simulator.report.units import change, number, scale, short, value
from simulator.report.wording import label, per_cent, sentence, words

Point = Mapping[str, Any]
Found = Mapping[str, Any]  # differences by metric, of one point from the first

_ROW: Final = 30  # pixels of a dot and its whisker
_FRAME: Final = 120
_UNFOLDED: Final = 2  # points whose table is shown at once


def comparison(points: Sequence[Point], differences: Sequence[Found]) -> Html:
    """Return forest plots and tables of the differences."""
    if not any(differences):
        return Html("")
    names = headlines(points)
    base = label(points[0])
    level = per_cent(points[0]["confidence"])
    note = (
        f"Differences are a point less {base}, over pairs of replications that share their random "
        f"numbers. Where the {level} interval leaves out 0, the difference is beyond chance. With "
        "many metrics, one in twenty such intervals misses by chance alone."
    )
    parts: list[object] = [tag("p", note, class_="note")]
    if len(points) == 2:
        parts.append(_relative_forest(names, points, differences[0]))
    else:
        parts.append(_forests(points, differences))
    for place, (point, found) in enumerate(zip(points[1:], differences, strict=True)):
        parts.append(
            details(
                f"{label(point)} less {base}",
                _table(names, points[0], point, found),
                tag("p", _pairing(found, [*asked(points), *names]), class_="note"),
                is_open=place < _UNFOLDED and len(points) <= 1 + _UNFOLDED,
            )
        )
    return join(parts)


def _table(names: Sequence[str], base: Point, other: Point, found: Found) -> Html:
    level = per_cent(base["confidence"])
    rows: list[list[object]] = []
    for name in names:
        one = found.get(name)
        if one is None or one["mean"] is None:
            continue
        before = base["metrics"][name]["value"]
        after = other["metrics"].get(name, {"value": None})["value"]
        moved, span = change(name, before, one)
        if _same(one, before):
            said, moved, span = "equal", "0", ""
        elif not one["valid"]:
            said = f"no valid interval: {short(one['reason'])}"
        else:
            sure = clear(one, base, name)
            said = ("higher" if one["mean"] > 0 else "lower") if sure else "within chance"
        rows.append([words(name), value(name, before), value(name, after), said, moved, span])
    head = ["metric", label(base), label(other), "in words", "difference", f"{level} interval"]
    return table("Paired differences of headline metrics", head, rows, numeric=2)


def _same(one: Mapping[str, Any], before: float | None) -> bool:
    """Return whether nothing but a residue of rounding differs."""
    widest = max(abs(one["low"] or 0.0), abs(one["high"] or 0.0), abs(one["mean"]))
    return bool(widest <= 1e-9 * abs(before or 0.0))


def _scale(name: str, before: float | None, one: Mapping[str, Any]) -> tuple[float, str]:
    factor, unit = scale(name, before or one["mean"])
    return factor, " points" if unit == " %" else unit


def _relative_forest(names: Sequence[str], points: Sequence[Point], found: Found) -> Html:
    """Return all headline metrics in one figure: relative to the first point, on one scale."""
    rows = []
    for name in reversed(names):
        one = found.get(name)
        if one is None or one["low"] is None:  # such as what only the other scenario has
            continue
        before = points[0]["metrics"][name]["value"]
        if before:
            share = 100 / abs(before)
            rows.append(
                (
                    words(name),
                    *(one[k] * share for k in ("mean", "low", "high")),
                    clear(one, points[0], name),
                )
            )
    if not rows:
        return Html("")
    title = f"{label(points[1])} less {label(points[0])}, in per cent of {label(points[0])}"
    return drawn(_forest(rows, title, _marks(points), "difference, %"))


def _marks(points: Sequence[Point]) -> str:
    level = per_cent(points[0]["confidence"])
    return f"Bars are {level} intervals. Filled: beyond chance; hollow: within it."


def _forests(points: Sequence[Point], differences: Sequence[Found]) -> Html:
    figures = {}
    first = list(dict.fromkeys([*asked(points), *headlines(points)]))
    rest = [n for n in points[0]["metrics"] if "{" not in n and n not in first]
    for name in [*first, *rest]:
        rows = []
        for point, found in reversed(list(zip(points[1:], differences, strict=True))):
            one = found.get(name)
            if one is not None and one["low"] is not None:
                factor, unit = _scale(name, points[0]["metrics"][name]["value"], one)
                spread = (one[key] * factor for key in ("mean", "low", "high"))
                rows.append((label(point), *spread, clear(one, points[0], name)))
        if rows:
            title = f"{sentence(words(name))}: difference from {label(points[0])}"
            over = f"difference,{unit}" if unit else "difference"
            figures[words(name)] = _forest(rows, title, _marks(points), over)
    return chosen(Choice(asks="Difference of:", figures=figures))


def _forest(rows: Sequence[tuple[Any, ...]], title: str, caption: str, over: str) -> Figure:
    names = [plain(row[0]) for row in rows]
    centres, lows, highs = ([rounded(row[at]) for row in rows] for at in (1, 2, 3))
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": centres,
            "y": names,
            "error_x": whiskers(centres, lows, highs),
            "marker": {
                "color": "@0",
                "size": 10,
                "symbol": ["circle" if row[4] else "circle-open" for row in rows],
            },
            "hovertemplate": "%{y}: %{x}<extra></extra>",
        }
    ]
    zero = {
        "type": "line",
        "x0": 0,
        "x1": 0,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": "@text", "width": 1.5},
    }
    layout = {
        "showlegend": False,
        "shapes": [zero],
        "xaxis": axis(over, zeroline=False),
        "yaxis": {"type": "category", "range": [-0.7, len(rows) - 0.3]},
    }
    height = _FRAME + _ROW * len(rows)
    return Figure(title=title, caption=caption, data=data, layout=layout, height=height)


def _pairing(found: Found, names: Sequence[str]) -> str:
    """Say in words what common random numbers were worth."""
    return " ".join(_worth(found, names)) or "No correlation can be told: the figures do not vary."


def _worth(found: Found, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        one = found.get(name)
        if one is None or one["correlation"] is None or one["variance_ratio"] is None:
            continue
        ratio = one["variance_ratio"]
        yield f"Common random numbers: {words(name)} correlates at {one['correlation']:.2f}"
        if 0 < ratio < 1:
            yield (
                "between the pairs, so the difference is as precise as that of "
                f"{number(1 / ratio)} times as many independent runs."
            )
        elif ratio == 0:
            yield "between the pairs, and the difference does not vary at all."
        else:
            yield "between the pairs, which does not help: independent runs would do as well."
        return
