"""Alarms in the report: when, by which detector on which streams, and how soon after an onset."""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.analysis.detection import ANY, FAMILIES, family_of
from simulator.report.figures import SYMBOLS, Figure, axis, drawn, plain
from simulator.report.markup import Html
from simulator.report.prevalence import days, shift_marks
from simulator.report.sheets import Sheet
from simulator.report.shift_words import when
from simulator.report.timeline import ticked
from simulator.report.units import number, time_scale

Point = Mapping[str, Any]


def alarms_told(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield how soon any detector saw each shift, who was first, and how often there was none."""
    rows = found["families"]
    if not rows:
        return
    together = next(one for one in rows if (one["detector"], one["family"]) == (ANY, ANY))
    if together["false_per_month"] is not None:
        where = " before the first shift" if found["onsets"] else ""
        yield f"Reports with a false alarm{where}: {_rate(together)} a month."
    for onset in found["onsets"]:
        name = onset["period"]
        seen = together["delays"][name]
        said = f"Of {name}, onset {when(onset['at_min'])}: {seen['seen']} of {seen['runs']} "
        said += "replications have an alarm"
        if seen["delay_min"][1] is not None:
            said += f"; median delay {_time(seen['delay_min'][1])}"
            first = min(
                (one for one in rows if one["detector"] != ANY and one["family"] != ANY),
                key=lambda one: _order(one["delays"][name]["delay_min"][1]),
            )
            if first["delays"][name]["delay_min"][1] is not None:
                by = first["detector"].replace("_", " ")
                said += f"; of single detectors {by} on {first['family']} is first, after "
                said += _time(first["delays"][name]["delay_min"][1])
        yield said + "."


def family_sheet(found: Mapping[str, Any]) -> Sheet:
    """Return false alarms and delays by detector and family of streams."""
    names = [one["period"] for one in found["onsets"]]
    rows = [
        [
            one["detector"].replace("_", " "),
            one["family"],
            _rate(one),
            *(_delay(one["delays"][name]) for name in names),
        ]
        for one in found["families"]
    ]
    onsets = [f"{one['period']}, onset {when(one['at_min'])}" for one in found["onsets"]]
    return Sheet(
        caption="Alarms by family of streams: false ones, and the median delay after each onset",
        head=["detector", "streams", "false alarms a month", *onsets],
        rows=rows,
        numeric=1 + len(names),
    )


def alarms_figure(point: Point, start_min: float) -> Html:
    """Return when there were alarms, by detector and family; empty where nothing watches.

    Parameters:
        start_min: time of the week at which the run starts, minutes since Monday 00:00.
    """
    found = (point.get("loop") or {}).get("drift")
    if not found:
        return Html("")
    detectors = list(dict.fromkeys(by for _, by, _, _ in found["alarms"]))
    data = [_marks(found["alarms"], detector, place) for place, detector in enumerate(detectors)]
    end_min = point["window_min"][1]
    shifts = (point.get("shifts") or {"shifts": []})["shifts"]
    seen = [name for name in FAMILIES if any(name in one["y"] for one in data)]
    layout = {
        "xaxis": {**axis(""), **ticked(end_min, start_min), "range": [0, days(end_min)]},
        "yaxis": {
            **axis(""),
            "type": "category",
            "categoryorder": "array",
            "categoryarray": seen[::-1],
            "automargin": True,
        },
        "shapes": shift_marks(shifts, end_min),
        "margin": {"t": 40},
    }
    return drawn(
        Figure(
            title="Alarms over time",
            caption="Each sign is an alarm of a detector on one stream of a family, of all "
            "replications. Dashed: onset and end of each shift; what stands before it is false.",
            data=data,
            layout=layout,
            height=280,
        )
    )


def _marks(alarms: Any, detector: str, place: int) -> dict[str, Any]:  # noqa: ANN401
    own = [one for one in alarms if one[1] == detector]
    name = detector.replace("_", " ")
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(name),
        "x": [days(at_min) for _, _, _, at_min in own],
        "y": [family_of(stream) for _, _, stream, _ in own],
        "text": [f"{plain(stream)}, replication {run + 1}" for run, _, stream, _ in own],
        "marker": {
            "color": f"@{place}",
            "symbol": SYMBOLS[place % len(SYMBOLS)],
            "size": 8,
            "opacity": 0.6,
        },
        "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
    }


def _rate(one: Mapping[str, Any]) -> str:
    rate = one["false_per_month"]
    if rate is None:
        return "–"
    return (
        f"{number(rate['value'])} ({number(rate['low'], rate['high'])} to {number(rate['high'])})"
    )


def _delay(seen: Mapping[str, Any]) -> str:
    told = f"{seen['seen']} of {seen['runs']}"
    low, median, high = seen["delay_min"]
    if median is None:
        return told
    factor, unit = time_scale(median)
    early, middle = number(low * factor), number(median * factor)
    late = "later" if high is None else number(high * factor)
    return f"{told}, {middle}{unit} ({early} to {late})"


def _time(minutes: float) -> str:
    factor, unit = time_scale(minutes)
    return f"{number(minutes * factor)}{unit}"


def _order(minutes: float | None) -> float:
    return float("inf") if minutes is None else minutes
