"""How long patients wait, and how long they wait for a diagnosis: whole distributions."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.experiment.result import Curves
from simulator.report.figures import SYMBOLS, Figure, axis, drawn, series
from simulator.report.markup import Html, join
from simulator.report.units import number, time_scale
from simulator.report.wording import sentence

Floats = NDArray[np.float64]

_SHARES: Final = np.arange(101.0)  # per cent; levels of the quantile curves
_MARKED: Final = (50, 95)  # per cent; dots on the curves
_SHOWN: Final = 99  # per cent; where the axis ends: the rest is a long tail


def distributions(curves: Sequence[Curves]) -> Html:
    """Return cumulative distributions of waits and of the time to diagnosis."""
    averaged = {what: _averaged(what, curves) for one in curves for what in one.quantiles}
    # A node at which nobody was served has no curve.
    averaged = {what: found for what, found in averaged.items() if found}
    waits = {what: found for what, found in averaged.items() if what.startswith("wait.")}
    others = {what: found for what, found in averaged.items() if what not in waits}
    figures = []
    if waits and all(len(found) == 1 for found in waits.values()):
        together = {what[5:]: next(iter(found.values())) for what, found in waits.items()}
        figures.append(_figure("Waits at each node", together))
    else:
        for what, found in waits.items():
            figures.append(_figure(f"Wait at {what[5:]}, by class", found))
    for found in others.values():
        if len(found) == 1:
            found = {"all patients": next(iter(found.values()))}  # noqa: PLW2901  its own name
        figures.append(_figure("Time from arrival to diagnosis", found))
    return join(drawn(figure) for figure in figures)


def _averaged(what: str, curves: Sequence[Curves]) -> dict[str, Floats]:
    """Return the quantiles of each class, averaged over the replications that have the class."""
    runs: dict[str, list[Sequence[float]]] = {}
    for one in curves:
        for name, line in one.quantiles.get(what, {}).items():
            runs.setdefault(name, []).append(line)
    return {name: np.mean(np.array(lines, dtype=float), axis=0) for name, lines in runs.items()}


def _figure(title: str, lines: Mapping[str, Floats]) -> Figure:
    end_min = max(float(line[_SHOWN]) for line in lines.values())
    factor, unit = time_scale(end_min)
    data: list[dict[str, Any]] = []
    for place, (name, line) in enumerate(lines.items()):
        x = [float(f"{value * factor:.5g}") for value in line.tolist()]
        shown = "all classes" if name == "all" else name
        data.append(
            series(
                place,
                shown,
                mode="lines",
                x=x,
                y=_SHARES.tolist(),
                hovertemplate="%{y} % within %{x}" + unit,
                legendgroup=str(place),
            )
        )
        marks = {
            "type": "scatter",
            "mode": "markers",
            "x": [x[at] for at in _MARKED],
            "y": list(_MARKED),
            "marker": {"color": f"@{place % 7}", "size": 9, "symbol": SYMBOLS[place % 7]},
            "showlegend": False,
            "legendgroup": str(place),
            "hovertemplate": "%{y} % within %{x}" + unit + "<extra></extra>",
        }
        data.append(marks)
    told = "; ".join(
        f"{'all classes' if name == 'all' else name}: half within {_minutes(line[50])}, "
        f"95 % within {_minutes(line[95])}"
        for name, line in lines.items()
    )
    beyond = end_min * factor * 1.05
    layout = {
        "xaxis": axis(f"time,{unit}", range=[-beyond * 0.02, beyond if beyond > 0 else 1]),
        "yaxis": axis("patients, %", range=[0, 101]),
    }
    caption = (
        f"Share of patients within a time, with marks at 50 and 95 %. {sentence(told)}. Quantiles "
        "are averaged over replications; the axis ends at 99 %."
    )
    return Figure(title=title, caption=caption, data=data, layout=layout)


def _minutes(minutes: float) -> str:
    factor, unit = time_scale(minutes)
    return f"{number(minutes * factor)}{unit}"
