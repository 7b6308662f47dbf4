"""Drift in the report: alarms beside the true onsets, and estimates without labels."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator.report.drift_alarms import alarms_told, family_sheet
from simulator.report.figures import Choice, Figure, axis, chosen, rounded, whiskers
from simulator.report.markup import Html
from simulator.report.prevalence import days, shift_marks
from simulator.report.sheets import NAMES, Sheet
from simulator.report.shift_words import share, span, when
from simulator.report.timeline import ticked
from simulator.report.units import number, time_scale
from simulator.report.wording import per_cent, sentence

Point = Mapping[str, Any]

DRIFT_TOLD: Final = (
    "A false alarm is a report with an alarm before the first shift; a month has 30 days, and the "
    "interval is that of a Poisson rate, for reports that are false independently of each other. A "
    "delay runs from the onset to the first alarm while the shift lasts: the median over all "
    "replications, those without an alarm being later than any, with quartiles. Single streams "
    "count every alarm; those that a shift does not touch need not see it. "
    "Of estimates the truth is known where one stack with the same learners answered "
    "the whole window; one that says it is not valid is not counted against it."
)


def drift_told(point: Point) -> Iterator[str]:
    """Yield what estimates without labels were worth."""
    found = (point.get("loop") or {}).get("drift")
    if not found:
        return
    yield from alarms_told(found)
    for name, one in found["estimates"].items():
        if not one["epochs"]:
            continue
        said = f"The estimate of {NAMES.get(name, name)} without labels says that it is not valid "
        said += f"at {one['not_valid']} of {one['epochs']} epochs"
        if one["judged"]:
            held = span(one["holding_low"], one["holding_high"])
            said += (
                f"; of {one['judged']} others with a known truth its interval holds it in "
                f"{share(one['holding'] / one['judged'])} ({held})"
            )
        why = next(iter(one["why_not_valid"].items()), None)
        if why is not None:
            said += f". Not valid, {why[1]:,} times: {why[0]}"
        yield said + "."


def drift_sheets(point: Point) -> list[Sheet]:
    """Return families of streams, why estimates are not valid, and single streams."""
    found = (point.get("loop") or {}).get("drift")
    if not found:
        return []
    names = [one["period"] for one in found["onsets"]]
    rows = [
        [
            one["stream"],
            one["detector"].replace("_", " "),
            f"{one['alarms']:,}",
            "–" if one["false_per_month"] is None else number(one["false_per_month"]),
            *(_delay(one["delays"][name]) for name in names),
        ]
        for one in found["streams"]
    ]
    onsets = [f"{one['period']}, onset {when(one['at_min'])}" for one in found["onsets"]]
    head = ["stream", "detector", "alarms", "false alarms a month", *onsets]
    streams = Sheet(
        caption="Alarms by stream: how many replications see each shift, and the median delay",
        head=head,
        rows=rows,
        numeric=2 + len(names),
    )
    why = [
        [NAMES.get(name, name), reason, f"{times:,}"]
        for name, one in found["estimates"].items()
        for reason, times in one["why_not_valid"].items()
    ]
    caption = "Where estimates without labels are not valid"
    reasons = Sheet(caption=caption, head=["figure", "why", "epochs"], rows=why, numeric=1)
    return [family_sheet(found), reasons, streams]


def _delay(one: Mapping[str, Any]) -> str:
    seen = f"{one['seen']} of {one['runs']}"
    if one["median_delay_min"] is None:
        return seen
    factor, unit = time_scale(one["median_delay_min"])
    return f"{seen}, {number(one['median_delay_min'] * factor)}{unit}"


def estimates_figure(point: Point, start_min: float) -> Html:
    """Return estimates without labels beside the truth, by epoch; empty without any."""
    found = (point.get("loop") or {}).get("drift")
    if not found:
        return Html("")
    figures = {
        sentence(NAMES.get(name, name)): _figure(name, one["rows"], point, start_min)
        for name, one in found["estimates"].items()
        if any(row["value"] is not None for row in one["rows"])
    }
    return chosen(Choice(asks="Estimate without labels:", figures=figures))


def _figure(name: str, rows: Any, point: Point, start_min: float) -> Figure:  # noqa: ANN401
    data: list[dict[str, Any]] = []
    known = [row for row in rows if row["true"] is not None]
    data.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "true",
            "x": [days(row["at_min"]) for row in known],
            "y": [rounded(100 * row["true"]) for row in known],
            "line": {"color": "@1", "width": 2.5},
            "hovertemplate": "true %{y:.3g} %<extra></extra>",
        }
    )
    for valid, said, symbol in ((True, "estimate", "circle"), (False, "not valid", "x")):
        some = [row for row in rows if row["value"] is not None and row["valid"] == valid]
        values, lows, highs = (
            [None if row[key] is None else 100 * row[key] for row in some]
            for key in ("value", "low", "high")
        )
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": said,
                "x": [days(row["at_min"]) for row in some],
                "y": [rounded(one) for one in values if one is not None],
                "error_y": whiskers(values, lows, highs, 0),
                "marker": {"color": "@0" if valid else "@muted", "symbol": symbol, "size": 7},
                "hovertemplate": "%{y:.3g} %<extra>%{fullData.name}</extra>",
            }
        )
    end_min = point["window_min"][1]
    shifts = (point.get("shifts") or {"shifts": []})["shifts"]
    layout = {
        "xaxis": {**axis(""), **ticked(end_min, start_min), "range": [0, days(end_min)]},
        "yaxis": axis(f"{NAMES.get(name, name)}, %"),
        "shapes": shift_marks(shifts, end_min),
        "margin": {"t": 40},
    }
    level = per_cent(point["confidence"])
    caption = (
        f"First replication, latest cases before each epoch, with {level} intervals. The line is "
        "the truth where one stack answered all of them. Dashed: onset and end of each shift."
    )
    title = f"{sentence(NAMES.get(name, name))}, estimated without labels"
    return Figure(title=title, caption=caption, data=data, layout=layout)
