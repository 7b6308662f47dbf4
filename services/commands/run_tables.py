"""The closing tables of a run: answers, gates, differences, and where the files are."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.console import two_columns
from simulator.report import units
from simulator.report.headlines import headlines
from simulator.report.wording import label

Result = Mapping[str, Any]

_OF_AI = ("ai.sensitivity", "ai.specificity", "auc")
_STYLES = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def run_table(summary: Result) -> Group:
    """Return all tables of a run."""
    points = summary["points"]
    parts: list[RenderableType] = []
    if len(points) == 1:
        parts.append(_answers(points[0]))
    else:
        parts.append(_by_point(summary))
        parts += [_differences(summary, place) for place in range(1, len(points))]
    gates = [(point, gate) for point in points for gate in point["gates"]]
    if gates:
        parts.append(_gates(gates))
    parts.append(two_columns("", _facts(summary)))
    return Group(*parts)


def _table(*columns: str, title: str | None = None) -> Table:
    """Return a table whose cells are wrapped, never cut."""
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _answers(point: Result) -> Table:
    table = _table("metric", "value", f"{point['confidence']:.0%} interval")
    for name in (*headlines([point]), *_OF_AI):
        answer = point["metrics"].get(name)
        if answer is not None:
            shown = units.remark(name, answer) or "none"
            table.add_row(Text(name), units.value(name, answer["value"]), Text(shown))
    return table


def _by_point(summary: Result) -> Table:
    points = summary["points"]
    shared, short = _shared(points)
    title = f"points: {shared}" if shared else None
    table = _table("metric", *short, title=title)
    for name in headlines(points):
        values = [point["metrics"].get(name, {}).get("value") for point in points]
        table.add_row(Text(name), *(units.value(name, value) for value in values))
    table.add_row("replications", *(str(point["replications"]) for point in points))
    return table


def _shared(points: list[Result]) -> tuple[str, list[str]]:
    """Return what varies, and each point's values: columns have no room for the keys."""
    keys = list(points[0]["label"])
    if keys == ["scenario"]:
        return "", [str(point["label"]["scenario"]) for point in points]
    columns = [", ".join(str(value) for value in point["label"].values()) for point in points]
    return ", ".join(keys), columns


def _differences(summary: Result, place: int) -> Table:
    """Return the paired differences of a point from the first, headline figures alone."""
    base, point = summary["points"][0], summary["points"][place]
    found = summary["differences"][place - 1]
    title = f"{label(point)} less {label(base)}"
    table = _table("metric", "difference", "interval", title=title)
    for name in headlines([base, point]):
        one = found.get(name)
        if one is not None and one["mean"] is not None:
            before = base["metrics"].get(name, {}).get("value")
            moved, interval = units.change(name, before, one)
            table.add_row(Text(name), moved, interval)
    return table


def _gates(gates: list[tuple[Result, Result]]) -> Table:
    table = _table("gate", "verdict", "value", "why")
    for point, gate in gates:
        where = f" [{label(point)}]" if point["label"] else ""
        table.add_row(
            Text(f"{gate['text']}{where}"),
            Text(gate["verdict"], style=_STYLES[gate["verdict"]]),
            units.value(gate["metric"], gate["value"]),
            Text(gate["words"]),
        )
    return table


def _facts(summary: Result) -> dict[str, str]:
    points = summary["points"]
    route = f" ({summary['route']}, batches of {summary['batch']})" if summary["route"] else ""
    rows = {"scenario": f"{summary['scenario']}{route}"}
    if summary["model_id"]:
        rows["model"] = summary["model_id"]
        rows["verdicts"] = f"{summary['verdicts']}, rejected {summary['rejected']}"
    rows["cases"] = f"{summary['cases']}"
    rows["replications"] = ", ".join(str(point["replications"]) for point in points)
    if all(point["replications"] == 1 for point in points):
        rows["intervals"] = "one replication has few; give replications for more"
    if summary["latency_ms"]:
        rows["verdict latency"] = ", ".join(
            f"{name} {value:g} ms" for name, value in summary["latency_ms"].items()
        )
    rows["speed"] = _speed(summary)
    mirror = summary["mirror"]
    if mirror is not None:
        rows["Redis mirror"] = (
            f"equals the fold of {mirror['records']} log records"
            if mirror["equal"]
            else "DIFFERS from the fold of the log"
        )
    rows["self-checks"] = "hold" if summary["checks_hold"] else "DO NOT HOLD"
    rows |= _theory(points[0]["exact"])
    rows["degraded"] = "; ".join(summary["degraded"]) or "nothing"
    rows["digest"] = summary["digest"]
    rows["report"] = f"{summary['run_dir']}/report.html"
    rows["run folder"] = summary["run_dir"]
    return rows


def _speed(summary: Result) -> str:
    rate, first = summary["cases_per_s"], summary["first_verdict_s"]
    parts = ["no rate" if rate is None else f"{rate:,.4g} cases/s"]
    if first is not None:
        parts.append(f"first verdict after {first:g} s")
    return ", ".join([*parts, f"{summary['wall_s']:g} s in all"])


def _theory(exact: Result) -> dict[str, str]:
    if not exact["model"]:
        return {}
    known = [row["holds"] for row in exact["rows"] if row["holds"] is not None]
    if not known:
        return {"theory": f"{exact['model']}: not judged, {exact['why_not']}"}
    return {"theory": f"{exact['model']}: {sum(known)} of {len(known)} figures agree"}
