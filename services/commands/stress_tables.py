"""What `dermtwin stress` prints."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from services.stress.wording import SHOWN, figure, label


def stress_table(summary: Mapping[str, Any]) -> RenderableType:
    """Return the figures and gates of a stress run as tables."""
    parts: list[RenderableType] = [_figures(summary)]
    if summary["knee"] is not None:
        parts += [_steps(summary["knee"]), summary["knee"]["words"]]
    if summary["faults"]:
        parts.append(_faults(summary["faults"]))
    parts += [_gates(summary["gate_results"]), f"report: {summary['run_dir']}/report.html"]
    return Group(*parts)


def _figures(summary: Mapping[str, Any]) -> Table:
    table = _plain(f"{summary['scenario']}: {summary['profile']}", "", ">")
    for name in SHOWN:
        if name in summary["metrics"]:
            table.add_row(label(name), figure(name, summary))
    return table


def _steps(knee: Mapping[str, Any]) -> Table:
    table = _plain("Steps", "rate", ">answered", ">p50", ">p99", "keeps up")
    for step in knee["steps"]:
        table.add_row(
            f"{step['rate_per_s']:.4g}/s",
            f"{step['throughput_per_s']:.1f}/s",
            _ms(step["p50_ms"]),
            _ms(step["p99_ms"]),
            "yes" if step["keeps_up"] else "; ".join(step["why"]),
        )
    return table


def _faults(faults: list[dict[str, Any]]) -> Table:
    table = _plain("Faults", "fault", ">at", ">recovered after", "steady")
    for one in faults:
        back_s = one["recovered_s"]
        table.add_row(
            one["fault"],
            "" if one["began_s"] is None else f"{one['began_s']:.1f} s",
            "not" if back_s is None else f"{back_s:.1f} s",
            one["refused"] or ("held all the time" if one["steady_during"] else "came back"),
        )
    return table


def _gates(rows: list[dict[str, Any]]) -> Table:
    table = _plain("Gates", "gate", "verdict", ">found")
    for row in rows:
        shown = "" if row["value"] is None else f"{row['value']:.4g}"
        table.add_row(row["text"], row["verdict"], shown)
    return table


def _plain(title: str, *heads: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.lstrip(">"), justify="right" if right else "left")
    return table


def _ms(value: float | None) -> str:
    return "no end" if value is None else f"{value:,.0f} ms"
