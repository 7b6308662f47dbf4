"""What the runs say about themselves: laws that must hold, and theory beside simulation."""

from collections.abc import Mapping
from typing import Any

from simulator.report.markup import Html, details, join, mark, table, tag
from simulator.report.units import interval, number, value
from simulator.report.wording import per_cent, words


def soundness(point: Mapping[str, Any]) -> Html:
    """Return self-checks and exact values of one point."""
    return join([_checks(point), _theory(point)])


def _checks(point: Mapping[str, Any]) -> Html:
    rows = [
        [
            check["name"],
            mark(check["holds"], "holds" if check["holds"] else "does not hold"),
            check["words"],
            number(check["expected"]),
            number(check["found"]),
            number(check["tolerance"]),
        ]
        for check in point["checks"]
    ]
    head = ["law", "verdict", "in words", "expected", "found", "tolerance"]
    broken = sum(not check["holds"] for check in point["checks"])
    said = f"{broken} of {len(rows)} do not hold" if broken else f"all {len(rows)} hold"
    every = table("Laws that every run must keep", head, rows, numeric=3)
    return details(f"Self-checks: {said}", every, is_open=broken > 0)


def _theory(point: Mapping[str, Any]) -> Html:
    exact = point["exact"]
    if exact["model"] is None:
        why = exact["why_not"] or "not said"
        return tag("p", f"No exact value to hold these figures against: {why}.")
    rows = [
        [
            words(row["metric"]),
            mark(row["holds"], {True: "agrees", False: "disagrees"}.get(row["holds"], "")),
            value(row["metric"], row["exact"]),
            value(row["metric"], row["simulated"]),
            interval(row["metric"], row | {"value": row["simulated"]}) or "none",
        ]
        for row in exact["rows"]
    ]
    level = per_cent(point["confidence"])
    head = ["metric", "verdict", "exact", "simulated", f"{level} interval"]
    note = (
        f"Queueing theory solves this scenario as {exact['model']}. Simulation agrees where the "
        "exact value lies within three standard errors."
    )
    shown = table(f"Theory ({exact['model']}) beside simulation", head, rows, numeric=3)
    return join([tag("p", note, class_="note"), shown])
