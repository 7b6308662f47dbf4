"""The status of a twin that is up, as tables for people."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from services.console import two_columns
from services.stack_words import day
from twin.state import APART

Result = Mapping[str, Any]
_DONE: Final = ("images", "cases", "epochs")  # what components and stages count


def status_table(result: Result) -> Group:
    """Return freshness, stack, labels, drift, counts and components."""
    news = result["news_s_ago"]
    rows = {
        "twin": result["prefix"],
        "mirror": f"written {result['age_s']:g} s ago",
        "stack": _stack(result["stack"], news),
        **_epochs(result["epochs"], news),
        "labels": _labels(result["labels"], news),
        "drift": _drift(result["drift"], news),
    }
    counts = [
        f"{count} {name.replace('_', ' ').replace('stacks.', 'stack ')}"
        for name, count in result["counts"].items()
        if count and not name.startswith(APART)
    ]
    rows["counts"] = ", ".join(counts) or "nothing is on the log"
    parts = [two_columns("", {name: escape(value) for name, value in rows.items()})]
    if result["drift"] is not None and result["drift"]["estimates"]:
        parts.append(_estimates(result["drift"]["estimates"]))
    return Group(*parts, _components(result["components"]))


def _stack(stack: Result | None, news: Result) -> str:
    if stack is None:
        return "the model's own for all cases: no version was announced, so nothing is re-stacked"
    parent = "" if stack["parent"] is None else f" from version {stack['parent']}"
    back = "" if stack["restores"] is None else f", weights of version {stack['restores']}"
    return (
        f"version {stack['version']} ({stack['how']}{parent}{back}) since "
        f"{day(stack['since_min'])}: {stack['reason']}{_ago(news, 'stacks')}"
    )


def _epochs(epochs: Result, news: Result) -> dict[str, str]:
    rows = {}
    if epochs["reached"] is not None:
        text = f"{epochs['reached']} reached, at {day(epochs['reached_min'])}"
        if epochs["undecided"]:
            text += f"; not decided yet: {', '.join(map(str, epochs['undecided']))}"
        rows["epochs"] = text + _ago(news, "epochs")
    last = epochs["last_decision"]
    if last is not None and last["epoch"]:
        rows["last decision"] = f"{last['decision']} at epoch {last['epoch']}: {last['reason']}"
    if epochs["orders"]:
        rows["orders"] = "\n".join(_order(one) for one in epochs["orders"])
    return rows


def _order(one: Result) -> str:
    done = one["carried_out_at_epoch"]
    then = "stands until the next epoch" if done is None else f"answered at epoch {done}"
    return f"version {one['version']} by {one['by']} at {day(one['at_min'])}, {then}"


def _labels(labels: Result, news: Result) -> str:
    if not labels["messages"]:
        return "none came back yet"
    apart = [f"{count} {reason}" for reason, count in labels["apart"].items()]
    text = f"{labels['counted']} count, of {labels['messages']} messages"
    text += f"; kept apart: {', '.join(apart)}" if apart else "; none is kept apart"
    if labels["delivered_again"]:
        text += f"; {labels['delivered_again']} events of all kinds were delivered again"
    return text + _ago(news, "feedback")


def _drift(drift: Result | None, news: Result) -> str:
    if drift is None:
        return "not watched, or no epoch has come yet"
    lines = [f"as of epoch {drift['epoch']} ({day(drift['at_min'])}), {drift['cases']} cases"]
    lines[0] += _ago(news, "drift")
    for family, one in drift["families"].items():
        raised = [f"{by['detector']} on {by['stream']}" for by in one["raised_by"]]
        shown = ", ".join(raised[:4]) + (f" and {len(raised) - 4} more" if raised[4:] else "")
        p_value = "" if one["p_value"] is None else f", p = {one['p_value']:.3g}"
        many = f"{_many(one['alarms'], 'alarm')} on {_many(one['streams'], 'stream')}"
        lines.append(f"{family}: {many}{p_value}{f' ({shown})' if shown else ''}")
    return "\n".join(lines)


def _estimates(estimates: list[Result]) -> Table:
    table = Table("estimate without labels", "value", "interval", "to be trusted")
    for one in estimates:
        known = one["value"] is not None
        bounds = one["low"] is not None and one["high"] is not None
        table.add_row(
            one["metric"].replace("_", " "),
            f"{one['value']:.3f}" if known else "-",
            f"{one['low']:.3f} to {one['high']:.3f}" if bounds else "-",
            escape(f"{'yes' if one['valid'] else 'no'}: {one['reason']}"),
        )
    return table


def _components(components: Result) -> Table:
    names = ("component", "health", "state", "restarts", "done", "per s", "p95", "errors", "why")
    table = Table(*names)
    for name, one in components.items():
        per_s = next((one[f"{what}_per_s"] for what in _DONE if f"{what}_per_s" in one), None)
        done = next((f"{one[what]:g} {what}" for what in _DONE if what in one), "-")
        p95_ms = one.get("latency_ms_p95")
        table.add_row(
            name,
            one["health"],
            one["state"],
            str(one["restarts"]),
            done,
            "-" if per_s is None else f"{per_s:.1f}",
            "-" if p95_ms is None else f"{p95_ms:.1f} ms",
            f"{one['errors']:g}" if "errors" in one else "-",
            escape(one["because"]),
        )
    return table


def _ago(news: Result, kind: str) -> str:
    return f" (last news {news[kind]:g} s ago)" if kind in news else ""


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
