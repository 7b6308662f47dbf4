"""Metrics in words and numbers with their units, for people who do not know our names."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.language.metrics import parse_metric, unit_of
from simulator.report.markup import Html, small, tag, text

Answer = Mapping[str, Any]  # one metric of a point, as in summary.json

# What a statistic makes of a time: mean wait, 95th percentile of the wait.
_STATISTICS: Final = {
    "mean": "mean {what}",
    "p50": "median {what}",
    "p95": "95th percentile of the {what}",
    "max": "longest {what}",
}
_NODE: Final = {
    "number": "mean number waiting or served at {node}",
    "delayed": "share who wait at {node}",
    "blocked": "share who find the waiting room of {node} full",
    "balked": "share who turn away at the queue of {node}",
    "reneged": "share who leave the queue of {node} unserved",
    "visits": "visits to {node}",
}
_PLAIN: Final = {
    "number_in_system.mean": "mean number of patients in the clinic",
    "throughput.per_h": "patients who leave per hour",
    "patients.arrived": "patients who came",
    "patients.closed": "patients who finished their pathway",
    "patients.left": "patients who left before the end of their pathway",
    "sensitivity": "sensitivity of the decision to refer",
    "specificity": "specificity of the decision to refer",
    "ppv": "positive predictive value of a referral",
    "npv": "negative predictive value of no referral",
    "missed_malignant.count": "malignant lesions missed",
    "missed_malignant.share": "share of malignant lesions missed",
    "biopsies.count": "referrals for biopsy",
    "biopsies.per_malignant": "biopsies for each malignant lesion found",
    "harm.melanoma_days": "days to diagnosis, summed over malignant patients",
    "ai.sensitivity": "AI sensitivity",
    "ai.specificity": "AI specificity",
    "auc": "AI area under the ROC curve",
    "calibration_error": "AI calibration error",
    "verdicts.count": "AI verdicts",
    "verdicts.rejected": "patients whom the AI could not score",
    "verdicts.lost": "verdicts lost",
}
KEYS: Final = {
    "class": "class",
    "truth": "truth",
    "flagged": "flagged by the AI",
    "sex": "sex",
    "age_band": "age band",
    "skin_tone": "skin tone",
    "site": "body site",
}
_BARE: Final = ("auc", "calibration_error")  # shares that nobody writes in per cent


def words(name: str) -> str:
    """Return what a metric is called in plain words.

    >>> words("wait.read.p95{class=urgent}"), words("utilisation.nurse")
    ('95th percentile of the wait at read (class urgent)', 'utilisation of nurse')
    """
    metric = parse_metric(name)
    if metric is None:
        return name
    said = _words(metric.name)
    if metric.key is None:
        return said
    return f"{said} ({KEYS.get(metric.key, metric.key)} {metric.value})"


def _words(name: str) -> str:
    if name in _PLAIN:
        return _PLAIN[name]
    head, _, rest = name.partition(".")
    middle, _, last = rest.rpartition(".")
    of = _STATISTICS.get(last, f"{{what}}, {last}")
    if head == "wait":
        return of.format(what=f"wait at {middle}")
    if head == "queue":
        return f"{'longest' if last == 'max' else 'mean'} queue at {middle}"
    if head in _NODE:
        return _NODE[head].format(node=middle)
    if head == "utilisation":
        return f"utilisation of {rest}"
    if head == "time_in_system":
        return of.format(what="time in the clinic")
    if head == "time_to_diagnosis":
        who = "" if middle == "all" else f" of {middle} patients"
        return of.format(what=f"time to diagnosis{who}")
    return name


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

    >>> time_scale(90.0)[1], time_scale(600.0)[1], time_scale(5000.0)[1]
    (' min', ' h', ' d')
    """
    if abs(minutes) < 180:  # three hours: assumption, as are two days
        return 1.0, " min"
    return (1 / 60, " h") if abs(minutes) < 2880 else (1 / 1440, " d")


def number(value: float) -> str:
    """Return a number with three digits that matter, or all digits of a whole number.

    >>> number(0.0451), number(6.874), number(51.071), number(1006.4), number(0.0)
    ('0.0451', '6.87', '51.1', '1,006', '0')
    """
    size = abs(value)
    if value == int(value) or size >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    places = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    shown = f"{value:.{places}f}" if size >= 0.1 else f"{value:.3g}"
    return shown.replace("-", "−")


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
    return f"{number(low * factor)} to {number(high * factor)}{unit}"


def change(name: str, before: float | None, found: Answer) -> tuple[str, str]:
    """Return a difference and its interval, in the unit of the value that it starts from.

    Differences of shares are told in percentage points.

    >>> change("sensitivity", 0.9, {"mean": 0.02, "low": 0.01, "high": 0.03})
    ('+2 points', '+1 to +3 points')
    """
    factor, unit = scale(name, before or found["mean"])
    unit = " points" if unit == " %" else unit
    mean, low, high = (
        None if found[key] is None else signed(found[key] * factor) for key in ("mean", "low", "high")
    )
    return f"{mean}{unit}", "none" if low is None else f"{low} to {high}{unit}"


def signed(difference: float) -> str:
    """Return a number with its sign."""
    shown = number(float(f"{difference:.3g}"))
    return shown if difference <= 0 else f"+{shown}"


def figure(name: str, answer: Answer) -> Html:
    """Return value and interval for a cell, or why there is none."""
    if answer.get("value") is None:
        return tag("span", short(str(answer.get("reason", ""))), class_="none")
    span = interval(name, answer)
    doubt = "" if answer.get("valid") else short(str(answer.get("reason", "")))
    below = f"{span} (not valid: {doubt})" if span and doubt else span or doubt
    if doubt.startswith("same in all"):
        below = doubt
    return Html(f"{text(value(name, answer['value']))}<br>{small(below)}" if below else
                text(value(name, answer["value"])))


def short(reason: str) -> str:
    """Return a reason in fewer words, for a cell."""
    if reason.startswith("all ") and "agree" in reason:
        return f"same in all {reason.split()[1]} replications"
    if reason.startswith("only "):
        return f"too few cases: {reason}"
    return reason or "no figure"


def per_cent(confidence: float) -> str:
    """Return a confidence level, such as 95 %."""
    return f"{confidence * 100:g} %"


def label(point: Mapping[str, Any]) -> str:
    """Return what tells a point from the others; empty where there is one.

    >>> label({"label": {"staff.nurse.count": 2}}), label({"label": {"scenario": "fifo"}})
    ('nurse.count = 2', 'fifo')
    """
    keys = axes(point)
    return ", ".join(
        str(found) if key == "scenario" else f"{keys[key]} = {_plain(found)}"
        for key, found in point["label"].items()
    )


def axes(point: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of a point's label with the short names that tell them apart."""
    short_names = {key: ".".join(key.split(".")[-2:]) for key in point["label"]}
    unique = len(set(short_names.values())) == len(short_names)
    return short_names if unique else {key: key for key in short_names}


def _plain(found: object) -> str:
    return f"{found:.4g}" if isinstance(found, float) else str(found)
