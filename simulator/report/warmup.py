"""Evidence for the warm-up: what was cut off, and the curves that say so."""

from collections.abc import Mapping
from typing import Any

from simulator.report.figures import Figure, axis, drawn, rounded
from simulator.report.markup import Html, join, tag
from simulator.report.timeline import ticked
from simulator.report.units import number, time_scale

_MSER = (
    "MSER-5 cuts where the statistic, the squared standard error of what remains, is least: "
    "K. P. White (1997), An effective truncation heuristic for bias reduction in simulation "
    "output, Simulation 69(6), 323–334. Averaging over replications first follows P. D. Welch "
    "(1983)."
)


def warmup_evidence(point: Mapping[str, Any], start_min: float) -> Html:
    """Return what was left out at the start, and why."""
    warm = point["warmup"]
    cut_min = warm["warmup_min"]
    factor, unit = time_scale(cut_min)
    length = f"{number(cut_min * factor)}{unit}"
    if warm["how"] == "given":
        said = (
            "No warm-up: figures count from the start of the run, as the scenario says."
            if cut_min == 0
            else f"The scenario gives the warm-up: the first {length} are left out of all figures."
        )
        return tag("p", said)
    found = f"MSER-5 on {warm['pilots']} pilot runs" if warm["pilots"] else "MSER-5"
    said = f"{found} leaves out the first {length}." if cut_min else f"{found} leaves out nothing."
    if not warm["valid"]:
        said += f" This is doubtful: {warm['reason']}."
    return join([tag("p", said), tag("p", _MSER, class_="note"), drawn(_figure(warm, start_min))])


def _figure(warm: Mapping[str, Any], start_min: float) -> Figure:
    average, statistic = warm["average"], warm["statistic"]
    if not average:
        return Figure(title="", caption="", data=[])
    spell_min, step_min = warm["spell_min"], warm["statistic_step_min"]
    lines: list[dict[str, Any]] = [
        {
            "x": [rounded((at + 0.5) * spell_min / 1440) for at in range(len(average))],
            "y": average,
            "name": "patients in the clinic",
        },
        {
            "x": [rounded(at * step_min / 1440) for at in range(len(statistic))],
            "y": statistic,
            "name": "MSER statistic",
            "yaxis": "y2",
        },
    ]
    data = [
        {"type": "scatter", "mode": "lines", "line": {"color": f"@{at}", "width": 2}, **line}
        for at, line in enumerate(lines)
    ]
    cut_days = warm["warmup_min"] / 1440
    ending = {
        "type": "line",
        "x0": cut_days,
        "x1": cut_days,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": "@text", "width": 2, "dash": "dash"},
        "label": {"text": "cut", "textposition": "end", "textangle": 0, "font": {"color": "@text"}},
    }
    layout = {
        "showlegend": False,
        "shapes": [ending],
        "xaxis": {**axis(""), **ticked(len(average) * spell_min, start_min), "anchor": "y2"},
        "yaxis": axis("in the clinic", domain=[0.56, 1.0], rangemode="tozero"),
        "yaxis2": axis("MSER", domain=[0.0, 0.44], rangemode="tozero", exponentformat="power"),
    }
    caption = (
        "Above: mean of the pilots. Below: MSER statistic of cutting there, over the first half. "
        "The dashed line is the cut."
    )
    title = "Patients in the clinic, and what cutting off the start is worth"
    return Figure(title=title, caption=caption, data=data, layout=layout, height=420)
