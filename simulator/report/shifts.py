"""Shifts in the report: the truth as recorded, prevalence over time, and figures by period."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.language.calendar import DAY_MIN
from simulator.report.figures import Figure, axis, drawn, plain, rounded, whiskers
from simulator.report.markup import Html, details, join, mark, small, table, tag
from simulator.report.shift_words import (
    PERIOD_METRICS,
    SHIFT_HEAD,
    SHORT,
    agreement,
    answer_of,
    lasts,
    share,
    shift_row,
    span,
    told,
)
from simulator.report.timeline import ticked
from simulator.report.units import figure
from simulator.report.wording import per_cent

Point = Mapping[str, Any]

_KINDS: Final = ("ppv", "npv")
_OPEN: Final = 8  # rows that are shown at once
_LABELS: Final = 3  # of shifts, one below the other
SHIFTS_TOLD: Final = (
    "Patients belong to a period by the time at which they come. Bayes' theorem takes sensitivity "
    "and specificity from before the first shift and the true prevalence of each period; its "
    "interval is by the delta method on the logit. Compatible: a two-sided test finds no "
    "difference at the stated confidence, which holds for all these tests together (Holm)."
)


def shift_tables(point: Point, start_min: float, warmup_min: float) -> Html:
    """Return what shifted and what it did; empty where nothing shifts.

    Parameters:
        start_min: time of the week at which the run starts, minutes since Monday 00:00.
    """
    found = point.get("shifts")
    if not found:
        return Html("")
    sentences = tag("ul", *(tag("li", one) for one in told(point)))
    rows = [shift_row(shift) for shift in found["shifts"]]
    return join(
        [
            sentences,
            table("Shifts as the scenario sets them: the truth", SHIFT_HEAD, rows, numeric=1),
            _over_time(point, start_min, warmup_min),
            *(_by_period(point, prefix) for prefix in PERIOD_METRICS),
            _beside_bayes(point),
        ]
    )


def _over_time(point: Point, start_min: float, warmup_min: float) -> Html:
    found = point["shifts"]
    curve = found["prevalence"]
    if curve is None:
        return Html("")
    spells, line = curve["spells"], curve["line"]
    values = [100 * one["value"] for one in spells]
    highs = [100 * one["high"] for one in spells]
    middles = [_days((one["from_min"] + one["to_min"]) / 2) for one in spells]
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
                "x": [_days(at) for at, _ in line],
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
        "xaxis": {**axis(""), **ticked(end_min, start_min), "range": [0, _days(end_min)]},
        "yaxis": axis("malignant, % of patients", range=[0, _top([*highs, *_ys(line)])]),
        "shapes": [*_warm(warmup_min), *_marks(found["shifts"], end_min)],
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


def _days(minutes: float) -> float:
    return round(minutes / DAY_MIN, 5)


def _warm(warmup_min: float) -> list[dict[str, Any]]:
    if not warmup_min > 0:
        return []
    area = {"type": "rect", "x0": 0, "x1": _days(warmup_min), "y0": 0, "y1": 1, "yref": "paper"}
    return [{**area, "fillcolor": "@muted/15", "line": {"width": 0}}]


def _marks(shifts: Sequence[Mapping[str, Any]], end_min: float) -> list[dict[str, Any]]:
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
            "x0": _days(at_min),
            "x1": _days(at_min),
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


def _by_period(point: Point, prefix: str) -> Html:
    """Return a table of periods and their figures, of decisions or of the AI."""
    periods = point["shifts"]["periods"]
    names = [
        name
        for name in PERIOD_METRICS[prefix]
        if any(answer_of(point, name, period["name"]) for period in periods)
    ]
    if not names:
        return Html("")
    rows: list[list[object]] = []
    for period in periods:
        answers = [(name, answer_of(point, name, period["name"])) for name in names]
        rows.append(
            [
                _named(period),
                _count(period),
                _prevalence(point, period),
                *("" if one is None else figure(name, one) for name, one in answers),
            ]
        )
    who = "Decisions" if prefix == "" else "The AI's verdicts"
    level = per_cent(point["confidence"])
    head = [
        "period",
        "malignant / all",
        "prevalence",
        *(SHORT[name].removeprefix("AI ") for name in names),
    ]
    return table(f"{who} by period, with {level} intervals", head, rows, numeric=len(names) + 2)


def _named(period: Mapping[str, Any]) -> Html:
    return join([period["name"], small(lasts(period))], Html("<br>"))


def _count(period: Mapping[str, Any]) -> str:
    if period["patients"] is None:
        return "–"
    return f"{period['malignant']:,} / {period['patients']:,}"


def _prevalence(point: Point, period: Mapping[str, Any]) -> Html:
    answer = answer_of(point, "prevalence", period["name"])
    shown = Html("") if answer is None else figure("prevalence", answer)
    true = period["true_prevalence"]
    return shown if true is None else join([shown, small(f"true {share(true)}")], Html("<br>"))


def _beside_bayes(point: Point) -> Html:
    rows: list[list[object]] = []
    for row in point["shifts"]["bayes"]:
        if row["reason"]:
            continue  # said in words
        for kind in _KINDS:
            one = row[kind]
            if one["bayes"] is None:
                shown: object = tag("span", one["reason"], class_="none")
            else:
                shown = join(
                    [share(one["bayes"]), small(span(one["low"], one["high"]))], Html("<br>")
                )
            verdict = {True: "pass", False: "fail"}.get(one["agrees"])
            rows.append(
                [
                    row["period"],
                    SHORT[f"{row['of']}{kind}"],
                    mark(verdict, agreement(one)),
                    share(one["before"]),
                    shown,
                    share(one["found"]),
                ]
            )
    head = ["period", "predictive value", "verdict", "before", "by Bayes' theorem", "measured"]
    both = [
        row[kind]["agrees"] for row in point["shifts"]["bayes"] for kind in _KINDS if kind in row
    ]
    said = f"{both.count(True)} of {len(both)} are compatible"
    every = table("Predictive values, measured and by Bayes' theorem", head, rows, numeric=3)
    few = len(rows) <= _OPEN or False in both
    return details(f"Predictive values beside Bayes' theorem: {said}", every, is_open=few)
