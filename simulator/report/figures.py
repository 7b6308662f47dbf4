"""Figures as plain data that plotly draws in the reader's browser; importing plotly is slow.

Colours are tokens ("@0" to "@6", "@text", "@grid", "@muted"); report.js puts in the palette of the
reader's light or dark screen. The palette is M. Okabe, K. Ito (2008), Color universal design,
https://jfly.uni-koeln.de/color/. Series differ in dash and marker, too: never in colour alone.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.report.markup import Html, tag

DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
SYMBOLS: Final = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "x",
    "star",
)
COLOURS: Final = 7

Trace = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: what plotly's newPlot takes, and what a caption says."""

    title: str  # stands above it in bold
    caption: str  # what else a reader must know; with the title, its text for screen readers
    data: Sequence[Trace]
    layout: Mapping[str, Any] = field(default_factory=dict)
    height: int = 320  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Figures of which a reader picks one."""

    asks: str  # label of the selector
    figures: Mapping[str, Figure]  # by what the selector shows


def drawn(figure: Figure) -> Html:
    """Return a figure's element; empty where it has nothing to show."""
    if not figure.data:
        return Html("")
    data = _data({"data": figure.data, "layout": figure.layout})
    return tag("figure", _caption(figure), _plot(figure, figure.height), data)


def chosen(choice: Choice) -> Html:
    """Return a selector and the figure that it picks; the first is shown at once."""
    if not choice.figures:
        return Html("")
    options = [tag("option", name, value=place) for place, name in enumerate(choice.figures)]
    selector = tag("label", choice.asks, " ", tag("select", *options), class_="choice")
    every = list(choice.figures.values())
    height = max(figure.height for figure in every)
    variants = [
        {"data": one.data, "layout": one.layout, "title": one.title, "caption": one.caption}
        for one in every
    ]
    data = _data({"variants": variants})
    return tag("figure", selector, _caption(every[0]), _plot(every[0], height), data)


def _caption(figure: Figure) -> Html:
    return tag("figcaption", tag("strong", figure.title), " ", tag("span", figure.caption))


def _plot(figure: Figure, height: int) -> Html:
    said = f"{figure.title}. {figure.caption}"
    return tag("div", class_="plot", role="img", aria_label=said, style=f"height:{height}px")


def series(place: int, name: str, **more: Any) -> Trace:  # noqa: ANN401  plotly's own keys
    """Return what a series of that place looks like."""
    at = place % COLOURS
    return {
        "type": "scatter",
        "name": plain(name),
        "line": {"color": f"@{at}", "dash": DASHES[at], "width": 2},
        "marker": {"color": f"@{at}", "symbol": SYMBOLS[at], "size": 8},
        **more,
    }


def whiskers(
    centres: Sequence[float | None],
    lows: Sequence[float | None],
    highs: Sequence[float | None],
    place: int = 0,
) -> dict[str, Any]:
    """Return error bars from intervals; none where there is no interval."""
    pairs = list(zip(centres, lows, highs, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [_less(high, centre) for centre, _, high in pairs],
        "arrayminus": [_less(centre, low) for centre, low, _ in pairs],
        "color": f"@{place % COLOURS}",
        "thickness": 1.5,
        "width": 5,
    }


def _less(a: float | None, b: float | None) -> float:
    return 0.0 if a is None or b is None else rounded(a - b)


def rounded(value: float) -> float:
    """Return a value with the digits that a screen can show."""
    return float(f"{value:.5g}")


def plain(name: object) -> str:
    """Return text that plotly, which knows some HTML of its own, shows as it stands."""
    return html.escape(str(name), quote=False)


def axis(title: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  plotly's own keys
    """Return an axis with its title."""
    return {"title": {"text": plain(title), "standoff": 8}, **more}


def _data(value: object) -> Html:
    """Return JSON in an element that no browser runs, and that no text in it can close."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return Html(f'<script type="application/json">{written}</script>')
