"""What shifts did, in sentences and cells: for report.html, summary.md and the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.language.metrics import MetricName
from simulator.quantities import format_duration
from simulator.report.spoken import spoken
from simulator.report.units import number
from simulator.report.wording import per_cent

Point = Mapping[str, Any]
Row = Mapping[str, Any]

_WHO: Final = {"": "the decision to refer", "ai.": "the AI"}
_VALUES: Final = {"ppv": "PPV", "npv": "NPV"}
PERIOD_METRICS: Final[Mapping[str, Sequence[str]]] = {
    "": ("sensitivity", "specificity", "ppv", "npv"),
    "ai.": ("ai.sensitivity", "ai.specificity", "ai.ppv", "ai.npv", "auc"),
}
SHORT: Final = {
    "prevalence": "prevalence",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "ai.sensitivity": "AI sensitivity",
    "ai.specificity": "AI specificity",
    "ai.ppv": "AI PPV",
    "ai.npv": "AI NPV",
    "auc": "AI AUC",
}


def share(value: float | None) -> str:
    """Return a share in per cent.

    >>> share(0.1234), share(None)
    ('12.3 %', 'not known')
    """
    return "not known" if value is None else f"{number(value * 100)} %"


def span(low: float | None, high: float | None) -> str:
    """Return an interval of shares in per cent; empty where there is none.

    >>> span(0.1, 0.2)
    '10.0 to 20.0 %'
    """
    if low is None or high is None:
        return ""
    return f"{number(low * 100, high * 100)} to {number(high * 100, high * 100)} %"


def changes(shift: Row) -> str:
    """Return what a shift changes.

    >>> changes({"population": {"prevalence": 0.15}, "image": {"defocus": 3}})
    'prevalence 15 %; images: defocus 3'
    """
    said = []
    for name, value in (shift["population"] or {}).items():
        plain = name.replace("_", " ")
        if name == "prevalence":
            said.append(f"{plain} {share(value)}")
        else:
            said.append(f"{plain} ({spoken(value)})")
    if shift["image"]:
        said.append(f"images: {spoken(shift['image'])}")
    return "; ".join(said)


def when(at_min: float) -> str:
    """Return a time since the start of the run.

    >>> when(0.0), when(14400.0)
    ('the start', '10 d')
    """
    return "the start" if at_min == 0 else format_duration(at_min)


def shift_row(shift: Row) -> list[str]:
    """Return name, what is other, onset, complete, end, and share of patients."""
    until = shift["until_min"]
    over = shift["over_min"]
    ends = "stays" if until is None else when(until)
    if until is not None and over:
        ends += f" to {when(until + over)}"
    return [
        str(shift["id"]),
        changes(shift),
        when(shift["at_min"]),
        "at once" if over == 0 else when(shift["at_min"] + over),
        ends,
        share(shift["share"]),
    ]


SHIFT_HEAD: Final = ("shift", "what is other", "onset", "complete", "ends", "patients reached")


def told(point: Point) -> Iterator[str]:
    """Yield what happened, a sentence or two each: prevalence, then decisions, then the AI.

    Of periods in which a shift rises or falls the tables tell enough.
    """
    found = point["shifts"]
    yield from _followed(found, point["confidence"])
    periods = {period["name"]: period for period in found["periods"]}
    for row in found["bayes"]:
        if periods[row["period"]]["steady"]:
            yield _of_row(row, periods[row["period"]], point["confidence"])
    if not found["bayes"] and f"sensitivity{{period={next(iter(periods))}}}" in point["metrics"]:
        yield "The run has no time before the first shift that later periods could be held against."


def _followed(found: Mapping[str, Any], confidence: float) -> Iterator[str]:
    curve = found["prevalence"]
    if curve is None:
        return
    agreement = curve["agreement"]
    if agreement is None:
        yield (
            "The scenario does not say how many of those who come are malignant, so the measured "
            "prevalence has no truth beside it."
        )
        return
    n, holding = agreement["spells"], agreement["holding"]
    level = per_cent(confidence)
    said = f"{holding} of {n} spells hold the true prevalence in their {level} interval"
    chance = agreement["chance"]
    rare = f"{number(chance * 100)} %" if chance >= 1e-4 else "less than 0.01 %"
    if agreement["plausible"]:
        yield f"Measured prevalence follows the truth: {said} (chance of so few or fewer: {rare})."
    else:
        yield (
            f"Measured prevalence does not follow the truth: only {said}, and the chance of so few "
            f"or fewer is {rare}."
        )


def _of_row(row: Row, period: Row, confidence: float) -> str:
    who = _WHO[row["of"]]
    where = f"In period {row['period']}"
    if row["reason"]:
        return f"{where}, {who} cannot be compared: {row['reason']}."
    level = per_cent(confidence)
    both = ("sensitivity", "specificity")
    stayed = [name for name in both if row[name]["stays"]]
    parts = [f"{name} {_from_to(row[name])}, beyond chance" for name in both if name not in stayed]
    if stayed:
        now = " and ".join(share(row[name]["found"]) for name in stayed)
        then = " and ".join(share(row[name]["before"]) for name in stayed)
        parts.insert(0, f"{' and '.join(stayed)} stayed put ({now}; before {then})")
    true = period["true_prevalence"]
    at = "" if true is None else f" (true prevalence {share(true)})"
    said = f"{where}{at}: of {who}, {'; '.join(parts)}."
    # NPV stands in the table: where few are malignant it hardly moves.
    kinds = [kind for kind in _VALUES if kind == "ppv" or row[kind]["agrees"] is False]
    return f"{said} {' '.join(_predictive(kind, row[kind], level) for kind in kinds)}"


def _from_to(one: Row) -> str:
    verb = "rose" if one["found"] > one["before"] else "fell"
    return f"{verb} from {share(one['before'])} to {share(one['found'])}"


def _predictive(kind: str, one: Row, level: str) -> str:
    name = _VALUES[kind]
    if one["before"] is None or one["found"] is None:
        return f"{name} has no figure."
    if one["bayes"] is None:
        return f"{name} {_from_to(one)}; not held against Bayes: {one['reason']}."
    bayes = f"Bayes says {share(one['bayes'])} ({level} interval {span(one['low'], one['high'])})"
    return f"{name} {_from_to(one)}; {bayes}: {agreement(one)}."


def agreement(one: Row) -> str:
    """Return whether a predictive value is what Bayes' theorem says."""
    if one["agrees"] is None:
        return str(one["reason"])
    chance = f"p = {one['chance']:.2g}" if one["chance"] >= 1e-4 else "p < 0.0001"
    return f"compatible ({chance})" if one["agrees"] else f"not compatible ({chance})"


def lasts(period: Row) -> str:
    """Return when a period is.

    >>> lasts({"from_min": 0.0, "to_min": 1440.0}), lasts({"from_min": 1440.0, "to_min": None})
    ('until 1 d', 'from 1 d')
    """
    if period["to_min"] is None:
        return f"from {when(period['from_min'])}"
    until = when(period["to_min"])
    return f"until {until}" if period["from_min"] == 0 else f"{when(period['from_min'])} to {until}"


def answer_of(point: Point, name: str, period: str) -> Mapping[str, Any] | None:
    """Return a metric's answer for a period; None where it is not measured."""
    found: Mapping[str, Any] | None = point["metrics"].get(str(MetricName(name, "period", period)))
    return found
