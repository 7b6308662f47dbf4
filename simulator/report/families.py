"""All metrics without groups, by family, with their intervals and what they rest on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from simulator.report.markup import Html, details, join, small, table, tag
from simulator.report.units import remarks, short, value
from simulator.report.wording import per_cent, words

Point = Mapping[str, Any]


def _starts(*heads: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(heads)


FAMILIES: Final[Mapping[str, Callable[[str], bool]]] = {
    "Waits": _starts("wait.", "delayed."),
    "Queues": _starts("queue.", "number.", "blocked.", "balked.", "reneged."),
    "Utilisation": _starts("utilisation."),
    "Time to diagnosis": _starts("time_to_diagnosis."),
    "Decisions": _starts(
        "prevalence", "sensitivity", "specificity", "ppv", "npv", "missed_malignant.", "biopsies."
    ),
    "AI": _starts("ai.", "auc", "calibration_error", "brier", "verdicts."),
    "Labels and stacks": _starts("labels.", "stacks."),
    "Harm": _starts("harm."),
    "Upstream": _starts("upstream."),
    "Flow": lambda _: True,
}
_NEVER: Final = ("blocked.", "balked.", "reneged.", "verdicts.lost", "verdicts.rejected")


def family_of(name: str) -> str:
    """Return the family of a metric.

    >>> family_of("wait.read.p95"), family_of("throughput.per_h")
    ('Waits', 'Flow')
    """
    return next(family for family, holds in FAMILIES.items() if holds(name))


def family_tables(point: Point) -> Html:
    """Return a table for each family that has metrics, the first two unfolded."""
    by_family: dict[str, list[str]] = {family: [] for family in FAMILIES}
    for name in point["metrics"]:
        if "{" not in name:
            by_family[family_of(name)].append(name)
    return join(
        details(family, _table(family, names, point), is_open=family in ("Waits", "Decisions"))
        for family, names in by_family.items()
    )


def _table(family: str, names: Sequence[str], point: Point) -> Html:
    if not names:
        return Html("")
    never = [name for name in names if _never(name, point["metrics"][name])]
    rows = [_row(name, point["metrics"][name]) for name in names if name not in never]
    level = per_cent(point["confidence"])
    head = ["metric", "value", f"{level} interval", "method", "replications", "cases"]
    said = ""
    if never:
        listed = "; ".join(words(name) for name in never)
        said = tag("p", f"None in any replication: {listed}.", class_="note")
    return join([table(f"{family}, over all patients", head, rows, numeric=5), said])


def _never(name: str, answer: Mapping[str, Any]) -> bool:
    """Return whether something that can go wrong never did: a zero without a spread."""
    return name.startswith(_NEVER) and answer["value"] == 0 and answer["low"] in (0, None)


_METHODS: Final = {
    "replications": "means",
    "ratio": "ratio",
    "batch means": "batch means",
    "none": "",
}


def _row(name: str, answer: Mapping[str, Any]) -> list[object]:
    named = join([words(name), " ", small(tag("code", name))])
    if answer["value"] is None:
        why = tag("span", short(answer["reason"]), class_="none")
        return [named, why, "", "", "0", ""]
    first, *rest = remarks(name, answer) or ["none"]
    shown: object = join([first, *map(small, rest)], Html("<br>"))
    if answer["low"] is None or first.startswith("same"):
        shown = tag("span", shown, class_="none")
    method = _METHODS.get(answer["method"], answer["method"])
    rests = [method, f"{answer['n']}", f"{answer['cases']:,}"]
    return [named, value(name, answer["value"]), shown, *rests]


METHODS_TOLD: Final = (
    "Waits within a run depend on each other, so intervals rest on whole replications. Student t "
    "over replication means; ratio: pooled shares, clustered by replication. Where there is one "
    "replication, batch means, and for shares Wilson's score interval over cases; so it is for "
    "prevalence, and for shares that are the same in all replications. "
    "Cases are counted over all replications."
)
