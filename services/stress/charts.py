"""The figures of a stress report."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.stress.measured import Series
from services.stress.processes import STORES
from simulator.report.figures import Figure, Trace, axis, rounded, series

_POINTS: Final = 300  # of a line: more than a screen can show apart
_COMPONENTS: Final = 6  # that have a line of their own
_TICKS: Final = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]
_LOG: Final = {"type": "log", "tickvals": _TICKS, "tickformat": ",d"}
Summary = Mapping[str, Any]
Look = tuple[float, Mapping[str, float], float]  # time, memory by component, cores in use


def binned(series: Series) -> tuple[list[float], int]:
    """Return the middles of the bins that a series is shown in, and the seconds of each."""
    width = max(1, int(np.ceil(len(series.at_s) / _POINTS)))
    middles = series.at_s[::width] + width / 2
    return [rounded(float(at)) for at in middles], width


def latency_figure(told: Series, summary: Summary) -> Figure:
    """Return percentiles of the latency over time, by when cases were due."""
    at_s, width = binned(told)
    data: list[Trace] = []
    for place, (name, values) in enumerate(told.percentiles_ms.items()):
        # Of a bin of several seconds, the worst second's: a mean of percentiles is none.
        y = [_worst(values[at : at + width]) for at in range(0, len(values), width)]
        data.append(_line(place, name, at_s, y, "%{y:,.0f} ms at %{x} s"))
    every = "each second" if width == 1 else f"the worst second of each {width}"
    return Figure(
        title="Latency over time",
        caption=f"From when a case was due to its verdict, of the cases due in {every}; a gap is "
        f"a second without cases, or with cases that never were answered. {_bands(summary)}",
        data=data,
        layout=_layout(summary, "latency, ms", told, **_LOG),
        height=360,
    )


def load_figures(told: Series, summary: Summary) -> list[Figure]:
    """Return what was due, answered and shed, and what was open."""
    at_s, width = binned(told)

    def rate(counts: NDArray[np.int64]) -> list[float | None]:
        starts = range(0, len(counts), width)
        return [rounded(float(counts[at : at + width].mean())) for at in starts]

    data = [
        _line(0, "due", at_s, rate(told.offered), "%{y} per second due"),
        _line(2, "answered", at_s, rate(told.answered), "%{y} per second answered"),
    ]
    if told.shed.any():
        data.append(_line(1, "shed", at_s, rate(told.shed), "%{y} per second shed"))
    lag = [float(told.lag[at : at + width].max()) for at in range(0, len(told.lag), width)]
    return [
        Figure(
            title="What was due and what was answered",
            caption=f"Cases per second. {_bands(summary)}",
            data=data,
            layout=_layout(summary, "cases per second", told, rangemode="tozero"),
        ),
        Figure(
            title="Open cases",
            caption="Sent and not answered; the most in each stretch of time.",
            data=[_line(3, "open", at_s, [*lag], "%{y} open at %{x} s")],
            layout={**_layout(summary, "cases", told, rangemode="tozero"), "showlegend": False},
            height=260,
        ),
    ]


def memory_figures(looks: Sequence[Look], told: Series, summary: Summary) -> list[Figure]:
    """Return memory by component, and processor time."""
    if len(looks) < 2:
        return []
    step = max(1, len(looks) // _POINTS)
    kept = looks[::step]
    at_s = [rounded(at) for at, _, _ in kept]
    parts = summary["memory"]["components"]
    largest = sorted(parts, key=lambda name: -parts[name]["median_mb"])[:_COMPONENTS]
    total = [sum(mb for name, mb in one.items() if name not in STORES) for _, one, _ in kept]
    data = [_line(6, "the twin in all", at_s, [*map(rounded, total)], "%{y:,.0f} MiB")]
    for place, name in enumerate(largest):
        y = [rounded(one.get(name, 0.0)) for _, one, _ in kept]
        data.append(_line(place, name, at_s, [*y], f"{name}: %{{y:,.0f}} MiB"))
    cores = [rounded(used) for _, _, used in kept]
    return [
        Figure(
            title="Memory",
            caption="Of each component its own pages; of the servers and others the largest. "
            "kafka and redis keep the record and are no part of the sum.",
            data=data,
            layout=_layout(summary, "MiB", told, rangemode="tozero"),
            height=360,
        ),
        Figure(
            title="Processor time",
            caption="Cores in use by the twin and the load, of "
            f"{summary['machine']['cores']} that there are.",
            data=[_line(0, "cores", at_s, [*cores], "%{y} cores at %{x} s")],
            layout={**_layout(summary, "cores", told, rangemode="tozero"), "showlegend": False},
            height=240,
        ),
    ]


def knee_figures(summary: Summary) -> list[Figure]:
    """Return the steps of a search for the knee: p99 and throughput against the rate."""
    knee = summary["knee"]
    if knee is None:
        return []
    steps = sorted(knee["steps"], key=lambda one: one["rate_per_s"])
    limit = summary["objective"].get("latency.p99_ms")
    at_knee = [_upright(knee["rate_per_s"], "@2")] if knee["rate_per_s"] is not None else []
    level = [] if limit is None else [_level(limit)]
    x_axis = axis("cases due per second", rangemode="tozero")
    top = max(one["rate_per_s"] for one in steps)
    even = {
        "type": "scatter",
        "mode": "lines",
        "name": "all answered",
        "x": [0, top],
        "y": [0, top],
        "line": {"color": "@muted", "dash": "dot", "width": 1.5},
        "hoverinfo": "skip",
    }
    words = "Filled marks: kept up with; hollow ones: not. The upright line is the knee."
    return [
        Figure(
            title="Latency against the load",
            caption=f"p99 of each step; the level line is the objective. {words}",
            data=_marks(steps, "p99_ms", "p99", "%{y:,.0f} ms at %{x} per second"),
            layout={
                "xaxis": x_axis,
                "yaxis": axis("p99, ms", **_LOG),
                "shapes": [*at_knee, *level],
                "showlegend": False,
            },
        ),
        Figure(
            title="Throughput against the load",
            caption=f"Cases answered per second in each step. {words}",
            data=[
                even,
                *_marks(steps, "throughput_per_s", "answered", "%{y} of %{x} per second"),
            ],
            layout={
                "xaxis": x_axis,
                "yaxis": axis("answered per second", rangemode="tozero"),
                "shapes": at_knee,
                "showlegend": False,
            },
        ),
    ]


def _marks(steps: Sequence[Summary], key: str, name: str, hover: str) -> list[Trace]:
    found = series(
        0,
        name,
        mode="lines+markers",
        x=[rounded(one["rate_per_s"]) for one in steps],
        y=[one[key] for one in steps],
        hovertemplate=f"{hover}<extra></extra>",
    )
    symbols = ["circle" if one["keeps_up"] else "circle-open" for one in steps]
    found["marker"] = {"color": "@0", "symbol": symbols, "size": 11, "line": {"width": 2}}
    return [found]


def _line(
    place: int, name: str, x: Sequence[float], y: Sequence[float | None], hover: str
) -> Trace:
    template = f"{hover}<extra></extra>"
    return series(place, name, mode="lines", x=list(x), y=list(y), hovertemplate=template)


def _layout(summary: Summary, title: str, told: Series, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    ends = [0, float(len(told.at_s))]
    return {
        "xaxis": axis("seconds from the begin of the load", range=ends),
        "yaxis": axis(title, **more),
        "shapes": _shapes(summary),
    }


def _shapes(summary: Summary) -> list[dict[str, Any]]:
    """Return faults and their recoveries as bands, the warm-up, and the end of the load."""
    found = []
    if summary["profile"] != "knee" and (summary["warmup_s"] or 0) > 0:
        found.append(_band(0.0, summary["warmup_s"], "@muted/15"))
    for one in summary["faults"]:
        if one["began_s"] is None:
            continue
        ended_s = max(one["ended_s"], one["began_s"] + 0.2)  # at once is seen, too
        found.append(_band(one["began_s"], ended_s, "@1/30"))
        if one["recovered_s"]:
            found.append(_band(ended_s, one["began_s"] + one["recovered_s"], "@4/20"))
    if summary["profile"] != "knee":
        found.append(_upright(summary["load_s"], "@muted"))
    return found


def _bands(summary: Summary) -> str:
    said = []
    if summary["profile"] != "knee":
        if (summary["warmup_s"] or 0) > 0:
            said.append("Grey: warm-up, not in the figures.")
        said.append("The upright line is the end of the load.")
    if summary["faults"]:
        said.append("Red: a fault; yellow: until the steady state held again.")
    return " ".join(said)


def _band(from_s: float, to_s: float, colour: str) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": rounded(from_s),
        "x1": rounded(to_s),
        "y0": 0,
        "y1": 1,
        "fillcolor": colour,
        "line": {"width": 0},
        "layer": "below",
    }


def _upright(at: float, colour: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1.5, "dash": "dash"}
    ends = {"x0": rounded(at), "x1": rounded(at), "y0": 0, "y1": 1}
    return {"type": "line", "xref": "x", "yref": "paper", **ends, "line": line}


def _level(at: float) -> dict[str, Any]:
    line = {"color": "@1", "width": 1.5, "dash": "dash"}
    return {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": at, "y1": at} | {
        "line": line
    }


def _worst(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    if not len(known) or np.isinf(known).any():
        return None
    return rounded(float(known.max()))
