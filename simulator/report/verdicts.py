"""Gates, and everything that a reader must know before trusting a figure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.report.headlines import headlines
from simulator.report.markup import Html, details, join, mark, section, table, tag
from simulator.report.units import figure, number, scale
from simulator.report.wording import label, per_cent, words

Summary = Mapping[str, Any]

VERDICTS: Final = ("pass", "fail", "inconclusive")
_FEW: Final = 4  # points whose gates are shown at once
_HOW: Final = (
    "A gate passes or fails only if the whole interval lies on one side of its bound; else it is "
    "inconclusive. The number of further replications is an estimate."
)


def gates(summary: Summary) -> Html:
    """Return the table of gates."""
    points = summary["points"]
    several = len(points) > 1
    rows = []
    for point in points:
        for gate in point["gates"]:
            name = gate["metric"]
            more = gate["more_replications"]
            where = [label(point)] if several else []
            rows.append(
                [
                    tag("code", gate["text"]),
                    *where,
                    mark(gate["verdict"]),
                    gate["words"].partition("; about ")[0],
                    figure(name, gate | {"valid": True}),
                    _bound(name, gate["bound"]),
                    "–" if more is None else f"{more:,}",
                ]
            )
    level = per_cent(points[0]["confidence"])
    head = ["gate", *(["at"] if several else []), "verdict", "why"]
    head += [f"found, {level} interval", "bound", "more replications needed"]
    if not rows:
        return section("Gates", tag("p", "The scenario sets no gates."), key="gates")
    every = table("Gates of the scenario", head, rows, numeric=3)
    if len(points) > _FEW:
        # Many points: how often first, each of them on demand.
        shown = join([_counted(points), details("Every gate at every point", every)])
    else:
        shown = every
    return section("Gates", shown, key="gates", note=_HOW)


def _counted(points: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        [tag("code", text), *(f"{found[verdict]}" for verdict in VERDICTS)]
        for text, found in counted(points).items()
    ]
    head = ["gate", *(mark(verdict) for verdict in VERDICTS)]
    return table(f"At how many of {len(points)} points", head, rows, numeric=3)


def counted(points: Sequence[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """Return for each gate how many points it passes, fails, or is inconclusive at."""
    found: dict[str, Counter[str]] = {}
    for point in points:
        for gate in point["gates"]:
            found.setdefault(gate["text"], Counter())[gate["verdict"]] += 1
    return found


def _bound(name: str, bound: float) -> str:
    factor, unit = scale(name, bound)
    return f"{number(bound * factor)}{unit}"


def cautions(summary: Summary, scenarios: Sequence[Mapping[str, Any]]) -> Html:
    """Return what limits the figures; that nothing does is said, too."""
    found = list(_cautions(summary, scenarios))
    if not found:
        said = "Nothing was degraded, all self-checks hold, and all headline intervals are valid."
        return section("Cautions", tag("p", said), key="cautions")
    items = tag("ul", *(tag("li", one) for one in found))
    return section("Cautions", tag("div", items, class_="warn"), key="cautions")


def _cautions(summary: Summary, scenarios: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from (f"Degraded: {one}" for one in summary["degraded"])
    for name, times in summary["restarts"].items():
        yield f"{name} was started again {times} times."
    if summary["mirror"] is not None and not summary["mirror"]["equal"]:
        yield "The mirror differs from the log."
    if summary["rejected"]:
        yield f"The AI could not score {summary['rejected']:,} of {summary['cases']:,} patients."
    at: dict[str, list[str]] = {}  # the same caution of several points is told once
    for point, scenario in zip(summary["points"], scenarios, strict=True):
        for said in _of_point(point, scenario):
            at.setdefault(said, []).append(label(point))
    for said, where in at.items():
        every = len(where) == len(summary["points"])
        named = "; ".join(where[:_FEW]) + (
            f"; and {len(where) - _FEW} more" if len(where) > _FEW else ""
        )
        yield said if every else f"At {named}: {said}"


def _of_point(point: Mapping[str, Any], scenario: Mapping[str, Any]) -> Iterator[str]:
    for check in point["checks"]:
        if not check["holds"]:
            yield (
                f"Self-check does not hold: {check['name']}: {check['words']} "
                f"(expected {number(check['expected'])}, found {number(check['found'])})"
            )
    for row in point["exact"]["rows"]:
        if row["holds"] is False:
            yield f"Theory disagrees: {words(row['metric'])}"
    agreement = ((point.get("shifts") or {}).get("prevalence") or {}).get("agreement")
    if agreement is not None and not agreement["plausible"]:
        yield "The measured prevalence does not follow the scenario's: see the shifts."
    if scenario.get("allow_unstable"):
        yield (
            "allow_unstable is set: a queue may grow without end, and then means depend on the "
            "length of the run."
        )
    warm = point["warmup"]
    if not warm["valid"]:
        yield f"The warm-up is doubtful: {warm['reason']}"
    precision = point["precision"]
    if precision is not None and not precision["met"]:
        reached = ", ".join(
            f"{words(name)} {'unknown' if share is None else f'{share * 100:.1f} %'}"
            for name, share in precision["reached"].items()
        )
        yield (
            f"The precision of {precision['asked'] * 100:g} % was not reached with "
            f"{point['replications']} replications; half widths are: {reached}. "
            "Raise replications.max."
        )
    if point["replications"] == 1:
        yield "One replication: few figures have an interval; give replications."
        return
    for name in headlines([point]):
        answer = point["metrics"][name]
        agree = answer["reason"].startswith("all ") and "agree" in answer["reason"]
        if answer["value"] is None:
            yield f"No figure for {words(name)}: {answer['reason']}"
        elif not answer["valid"] and not agree:
            yield f"The interval of {words(name)} is not valid: {answer['reason']}"
