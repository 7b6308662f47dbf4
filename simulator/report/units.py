"""Figures with their units and intervals, as people read them."""

import re
from collections.abc import Mapping
from math import floor, log10
from typing import Any, Final

from simulator.language.metrics import unit_of
from simulator.report.markup import Html, join, small, tag, text

Answer = Mapping[str, Any]  # one metric of a point, as in summary.json

_LACKING: Final = re.compile(r"(\d+) of (\d+) replications have no value(?:; (.*))?")
_BARE: Final = ("auc", "calibration_error", "brier")  # shares that nobody writes in per cent


def scale(name: str, largest: float) -> tuple[float, str]:
    """Return what a metric's values are multiplied with to be shown, and the unit behind them.

    Parameters:
        largest: of the values that are shown together, in the metric's own unit.
    """
    unit = unit_of(name)
    if unit == "min":
        return time_scale(largest)
    if unit == "share" and name.partition("{")[0] not in _BARE:
        return 100.0, " %"
    return 1.0, ""


def time_scale(minutes: float) -> tuple[float, str]:
    """Return factor and unit that minutes are read best in.

    >>> time_scale(0.5)[1], time_scale(90.0)[1], time_scale(600.0)[1], time_scale(5000.0)[1]
    (' s', ' min', ' h', ' d')
    """
    size = abs(minutes)
    if 0 < size < 1:
        return 60.0, " s"
    if size < 180:  # three hours: assumption, as are two days
        return 1.0, " min"
    return (1 / 60, " h") if size < 2880 else (1 / 1440, " d")


def number(value: float, like: float | None = None) -> str:
    """Return a number with three digits that matter, or all digits of a whole number.

    Parameters:
        like: larger number that it stands beside: it gets the decimals of that one.

    >>> number(0.0451), number(6.874), number(51.071), number(1006.4), number(0.0)
    ('0.0451', '6.87', '51.1', '1,006', '0')
    >>> number(8.9206, like=12.6)
    '8.9'
    """
    size = max(abs(value), abs(like or 0.0))
    if value == int(value) and like is None:
        return f"{value + 0.0:,.0f}".replace("-", "−")  # + 0.0: no minus before nought
    places = 2 - floor(log10(size)) if size > 0 else 0
    shown = f"{value:,.{min(max(places, 0), 12)}f}"
    return shown.replace("-", "−") if float(shown.replace(",", "")) else shown.lstrip("-")


def value(name: str, figure: float | None) -> str:
    """Return a figure with its unit.

    >>> value("wait.read.mean", 6.874), value("sensitivity", 0.8922), value("auc", 0.91)
    ('6.87 min', '89.2 %', '0.910')
    """
    if figure is None:
        return "no figure"
    factor, unit = scale(name, figure)
    return f"{number(figure * factor)}{unit}"


def interval(name: str, answer: Answer) -> str:
    """Return an interval in the unit of the figure that it belongs to; empty without one."""
    low, high = answer.get("low"), answer.get("high")
    if low is None or high is None:
        return ""
    factor, unit = scale(name, answer.get("value") or max(abs(low), abs(high)))
    return f"{_range(low * factor, high * factor)}{unit}"


def _range(low: float, high: float, *, signs: bool = False) -> str:
    """Return two numbers with as many decimals as the larger one needs."""
    like = max(abs(low), abs(high), key=abs)
    shown = [number(one, like) for one in (low, high)]
    if signs:
        shown = [
            f"+{text}" if one > 0 else text for one, text in zip((low, high), shown, strict=True)
        ]
    return " to ".join(shown)


def change(name: str, before: float | None, found: Answer) -> tuple[str, str]:
    """Return a difference and its interval, in the unit of the value that it starts from.

    Differences of shares are told in percentage points.

    >>> change("sensitivity", 0.9, {"mean": 0.02, "low": 0.01, "high": 0.03})
    ('+2 points', '+1.00 to +3.00 points')
    >>> change("sensitivity", 0.9, {"mean": -4e-5, "low": -0.041, "high": 0.041})[0]
    '0.00 points'
    """
    factor, unit = scale(name, before or found["mean"])
    unit = " points" if unit == " %" else unit
    moved = number(float(f"{found['mean'] * factor:.3g}"))
    if found["low"] is not None and found["high"] is not None:
        widest = max(abs(found["low"]), abs(found["high"]))
        if abs(found["mean"]) < widest / 10:  # digits that the interval makes idle
            moved = number(found["mean"] * factor, widest * factor)
    moved = f"+{moved}{unit}" if found["mean"] > 0 else f"{moved}{unit}"
    if found["low"] is None or found["high"] is None:
        return moved, "none"
    return moved, f"{_range(found['low'] * factor, found['high'] * factor, signs=True)}{unit}"


def figure(name: str, answer: Answer) -> Html:
    """Return value and interval for a cell, or why there is none."""
    if answer.get("value") is None:
        return tag("span", short(str(answer.get("reason", ""))), class_="none")
    shown = text(value(name, answer["value"]))
    below = [small(part) for part in remarks(name, answer)]
    return join([shown, *below], Html("<br>"))


def remark(name: str, answer: Answer) -> str:
    """Return the same in one line."""
    first, *rest = remarks(name, answer) or [""]
    return f"{first} ({rest[0]})" if rest else first


def remarks(name: str, answer: Answer) -> list[str]:
    """Return a figure's interval and what must be known of it, whichever there are."""
    span, reason = interval(name, answer), str(answer.get("reason") or "")
    if not reason or reason.startswith("one replication"):  # said once, among the cautions
        return [span] if span else []
    reason = short(reason)
    if reason.startswith("same in all") or not span:
        return [reason]
    return [span, reason if answer.get("valid") else f"not valid: {reason}"]


def short(reason: str) -> str:
    """Return a reason in fewer words, for a cell."""
    if reason.startswith("all ") and "agree" in reason:
        return f"same in all {reason.split()[1]} replications"
    if reason.startswith("only "):
        return f"too few cases: {reason}"
    if (lacking := _LACKING.match(reason)) is not None:
        lack, of, rest = lacking.groups()
        have = f"{int(of) - int(lack)} of {of} replications"
        return f"{have}; {short(rest)}" if rest else have
    return reason or "no figure"
