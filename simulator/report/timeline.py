"""Queues and staff over time: means over replications, with a band of most of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.experiment.result import Curves
from simulator.language.calendar import DAY_MIN, DAYS
from simulator.report.figures import DASHES, Figure, axis, drawn, plain
from simulator.report.markup import Html, join

_LOW, _HIGH = 0.1, 0.9  # of the replications: the band

Floats = NDArray[np.float64]


def over_time(curves: Sequence[Curves], start_min: float, warmup_min: float) -> Html:
    """Return the figures of queues, people in the clinic, and staff.

    Parameters:
        curves: of each replication.
        start_min: time of the week at which the run starts, minutes since Monday 00:00.
    """
    told = [one for one in curves if len(one.at_min) > 1]
    if not told:
        return Html("")
    grid = max((np.array(one.at_min, dtype=float) for one in told), key=lambda at: float(at[-1]))
    ticks = ticked(float(grid[-1]), start_min)
    band = (
        f"Lines are means over {len(told)} replications, shaded bands span 10 to 90 % of them."
        if len(told) > 1
        else "One replication."
    )

    def stacked(series: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, Floats]:
        ats = [np.array(one.at_min, dtype=float) for one in told]
        return {
            name: np.array(
                [
                    # A run that ended earlier has nobody in it from then on.
                    np.interp(grid, at, np.array(values), right=0.0)
                    for at, values in zip(ats, runs, strict=True)
                ]
            )
            for name, runs in series.items()
        }

    queues = stacked({n: [one.queue[n] for one in told] for n in told[0].queue})
    inside = stacked({"in the clinic": [one.in_system for one in told]})
    days = (grid / DAY_MIN).round(5).tolist()
    ends = [0.0, round(float(grid[-1] + grid[0]) / DAY_MIN, 5)]  # the grid has middles of spells
    layout: dict[str, Any] = {
        "xaxis": {**axis(""), **ticks, "range": ends},
        "hovermode": "x unified",
    }
    layout |= {"shapes": _cut(warmup_min)}
    parts = []
    if queues:
        parts.append(
            Figure(
                title="Patients waiting in each queue",
                caption=band,
                data=[
                    t for at, (n, v) in enumerate(queues.items()) for t in banded(days, n, v, at)
                ],
                layout={**layout, "yaxis": axis("patients waiting", rangemode="tozero")},
            )
        )
    for name in told[0].busy:
        busy = stacked({name: [one.busy[name] for one in told]})[name]
        duty = stacked({name: [one.duty[name] for one in told]})[name].mean(axis=0)
        on_duty = {
            "type": "scatter",
            "mode": "lines",
            "name": "on duty",
            "x": days,
            "y": _short(duty),
            "line": {"color": "@text", "width": 1.5, "shape": "hvh", "dash": "dash"},
        }
        parts.append(
            Figure(
                title=f"{name}: people at work and on duty",
                caption=band,
                data=[*banded(days, "at work", busy, 0), on_duty],
                layout={**layout, "yaxis": axis("people", rangemode="tozero")},
                height=260,
            )
        )
    parts.append(
        Figure(
            title="Patients in the clinic, from arrival to leaving",
            caption=band,
            data=banded(days, "in the clinic", inside["in the clinic"], 0),
            layout={**layout, "yaxis": axis("patients", rangemode="tozero"), "showlegend": False},
            height=260,
        )
    )
    return join(drawn(part) for part in parts)


def banded(x: Sequence[float], name: str, runs: Floats, place: int) -> list[dict[str, Any]]:
    """Return a line of means and, where there are several runs, a band; runs: (runs, points)."""
    traces: list[dict[str, Any]] = []
    group = {"legendgroup": plain(name)}
    if len(runs) > 1:
        low, high = np.quantile(runs, [_LOW, _HIGH], axis=0)
        edge = {
            "type": "scatter",
            "mode": "lines",
            "x": x,
            "line": {"width": 0, "color": f"@{place}"},
            "hoverinfo": "skip",
            "showlegend": False,
            **group,
        }
        traces.append({**edge, "y": _short(low)})
        traces.append({**edge, "y": _short(high), "fill": "tonexty", "fillcolor": f"@{place}/18"})
    line = {"color": f"@{place}", "width": 2, "dash": DASHES[place % len(DASHES)]}
    mean = {"type": "scatter", "mode": "lines", "name": plain(name), "x": x, "line": line, **group}
    traces.append({**mean, "y": _short(runs.mean(axis=0))})
    return traces


_MOST_TICKS: Final = 15


def ticked(span_min: float, start_min: float) -> dict[str, Any]:
    """Return the ticks of a time axis in days: clock times, weekdays, or days since the start.

    >>> ticked(2880.0, 480.0)["ticktext"][:2]
    ['Mon 12:00', 'Mon 18:00']
    """
    steps = (60.0, 180.0, 360.0, 720.0, DAY_MIN)
    step = next((one for one in steps if span_min / one <= 10), DAY_MIN)
    if span_min / step > _MOST_TICKS:
        # Days since the start, in steps of 2, or of 7, 14, 28, ...
        days = 2.0
        while span_min / DAY_MIN / days > _MOST_TICKS:
            days = days * 2 if days > 2 else 7.0
        places = np.arange(0, span_min / DAY_MIN + 1e-9, days)
        text = [f"day {place:.0f}" for place in places]
        return {"tickvals": places.tolist(), "ticktext": text}
    first = -start_min % step
    minutes = np.arange(first, span_min + 1e-9, step)
    return {
        "tickvals": (minutes / DAY_MIN).round(6).tolist(),
        "ticktext": [_clock(start_min + minute, step) for minute in minutes.tolist()],
    }


def _clock(minute: float, step: float) -> str:
    day = DAYS[int(minute // DAY_MIN) % 7]
    if step >= DAY_MIN:
        return day
    hours, minutes = divmod(round(minute % DAY_MIN), 60)
    return f"{day} {hours:02}:{minutes:02}"


def _cut(warmup_min: float) -> list[dict[str, Any]]:
    if not warmup_min > 0:
        return []
    area = {"type": "rect", "x0": 0, "x1": warmup_min / DAY_MIN, "y0": 0, "y1": 1, "yref": "paper"}
    label = {"text": "warm-up", "textposition": "top left", "font": {"color": "@muted"}}
    return [{**area, "fillcolor": "@muted/15", "line": {"width": 0}, "label": label}]


def _short(values: Floats) -> list[float]:
    return [float(f"{value:.4g}") for value in values.tolist()]
