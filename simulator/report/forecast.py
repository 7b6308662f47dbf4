"""The page of a forecast: what was, and bands of what may come."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.language.calendar import DAY_MIN
from simulator.report.figures import Figure, Trace, axis, drawn
from simulator.report.markup import Html, join, section, table, tag
from simulator.report.page import page

_BANDS: Final = (("p05", "p95", "18"), ("p25", "p75", "40"))  # from, to, opacity in percent
_UNITS: Final = {"wait": "minutes", "utilisation": "share of time on duty"}


def forecast_page(result: Mapping[str, Any]) -> str:
    """Return the whole file of a forecast, as `dermtwin forecast` writes it to forecast.json."""
    start = result["start"]
    top = join(
        [
            tag("h1", f"{result['scenario']}: forecast"),
            tag(
                "p",
                f"{result['futures']} futures of {result['horizon_min'] / 60:g} h from event time "
                f"{result['t0_min']:g} min ({result['t0_is']}), with {start['in_system']} patients "
                f"inside, {start['unanswered']} of them without an answer.",
                class_="question",
            ),
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )
    sections = {
        "time": ("Over time", _figures(result)),
        "horizon": ("Over the horizon", _metrics(result["metrics"])),
        "assumed": (
            "What is assumed",
            _lines([*result["assumptions"], result["meanings"]["bands"]]),
        ),
    }
    if result["degraded"]:
        sections["degraded"] = ("Degraded", _lines(result["degraded"]))
    body = join(section(title, inner, key=key) for key, (title, inner) in sections.items())
    return page(
        f"{result['scenario']}: forecast",
        top,
        [(key, title) for key, (title, _) in sections.items()],
        body,
    )


def _figures(result: Mapping[str, Any]) -> Html:
    at = _hours(result["bins_min"], result)
    before = _hours(result["history"]["bins_min"], result)
    figures = []
    for name, band in result["series"].items():
        traces: list[Trace] = []
        for low, high, opacity in _BANDS:
            edge = {
                "type": "scatter",
                "mode": "lines",
                "x": at,
                "line": {"width": 0, "color": "@0"},
                "hoverinfo": "skip",
                "showlegend": False,
            }
            traces.append({**edge, "y": band[low]})
            fill = {"fill": "tonexty", "fillcolor": f"@0/{opacity}"}
            traces.append({**edge, "y": band[high], **fill})
        median = {"color": "@0", "width": 2}
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "median",
                "x": at,
                "y": band["p50"],
                "line": median,
            }
        )
        if name in result["history"] and before:
            past = {"color": "@text", "width": 2, "dash": "dot"}
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": "log",
                    "x": before,
                    "y": result["history"][name],
                    "line": past,
                }
            )
        meaning = result["meanings"][name.split(".")[0]]
        meaning = meaning[0].upper() + meaning[1:]
        figures.append(
            Figure(
                title=name,
                caption=f"{meaning}. Bands: 5 to 95 % and 25 to 75 % of the futures.",
                data=traces,
                layout={
                    "xaxis": axis("hours from the fork"),
                    "yaxis": axis(_UNITS.get(name.split(".")[0], "patients"), rangemode="tozero"),
                    "hovermode": "x unified",
                },
                height=260,
            )
        )
    return join(drawn(one) for one in figures)


def _hours(at_min: Sequence[float], result: Mapping[str, Any]) -> list[float]:
    return [round((one - result["t0_min"]) / (DAY_MIN / 24), 4) for one in at_min]


def _metrics(metrics: Mapping[str, Mapping[str, float | None]]) -> Html:
    keys = ("mean", "p05", "p50", "p95")
    rows = [
        [name, *("" if one[key] is None else f"{one[key]:.4g}" for key in keys)]
        for name, one in metrics.items()
    ]
    return table(
        "Figures of the whole horizon, over futures", ["figure", *keys], rows, numeric=len(keys)
    )


def _lines(lines: Sequence[str]) -> Html:
    return tag("ul", *(tag("li", one) for one in lines))
