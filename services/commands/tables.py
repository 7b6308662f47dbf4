"""Results as tables for people: the same figures as the JSON, fewer of them."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from services.console import two_columns

Result = Mapping[str, Any]


def run_table(summary: Result) -> Group:
    """Return the closing tables of a run: answers, gates, differences, and where the files are."""
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


# What a table on a terminal has room for; the report shows everything.
_HEADLINES = (
    "time_in_system.mean",
    "time_to_diagnosis.malignant.mean",
    "sensitivity",
    "specificity",
    "ai.sensitivity",
    "ai.specificity",
    "auc",
    "missed_malignant.share",
    "biopsies.per_malignant",
    "harm.melanoma_days",
)
_PREFIXES = ("wait.", "utilisation.", "blocked.", "reneged.", "balked.")
_MINUTES = ("wait.", "time_in_system.", "time_to_diagnosis.")


def _shown(name: str, answer: Result) -> bool:
    if "{" in name:
        return False
    if name.startswith(("blocked.", "reneged.", "balked.")):
        return bool(answer["value"])
    if name.startswith("wait."):
        return name.endswith((".mean", ".p95"))
    return name in _HEADLINES or name.startswith(_PREFIXES)


def _answers(point: Result) -> Table:
    table = Table("metric", "value", "95 % interval" if point["confidence"] == _95 else "interval")
    for name, answer in point["metrics"].items():
        if _shown(name, answer):
            table.add_row(name, _value(name, answer["value"]), _interval(name, answer))
    return table


_95 = 0.95


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "no figure"
    if name.startswith(_MINUTES):
        return f"{value:.1f} min" if value < 600 else f"{value / 1440:.2f} d"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _interval(name: str, answer: Result) -> str:
    if answer["low"] is None:
        return str(answer["reason"]) if answer["value"] is None else "none"
    text = f"{_value(name, answer['low'])} to {_value(name, answer['high'])}"
    return text if answer["valid"] else f"{text} (not to be trusted: {answer['reason']})"


def _by_point(summary: Result) -> Table:
    points = summary["points"]
    names = [
        name
        for name, answer in points[0]["metrics"].items()
        if _shown(name, answer) and not name.endswith(".p95")
    ]
    # What varies stands in the title and its values over the columns, which fold and are not cut:
    # points often differ in the last letters of their names alone.
    keys = [key for key in points[0]["label"] if key != "scenario"]
    heads = [", ".join(map(str, point["label"].values())) for point in points]
    table = Table(
        Column("metric", no_wrap=True),
        *(Column(head, overflow="fold") for head in heads),
        title=f"by {', '.join(keys)}" if keys else None,
        title_justify="left",
    )
    for name in names:
        values = [point["metrics"].get(name, {}).get("value") for point in points]
        table.add_row(name, *(_value(name, value) for value in values))
    table.add_row("replications", *(str(point["replications"]) for point in points))
    return table


def _label(point: Result) -> str:
    """Return what tells a point from the others; of a long key its last two steps."""
    return ", ".join(
        str(value) if key == "scenario" else f"{'.'.join(key.split('.')[-2:])}={value}"
        for key, value in point["label"].items()
    )


def _differences(summary: Result, place: int) -> Table:
    """Return what differs from the first point for certain, headline figures first."""
    point, found = summary["points"][place], summary["differences"][place - 1]
    title = f"{_label(point)} less {_label(summary['points'][0])}"
    table = Table("metric", "difference", "interval", title=title, title_justify="left")
    for name, one in found.items():
        answer = point["metrics"].get(name)
        if answer is None or not _shown(name, answer) or one["mean"] is None:
            continue
        low, high = one["low"], one["high"]
        interval = "none" if low is None else f"{low:+.4g} to {high:+.4g}"
        table.add_row(name, f"{one['mean']:+.4g}", interval)
    return table


def _gates(gates: list[tuple[Result, Result]]) -> Table:
    table = Table("gate", "verdict", "value", "why")
    styles = {"pass": "green", "fail": "red", "inconclusive": "yellow"}
    for point, gate in gates:
        where = f" [{_label(point)}]" if point["label"] else ""
        table.add_row(
            Text(f"{gate['text']}{where}"),
            Text(gate["verdict"], style=styles[gate["verdict"]]),
            _value(gate["metric"], gate["value"]),
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
    if summary["latency_ms"]:
        rows["verdict latency"] = ", ".join(
            f"{name} {value:g} ms" for name, value in summary["latency_ms"].items()
        )
    if all(point["replications"] == 1 for point in points):
        rows["intervals"] = "one replication has few; give replications for more"
    rate = summary["cases_per_s"]
    first = summary["first_verdict_s"]
    rows["speed"] = "no rate" if rate is None else f"{rate:,.4g} cases/s"
    if first is not None:
        rows["speed"] += f", first verdict after {first:g} s"
    rows["speed"] += f", {summary['wall_s']:g} s in all"
    mirror = summary["mirror"]
    if mirror is not None:
        rows["Redis mirror"] = (
            f"equals the fold of {mirror['records']} log records"
            if mirror["equal"]
            else "DIFFERS from the fold of the log"
        )
    rows["self-checks"] = "hold" if summary["checks_hold"] else "DO NOT HOLD"
    exact = points[0]["exact"]
    if exact["model"]:
        known = [row["holds"] for row in exact["rows"] if row["holds"] is not None]
        rows["theory"] = f"{exact['model']}: {sum(known)} of {len(known)} figures agree"
    rows["degraded"] = "; ".join(summary["degraded"]) or "nothing"
    rows["digest"] = summary["digest"]
    rows["report"] = f"{summary['run_dir']}/report.html"
    rows["run folder"] = summary["run_dir"]
    return rows


def training_table(result: Result) -> Group:
    """Return learners with their meta weights, and the test figures, of a training."""
    learners = Table("learner", "AUC (out of fold)", "accuracy (out of fold)", "meta weight")
    for name, figures in result["learners"].items():
        learners.add_row(
            name,
            f"{figures['auc']:.4f}",
            f"{figures['accuracy']:.4f}",
            f"{figures['meta_weight']:+.4f}",
        )
    rows = {
        "model": f"{result['model_id']} in {result['model_dir']}",
        "training images": f"{result['train']['images']}, {result['train']['malignant']} malignant",
    }
    test = result["test"]
    if test is None:
        rows["test"] = "the data has no test split"
    else:
        rows["test images"] = f"{test['images']}, {len(test['unscorable'])} not scorable"
        rows |= {
            f"test {name}": f"{test[name]:.4f}"
            for name in ("accuracy", "auc", "sensitivity", "specificity", "precision", "f1")
        }
    rows["time"] = f"{result['wall_s']:g} s"
    return Group(learners, two_columns("", rows))


def status_table(result: Result) -> Group:
    """Return components, counts and freshness of a twin that is up."""
    components = Table("component", "state", "restarts", "images", "busy", "why")
    for name, one in result["components"].items():
        components.add_row(
            name,
            one["state"],
            str(one["restarts"]),
            f"{one.get('images', 0):g}",
            f"{one.get('busy_s', 0):.1f} s",
            one["reason"],
        )
    rows = {
        "twin": result["prefix"],
        "mirror": f"written {result['age_s']:g} s ago",
        **{name: str(count) for name, count in result["counts"].items()},
    }
    return Group(two_columns("", rows), components)
