"""The closing tables of a run: answers, gates, differences, and where the files are."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.commands.loop_tables import of_loop, of_recovery
from services.console import two_columns
from simulator.report import units
from simulator.report.group_rows import accuracy, group_rows
from simulator.report.headlines import headlines
from simulator.report.shift_words import SHORT, told
from simulator.report.wording import KEYS, label

Result = Mapping[str, Any]

_OF_AI = ("ai.sensitivity", "ai.specificity", "auc")
_GROUPS = ("skin_tone", "sex", "age_band")  # the others are in the report
_STYLES = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def run_table(summary: Result) -> Group:
    """Return all tables of a run."""
    points = summary["points"]
    parts: list[RenderableType] = []
    if len(points) == 1:
        parts.append(_answers(points[0]))
        parts += [*_groups(points[0]), *_shifts(points[0]), *of_loop(points[0])]
    else:
        parts.append(_by_point(summary))
        parts += [_differences(summary, place) for place in range(1, len(points))]
        parts += of_recovery(summary)
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
    for name in dict.fromkeys((*headlines([point]), *_OF_AI)):
        answer = point["metrics"].get(name)
        if answer is not None:
            shown = units.remark(name, answer) or "none"
            table.add_row(Text(name), units.value(name, answer["value"]), Text(shown))
    return table


def _groups(point: Result) -> list[RenderableType]:
    """Return sensitivity and specificity by group; groups too small for either share a row."""
    known = accuracy(point)
    names = [one for one in known if not one.startswith("ai.") and one != "auc"]
    names = names or [one for one in known if one.startswith("ai.")]
    if not names:
        return []
    whose = "decisions" if names[0] == "sensitivity" else "the AI"
    title = f"of {whose}, by group; by body site and more in the report"
    table = _table("group", "malignant / benign", *map(SHORT.__getitem__, names), title=title)
    table.columns[1].max_width = 14  # else it takes the room of the intervals
    for key in _GROUPS:
        few: dict[str, list[str]] = {}
        for row in group_rows(point, key, names):
            cells = [_figure(name, row.answers.get(name)) for name in names]
            count = f"{row.malignant} / {row.benign}"
            if row.is_small:
                few.setdefault("; ".join(dict.fromkeys(cells)), []).append(row.value)
                continue
            table.add_row(Text(f"{KEYS[key]} {row.value}"), count, *map(Text, cells))
        for why, values in few.items():
            table.add_row(Text(f"{KEYS[key]} {', '.join(values)}"), "", Text(why))
    return [table] if table.row_count else []


def _figure(name: str, answer: Result | None) -> str:
    if answer is None:
        return "not measured"
    if answer["value"] is None:
        return units.short(str(answer["reason"]))
    low, high = answer["low"], answer["high"]
    shown = units.value(name, answer["value"])
    # Short, so that a row is one line.
    return shown if low is None else f"{shown} ({100 * low:.1f}-{100 * high:.1f})"


def _shifts(point: Result) -> list[RenderableType]:
    if not point.get("shifts"):
        return []
    return [two_columns("", {"shifts": "\n".join(told(point))})]


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
    if "attached" in summary:
        route = " (attached to the twin that is up)"
    rows = {"scenario": f"{summary['scenario']}{route}"}
    if summary.get("attached"):
        rows["on the live log"] = "; ".join(
            f"{one['tag']}, from {one['offset_min'] / 1440:g} d on" for one in summary["attached"]
        )
    if summary["model_id"]:
        rows["model"] = summary["model_id"]
        rows["verdicts"] = f"{summary['verdicts']}, rejected {summary['rejected']}"
    rows |= _bank(summary.get("bank"))
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


def _bank(facts: Result | None) -> dict[str, str]:
    """Return what a run from a bank stands on: its own intervals do not say that."""
    if facts is None:
        return {}
    size = f"{facts['size']:,} images of {facts['lesions']:,} lesions"
    return {
        "bank": f"{size}, {facts['malignant']:,} malignant; scored now {facts['scored_now']:,}",
        "how sure": facts["words"],
    }


def _speed(summary: Result) -> str:
    rate, first = summary["cases_per_s"], summary["first_verdict_s"]
    parts = ["no rate" if rate is None else f"{rate:,.4g} cases/s"]
    if first is not None:
        parts.append(f"first verdict after {first:g} s")
    nodes = summary.get("nodes") or {}
    if len(nodes) > 1:
        parts.append(f"on {len(nodes)} nodes of Ray's")
    return ", ".join([*parts, f"{summary['wall_s']:g} s in all"])


def _theory(exact: Result) -> dict[str, str]:
    if not exact["model"]:
        return {}
    known = [row["holds"] for row in exact["rows"] if row["holds"] is not None]
    if not known:
        return {"theory": f"{exact['model']}: not judged, {exact['why_not']}"}
    return {"theory": f"{exact['model']}: {sum(known)} of {len(known)} figures agree"}
