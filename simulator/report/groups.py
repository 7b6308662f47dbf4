"""Who waits and who is missed: metrics by class, truth, sex, age, skin tone and body site."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.language.metrics import MetricName, parse_metric
from simulator.report.figures import Figure, axis, drawn, plain, rounded, whiskers
from simulator.report.group_rows import accuracy, group_rows, group_values
from simulator.report.headlines import main_node
from simulator.report.markup import Html, details, join, table, tag
from simulator.report.shift_words import SHORT
from simulator.report.units import figure, scale
from simulator.report.wording import KEYS, per_cent, sentence, words

Point = Mapping[str, Any]

_ROW: Final = 34  # pixels of a dot and its whisker
_FRAME: Final = 110  # pixels above and below them


def group_tables(point: Point) -> Html:
    """Return, for each kind of group, a figure and a table; empty where there are no groups."""
    return join(
        details(
            f"By {KEYS.get(key, key)}",
            _accuracy(key, point),
            _dots(key, values, point),
            details(f"All metrics by {KEYS.get(key, key)}", _table(key, values, point)),
            is_open=place == 0,
        )
        for place, (key, values) in enumerate(group_values(point).items())
    )


def _accuracy(key: str, point: Point) -> Html:
    """Return what decisions and the AI are worth in each group, with the cases it rests on."""
    names = accuracy(point)
    rows = [
        [
            row.value,
            f"{row.malignant:,} / {row.benign:,}",
            *(_cell(name, row.answers.get(name)) for name in names),
        ]
        for row in group_rows(point, key, names)
    ]
    head = [KEYS.get(key, key), "malignant / benign"]
    head += [SHORT[name] for name in names]
    level = per_cent(point["confidence"])
    caption = f"By {KEYS.get(key, key)}, all replications together, with {level} intervals"
    return table(caption, head, rows, numeric=len(head) - 1)


def _table(key: str, values: Sequence[str], point: Point) -> Html:
    known = (parse_metric(name) for name in point["metrics"])
    names = dict.fromkeys(one.name for one in known if one is not None and one.key == key)
    rows: list[list[object]] = []
    skipped = []
    for name in names:
        answers = [_answer(point, name, key, value) for value in values]
        if all(answer is None or answer["value"] is None for answer in answers):
            skipped.append(words(name))
            continue
        rows.append([words(name), *(_cell(name, answer) for answer in answers)])
    few = ""
    if skipped:
        said = f"Too few cases in every group for: {'; '.join(skipped)}."
        few = tag("p", said, class_="note")
    said = KEYS.get(key, key)
    return join([table(f"Metrics by {said}", ["metric", *values], rows, numeric=len(values)), few])


def _answer(point: Point, name: str, key: str, value: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = point["metrics"].get(str(MetricName(name, key, value)))
    return found


def _cell(name: str, answer: Mapping[str, Any] | None) -> Html:
    if answer is None:
        return tag("span", "not measured", class_="none")
    return figure(name, answer)


def _wait(key: str, values: Sequence[str], point: Point) -> str:
    """Return the wait to show: of the main node, or where not all groups go there, of all nodes."""
    name = f"wait.{main_node(point)}.mean"
    answers = [_answer(point, name, key, value) for value in values]
    everyone = all(answer is not None and answer["value"] is not None for answer in answers)
    whole = "time_to_diagnosis.all.mean"
    return name if everyone or whole not in point["metrics"] else whole


def _symbols(place: int, known: Sequence[tuple[str, Any]], point: Point) -> list[str]:
    """Return a panel's markers: hollow where some replications have no figure."""
    shape = ("circle", "square")[place]
    whole = point["replications"]
    return [shape if answer["n"] >= whole else f"{shape}-open" for _, answer in known]


def _limits(unit: str) -> dict[str, Any]:
    """Return what keeps an axis of shares within 0 and 100 %: intervals may reach beyond."""
    return {"minallowed": 0, "maxallowed": 100} if unit == " %" else {"minallowed": 0}


def _dots(key: str, values: Sequence[str], point: Point) -> Html:
    """Return waits and misses of each group side by side, with their intervals."""
    wanted = [_wait(key, values, point), "missed_malignant.share", "ai.sensitivity"]
    panels = []
    for name in wanted:
        answers = [_answer(point, name, key, value) for value in values]
        if any(answer is not None and answer["value"] is not None for answer in answers):
            panels.append((name, answers))
    panels = panels[:2]  # a wait, and misses; where nobody decides, the AI's sensitivity
    if not panels:
        return Html("")
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"showlegend": False, "shapes": []}
    height = len(panels) * (_ROW * len(values) + _FRAME)
    share, gap = 1 / len(panels), 0.75 * _FRAME / height
    for place, (name, answers) in enumerate(panels):
        known = [
            (value, answer)
            for value, answer in zip(values, answers, strict=True)
            if answer is not None and answer["value"] is not None
        ]
        factor, unit = scale(name, max(abs(answer["value"]) for _, answer in known))

        def at(what: str, factor: float = factor, known: Any = known) -> list[float | None]:  # noqa: ANN401
            return [None if a[what] is None else rounded(a[what] * factor) for _, a in known]

        suffix = "" if place == 0 else str(place + 1)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": at("value"),
                "y": [plain(value) for value, _ in known],
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
                "error_x": whiskers(at("value"), at("low"), at("high"), place),
                "marker": {
                    "color": f"@{place}",
                    "size": 10,
                    "symbol": _symbols(place, known, point),
                },
                "hovertemplate": "%{y}: %{x}" + unit + "<extra></extra>",
            }
        )
        # One panel above the other: on a phone they would be too narrow side by side.
        top = 1 - place * share
        layout[f"xaxis{suffix}"] = axis(
            f"{words(name)},{unit}", rangemode="tozero", anchor=f"y{suffix}", **_limits(unit)
        )
        layout[f"yaxis{suffix}"] = {
            "domain": [top - share + (gap if len(panels) > 1 else 0), top],
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [plain(value) for value in reversed(values)],
            "range": [-0.6, len(values) - 0.4],
            "anchor": f"x{suffix}",
        }
        overall = point["metrics"].get(name)
        if overall is not None and overall["value"] is not None:
            at_all = rounded(overall["value"] * factor)
            layout["shapes"].append(
                {
                    "type": "line",
                    "x0": at_all,
                    "x1": at_all,
                    "y0": 0,
                    "y1": 1,
                    "xref": f"x{suffix}",
                    "yref": f"y{suffix} domain",
                    "line": {"color": "@muted", "dash": "dot", "width": 1.5},
                }
            )
    missing = sorted(
        {
            value
            for _, answers in panels
            for value, answer in zip(values, answers, strict=True)
            if answer is None or answer["value"] is None
        },
        key=list(values).index,
    )
    few = f" Too few cases for a figure somewhere: {', '.join(missing)}." if missing else ""
    title = f"{' and '.join(words(name) for name, _ in panels)}, by {KEYS.get(key, key)}"
    caption = (
        "Bars are intervals, the dotted line is everyone. Hollow: not all replications had cases "
        f"enough for a figure; then do not rely on it.{few}"
    )
    return drawn(
        Figure(title=sentence(title), caption=caption, data=data, layout=layout, height=height)
    )
