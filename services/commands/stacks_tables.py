"""Stack versions and decisions as plain data, and as tables for people."""

from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from services.console import two_columns
from services.stack_words import day, word
from twin.events import GateRow, StackPromoted, StackRejected
from twin.restacking.comparison import Comparison, weights_of
from twin.restacking.lineage import Lineage

Decision = StackPromoted | StackRejected


def decision_row(event: Decision) -> dict[str, Any]:
    """Return a decision in a few words, for the list."""
    promoted = isinstance(event, StackPromoted)
    return {
        "epoch": event.epoch,
        "at_min": event.at_min,
        "decision": word(event),
        "version": event.version,
        "parent": event.parent if isinstance(event, StackPromoted) else None,
        "how": event.how,
        "threshold": event.threshold,
        "labels": event.labels,
        "malignant": event.malignant,
        "digest": event.digest if isinstance(event, StackPromoted) else None,
        "in_force": event.version if promoted else None,
        "reason": event.reason,
    }


def list_result(lineage: Lineage, *, everything: bool) -> dict[str, Any]:
    """Return versions, and with `everything` rejections and waits as well."""
    chosen = lineage.decisions if everything else lineage.versions
    verdicts = [one.verdict for one in lineage.rejections]
    return {
        "log": lineage.source,
        "in_force": lineage.versions[-1].version,
        "versions": len(lineage.versions),
        "refused": {name: verdicts.count(name) for name in ("rejected", "waiting", "kept")},
        "decisions": [decision_row(one) for one in chosen],
    }


def list_table(result: dict[str, Any]) -> Group:
    """Return the list for people."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("epoch", "time", "decision", "version", "remedy", "labels", "digest"):
        table.add_column(name)
    for row in result["decisions"]:
        table.add_row(
            str(row["epoch"]),
            day(row["at_min"]),
            row["decision"],
            str(row["version"]) if row["digest"] else f"{row['version']} stays",
            row["how"],
            f"{row['labels']} ({row['malignant']} mal.)",
            (row["digest"] or "")[:12],
        )
    why = {f"epoch {row['epoch']}": escape(row["reason"]) for row in result["decisions"]}
    refused = ", ".join(f"{count} {name}" for name, count in result["refused"].items())
    facts = {"log": result["log"], "in force": str(result["in_force"]), "others": refused}
    return Group(two_columns("", facts), table, two_columns("", why))


def show_result(lineage: Lineage, number: int) -> dict[str, Any]:
    """Return one version whole; its digest was checked when the log was read."""
    event = lineage.version(number)
    return {
        "log": lineage.source,
        **asdict(event),
        "weights": weights_of(event),
        "ancestors": list(lineage.ancestors(number)),
        "digest_verified": True,
    }


def show_table(result: dict[str, Any]) -> Group:
    """Return a version for people: the stack of all learners, and its gate."""
    restores = "" if result["restores"] is None else f", restores {result['restores']}"
    facts = {
        "version": f"{result['version']} of model {result['model_id']}",
        "came by": f"{result['how']}{restores}",
        "from": f"{day(result['at_min'])} (epoch {result['epoch']})",
        "ancestors": ", ".join(map(str, result["ancestors"])) or "none",
        "threshold": f"{result['threshold']:.6f}",
        "penalty": f"{result['penalty']:g}",
        "labels": f"{result['labels']}, {result['malignant']} malignant, of cases from "
        f"{day(result['window_from_min'])} on",
        "digest": f"{result['digest']} (verified)",
        "stacks": f"{len(result['stacks'])}, one for each set of learners that may be there",
        **{name: f"{value:g}" for name, value in result["facts"].items()},
        "why": escape(result["reason"]),
    }
    weights = Table("column", "weight")
    for name, value in result["weights"].items():
        weights.add_row(name, f"{value:+.6f}")
    rows = [GateRow(**row) for row in result["gate"]]
    return Group(two_columns("", facts), weights, *([gate_table(rows)] if rows else []))


def gate_table(rows: list[GateRow]) -> Table:
    """Return a gate for people."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("metric", "group", "from → to", "change", "margin", "labels", "verdict"):
        table.add_column(name)
    for row in rows:
        bounds = f"({_signed(row.low)} to {_signed(row.high)})"
        table.add_row(
            row.metric.replace("_", " "),
            row.group or "all",
            f"{_short(row.champion)} → {_short(row.challenger)}".removeprefix(" → "),
            f"{'' if row.change is None else f'{row.change:+.3f} '}"
            f"{'' if row.low is None and row.high is None else bounds}",
            f"{row.margin:g}",
            f"{row.labels}, {row.malignant} mal.",
            row.verdict,
        )
    return table


def diff_result(lineage: Lineage, a: int, b: int, cases: Comparison | None) -> dict[str, Any]:
    """Return what differs between two versions; `cases` is None where the log has no verdicts."""
    first, second = lineage.version(a), lineage.version(b)
    weights = [weights_of(one) for one in (first, second)]
    names = list(dict.fromkeys([*weights[0], *weights[1]]))
    return {
        "log": lineage.source,
        "a": a,
        "b": b,
        "same_stack": first.digest == second.digest,
        "weights": {name: [one.get(name) for one in weights] for name in names},
        "threshold": [first.threshold, second.threshold],
        "penalty": [first.penalty, second.penalty],
        "labels": [first.labels, second.labels],
        "malignant_share_of_labels": [
            one.malignant / one.labels if one.labels else None for one in (first, second)
        ],
        "cases": None if cases is None else asdict(cases),
    }


def diff_table(result: dict[str, Any]) -> Group:
    """Return a difference for people."""
    a, b = result["a"], result["b"]
    table = Table("", f"version {a}", f"version {b}", "difference")
    pairs = {
        **result["weights"],
        **{name: result[name] for name in ("threshold", "penalty", "labels")},
        "malignant share of labels": result["malignant_share_of_labels"],
    }
    for name, (one, other) in pairs.items():
        gap = "" if None in (one, other) else f"{other - one:+.6g}"
        table.add_row(name, _figure(one), _figure(other), gap)
    if result["same_stack"]:
        return Group(table, f"Versions {a} and {b} answer alike: they have one digest.")
    cases = result["cases"]
    if cases is None:
        return Group(table, "The log has no verdicts, so no case can be called again.")
    otherwise = cases["newly_malignant"] + cases["newly_benign"]
    words = (
        f"Of {cases['cases']} cases, {b} calls {otherwise} otherwise than {a}: "
        f"{cases['newly_malignant']} malignant instead of benign, "
        f"{cases['newly_benign']} benign instead of malignant."
    )
    if cases["incomparable"]:
        words += f" {cases['incomparable']} have no sketch, which one of the stacks weighs."
    changed = Table("case", "answered by", f"p, {a}", f"p, {b}", f"{a} calls it", f"{b} calls it")
    for one in cases["most_changed"]:
        changed.add_row(
            one["case_id"],
            str(one["answered_by"]),
            f"{one['p_a']:.4f}",
            f"{one['p_b']:.4f}",
            _called(one["malignant_a"]),
            _called(one["malignant_b"]),
        )
    return Group(table, words, *([changed] if cases["most_changed"] else []))


def case_table(result: dict[str, Any]) -> Group:
    """Return a case's answer as a sum, for people."""
    called = _called(result["malignant"])
    words = (
        f"Version {result['version']} answered case {result['case_id']}: p = "
        f"{result['p_malignant']:.6f}, {called} at threshold {result['threshold']:.6f}."
    )
    if result["missing"]:
        words += f" Without {', '.join(result['missing'])}, by the stack for the others."
    table = Table("part", "log-odds, nats")
    table.add_row("intercept", f"{result['intercept']:+.4f}")
    for name, value in sorted(result["contributions"].items(), key=lambda one: -abs(one[1])):
        table.add_row(name, f"{value:+.4f}")
    table.add_row("sum", f"{result['log_odds']:+.4f}")
    return Group(words, table)


def _called(malignant: bool) -> str:
    return "malignant" if malignant else "benign"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "open" if value is None else f"{value:+.3f}"
