"""Shifts in the report: the truth as recorded, prevalence over time, and figures by period."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.report.markup import Html, details, join, mark, small, table, tag
from simulator.report.prevalence import prevalence_over_time
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
from simulator.report.units import figure
from simulator.report.wording import per_cent

Point = Mapping[str, Any]

_KINDS: Final = ("ppv", "npv")
_OPEN: Final = 8  # rows that are shown at once
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
            prevalence_over_time(point, start_min, warmup_min),
            *(_by_period(point, prefix) for prefix in PERIOD_METRICS),
            _beside_bayes(point),
        ]
    )


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
    # The prevalence stands in the first of the tables, where there are two.
    first = prefix == "" or f"sensitivity{{period={periods[0]['name']}}}" not in point["metrics"]
    rows: list[list[object]] = []
    for period in periods:
        answers = [(name, answer_of(point, name, period["name"])) for name in names]
        rows.append(
            [
                _named(period),
                _count(period),
                *([_prevalence(point, period)] if first else []),
                *("" if one is None else figure(name, one) for name, one in answers),
            ]
        )
    who = "Decisions" if prefix == "" else "The AI's verdicts"
    level = per_cent(point["confidence"])
    head = ["period", "malignant / all", *(["prevalence"] if first else [])]
    head += [SHORT[name].removeprefix("AI ") for name in names]
    return table(f"{who} by period, with {level} intervals", head, rows, numeric=len(head) - 1)


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
