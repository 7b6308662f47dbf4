"""The sections of a stress report."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.stress.charts import Look, knee_figures, memory_figures
from services.stress.measured import Series
from services.stress.wording import SHOWN, figure, label, ms, said, seconds
from simulator.report.figures import drawn
from simulator.report.markup import Html, details, mark, section, table, tag

_FILES: Final = (
    ("scenario.yaml", "the resolved scenario: every default written out"),
    ("stress.csv", "a row per second from the begin of the load"),
    ("latencies.csv.gz", "a row per case: when it was due, sent and answered"),
    ("processes.csv", "memory and processor time by component, every two seconds"),
    ("summary.json", "every number of this page"),
    ("twin.jsonl", "what the deployment and the faults said"),
)
Summary = Mapping[str, Any]


def gates_table(summary: Summary) -> Html:
    """Return what must hold, and whether it did."""
    rows = [
        [
            tag("code", row["text"]),
            mark(row["verdict"]),
            row["words"],
            said(row["metric"], row["value"]) if row["value"] is not None else "–",
            "every run" if row["always"] else "scenario",
        ]
        for row in summary["gate_results"]
    ]
    head = ["gate", "verdict", "why", "found", "asked by"]
    return table("What must hold", head, rows)


def cautions_section(summary: Summary) -> Html:
    """Return what was degraded or started again."""
    found = [tag("li", one) for one in summary["degraded"]]
    found += [
        tag("li", f"{one['what']} was started again at {one['at_s']:.1f} s")
        for one in summary["restarted"]
    ]
    if not found:
        text = "Nothing was degraded, and the load was sent as it was asked for."
        return section("Cautions", tag("p", text), key="cautions")
    return section("Cautions", tag("div", tag("ul", *found), class_="warn"), key="cautions")


def knee_section(summary: Summary) -> Html:
    """Return the steps of the search; empty without one."""
    knee = summary["knee"]
    if knee is None:
        return Html("")
    rows = [
        [
            f"{one['rate_per_s']:.4g}",
            mark("pass" if one["keeps_up"] else "fail", "yes" if one["keeps_up"] else "no"),
            "; ".join(one["why"]) or "–",
            f"{one['throughput_per_s']:.1f}",
            ms(one["p50_ms"]),
            ms(one["p99_ms"]),
            f"{one['lag_growth_per_s']:.2g}",
            f"{one['hold_s']:.0f} s",
        ]
        for one in knee["steps"]
    ]
    head = ["due per second", "keeps up", "why not", "answered per second", "p50", "p99"]
    head += ["open cases grow, per second", "held"]
    steps = table("Steps in their order", head, rows, numeric=5)
    note = (
        "The knee is the largest rate at which the objective holds, at least 98 % of what is due "
        "is answered, and open cases do not grow."
    )
    return section("Knee", *map(drawn, knee_figures(summary)), steps, key="knee", note=note)


def faults_section(summary: Summary) -> Html:
    """Return what was done to the twin, and how it recovered."""
    rows = [
        [
            one["fault"],
            mark("pass" if one["passed"] else "fail"),
            one["refused"] or _broken(one["broken"]),
            "–" if one["began_s"] is None else f"{one['began_s']:.1f} s",
            "–" if one["ended_s"] is None else f"{one['ended_s']:.1f} s",
            seconds(one["recovered_s"]),
            seconds(one["recovered_from_end_s"]),
        ]
        for one in summary["faults"]
    ]
    head = ["fault", "verdict", "what did not hold, at worst", "began", "ended"]
    head += ["recovered after its begin", "after its end"]
    conditions = "; ".join(summary["steady_state"]) or "none was given"
    note = f"Steady state: {conditions}. It is looked at four times a second."
    return section("Faults", table("Faults", head, rows, numeric=4), key="faults", note=note)


def _broken(broken: Mapping[str, float | None]) -> str:
    if not broken:
        return "all held"
    parts = [
        f"{text}: {'no figure' if value is None else f'{value:,.4g}'}"
        for text, value in broken.items()
    ]
    return "; ".join(parts)


def figures_section(summary: Summary) -> Html:
    """Return every figure, and those of each priority."""
    there = [name for name in SHOWN if name in summary["metrics"]]
    rows = [[label(name), tag("code", name), figure(name, summary)] for name in there]
    levels = [
        [
            one["level"],
            f"{one['offered']:,}",
            f"{one['shed']:,}",
            f"{one['answered']:,}",
            ms(one["p50_ms"]),
            ms(one["p99_ms"]),
        ]
        for one in summary["levels"]
    ]
    head = ["priority, most urgent first", "due", "shed", "answered", "p50", "p99"]
    by_level = table("By priority", head, levels, numeric=5) if len(levels) > 1 else ""
    note = "Of the cases that were due after the warm-up and before the end of the load."
    every = table("Figures", ["what", "metric", "value"], rows, numeric=1)
    return section("Figures", every, by_level, key="figures", note=note)


def memory_section(summary: Summary, looks: Sequence[Look], series: Series) -> Html:
    """Return memory and processor time by component."""
    rows = [
        [
            name,
            "yes" if one["counted"] else "no, it keeps the record",
            f"{one.get('processes', '–')}",
            f"{one['median_mb']:,.0f}",
            f"{one['max_mb']:,.0f}",
            f"{one['growth'] * 100:+.1f} %",
            f"{one['cpu_share']:.2f}",
        ]
        for name, one in sorted(
            summary["memory"]["components"].items(), key=lambda item: -item[1]["median_mb"]
        )
    ]
    head = ["component", "counted", "processes", "median, MiB", "most, MiB", "growth", "cores"]
    figures = map(drawn, memory_figures(looks, series, summary))
    note = (
        "Growth is the Theil-Sen slope times the time, as a share of the median; of the time after "
        "the warm-up."
    )
    parts = table("By component", head, rows, numeric=5)
    return section("Memory and processor", *figures, parts, key="memory", note=note)


def again_section(summary: Summary, resolved: str) -> Html:
    """Return what the run rests on."""
    facts = [
        ["profile", summary["profile"]],
        ["load", f"{summary['load_s']:.0f} s, {summary['cases']['due']:,} cases due in all"],
        ["workers", f"{summary['workers']}, batches of at most {summary['batch']}"],
        ["servers", ", ".join(f"{name}: {kind}" for name, kind in summary["servers"].items())],
        ["model", summary["model_id"]],
        ["seed", str(summary["seed"])],
        ["machine", f"{summary['machine']['cores']} cores, {summary['machine']['system']}"],
        ["first answer", f"{summary['first_answer_s']:.1f} s after it was asked for"],
        ["sent again", f"{summary['cases']['sent_again']:,}, as the log had not taken them"],
        *[[name, version] for name, version in summary["versions"].items()],
    ]
    files = [*_FILES, *([("steps.csv", "a row per step")] if summary["knee"] else [])]
    return section(
        "Run it again",
        tag("pre", "dermtwin stress scenario.yaml"),
        table("What this rests on", ["fact", "value"], facts),
        table("Files of the run folder", ["file", "holds"], files),
        details("Resolved scenario", tag("pre", resolved)),
        key="again",
    )
