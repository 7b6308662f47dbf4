"""The report of a stress run: one HTML file that opens offline, and the same in Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from services.atomic import write_text
from services.stress.charts import (
    Look,
    knee_figures,
    latency_figure,
    load_figures,
    memory_figures,
)
from services.stress.measured import Series
from services.stress.running import Evidence
from services.stress.wording import SHOWN, figure, label, said
from simulator.report.figures import drawn
from simulator.report.markdown_cells import safe, table_of
from simulator.report.markup import Html, details, join, mark, section, table, tag
from simulator.report.page import page

_FILES: Final = (
    ("scenario.yaml", "the resolved scenario: every default written out"),
    ("stress.csv", "a row per second from the begin of the load"),
    ("latencies.csv.gz", "a row per case: when it was due, sent and answered"),
    ("processes.csv", "memory and processor time by component, every two seconds"),
    ("summary.json", "every number of this page"),
    ("twin.jsonl", "what the deployment and the faults said"),
)
Summary = Mapping[str, Any]


def write_reports(folder: Path, summary: Summary, series: Series, evidence: Evidence) -> None:
    """Write report.html and summary.md."""
    resolved = (folder / "scenario.yaml").read_text(encoding="utf-8")
    since_s = evidence.ran.began_s
    looks: list[Look] = [
        (look.at_s - since_s, look.memory_mb, sum(look.cpu_share.values()))
        for look in evidence.processes.looks
    ]
    write_text(folder / "report.html", html_report(summary, series, looks, resolved))
    write_text(folder / "summary.md", markdown(summary))


def answer(summary: Summary) -> list[str]:
    """Return in sentences what came of the run."""
    shown = summary["metrics"]
    lines = []
    knee = summary["knee"]
    if knee is not None:
        words = knee["words"]
        lines.append(f"The knee: {words}.")
    due, answered = (said(n, shown[n]) for n in ("offered_per_s", "throughput_per_s"))
    where = "At the knee" if knee is not None else "In the figures' time"
    p50, p99 = (figure(f"latency.{name}_ms", summary) for name in ("p50", "p99"))
    lines.append(
        f"{where}, {due} were due and {answered} answered; half of the cases within {p50}, 99 % "
        f"within {p99}."
    )
    if shown["shed.count"]:
        parts = [f"{one['shed']:,} of {one['offered']:,} {one['level']}" for one in _shed(summary)]
        lines.append(f"Shed: {', '.join(parts)}.")
    lines.append(_nothing_lost(summary))
    faults = summary["faults"]
    if faults:
        passed = sum(one["passed"] for one in faults)
        slowest = figure("recovery_s.max", summary)
        lines.append(
            f"{passed} of {len(faults)} faults were recovered from; the slowest took {slowest} "
            "from its begin."
        )
    return lines


def _shed(summary: Summary) -> list[Mapping[str, Any]]:
    return [one for one in summary["levels"] if one["offered"]]


def _nothing_lost(summary: Summary) -> str:
    audit = summary["audit"]
    if audit is None:
        return "The log was not audited."
    if audit["passed"]:
        return (
            f"Audit: all {audit['sent']:,} cases that were sent are answered once in the record, "
            "and the mirror equals the fold of the log."
        )
    return f"Audit: {'; '.join(audit['words'])}."


def html_report(summary: Summary, series: Series, looks: Sequence[Look], resolved: str) -> str:
    """Return the report.

    Parameters:
        summary: as in summary.json.
        looks: memory and processor time over time.
        resolved: the scenario's YAML.
    """
    top = join(
        [
            tag("h1", f"{summary['scenario']}: stress"),
            tag("p", summary["about"]) if summary["about"] else "",
            tag("p", summary["question"], class_="question") if summary["question"] else "",
            tag("div", *(tag("p", one) for one in answer(summary)), class_="answer"),
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )
    over_time = [latency_figure(series, summary), *load_figures(series, summary)]
    parts: list[tuple[str, str, Html]] = [
        ("gates", "Gates", section("Gates", _gates(summary), key="gates")),
        ("cautions", "Cautions", _cautions(summary)),
        ("knee", "Knee", _knee(summary)),
        ("faults", "Faults", _faults(summary)),
        ("time", "Over time", section("Over time", *map(drawn, over_time), key="time")),
        ("figures", "Figures", _figures(summary)),
        ("memory", "Memory", _memory(summary, looks, series)),
        ("again", "Run it again", _again(summary, resolved)),
    ]
    there = [(key, title, content) for key, title, content in parts if content]
    contents = [(key, title) for key, title, _ in there]
    body = join(content for _, _, content in there)
    return page(f"{summary['scenario']}: dermtwin stress", top, contents, body)


def _gates(summary: Summary) -> Html:
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


def _cautions(summary: Summary) -> Html:
    found = [tag("li", one) for one in summary["degraded"]]
    found += [
        tag("li", f"{one['what']} was started again at {one['at_s']:.1f} s")
        for one in summary["restarted"]
    ]
    if not found:
        text = "Nothing was degraded, and the load was sent as it was asked for."
        return section("Cautions", tag("p", text), key="cautions")
    return section("Cautions", tag("div", tag("ul", *found), class_="warn"), key="cautions")


def _knee(summary: Summary) -> Html:
    knee = summary["knee"]
    if knee is None:
        return Html("")
    rows = [
        [
            f"{one['rate_per_s']:.4g}",
            mark("pass" if one["keeps_up"] else "fail", "yes" if one["keeps_up"] else "no"),
            "; ".join(one["why"]) or "–",
            f"{one['throughput_per_s']:.1f}",
            _ms(one["p50_ms"]),
            _ms(one["p99_ms"]),
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


def _faults(summary: Summary) -> Html:
    rows = [
        [
            one["fault"],
            mark("pass" if one["passed"] else "fail"),
            one["refused"] or _broken(one["broken"]),
            "–" if one["began_s"] is None else f"{one['began_s']:.1f} s",
            "–" if one["ended_s"] is None else f"{one['ended_s']:.1f} s",
            _seconds(one["recovered_s"]),
            _seconds(one["recovered_from_end_s"]),
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


def _figures(summary: Summary) -> Html:
    there = [name for name in SHOWN if name in summary["metrics"]]
    rows = [[label(name), tag("code", name), figure(name, summary)] for name in there]
    levels = [
        [
            one["level"],
            f"{one['offered']:,}",
            f"{one['shed']:,}",
            f"{one['answered']:,}",
            _ms(one["p50_ms"]),
            _ms(one["p99_ms"]),
        ]
        for one in summary["levels"]
    ]
    head = ["priority, most urgent first", "due", "shed", "answered", "p50", "p99"]
    by_level = table("By priority", head, levels, numeric=5) if len(levels) > 1 else ""
    note = "Of the cases that were due after the warm-up and before the end of the load."
    every = table("Figures", ["what", "metric", "value"], rows, numeric=1)
    return section("Figures", every, by_level, key="figures", note=note)


def _memory(summary: Summary, looks: Sequence[Look], series: Series) -> Html:
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


def _again(summary: Summary, resolved: str) -> Html:
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


def _seconds(value: float | None) -> str:
    return "not" if value is None else f"{value:.1f} s"


def _ms(value: float | None) -> str:
    return "without end" if value is None else f"{value:,.0f} ms"


def markdown(summary: Summary) -> str:
    """Return the summary for a pull request."""
    signs = {"pass": "✅ pass", "fail": "❌ fail", "inconclusive": "❔ inconclusive"}
    rows = [
        [row["text"], signs[row["verdict"]], "–" if row["value"] is None else f"{row['value']:.4g}"]
        for row in summary["gate_results"]
    ]
    there = [name for name in SHOWN if name in summary["metrics"]]
    lines = [f"## {safe(summary['scenario'])}", ""]
    if summary["question"]:
        lines += [f"*{safe(summary['question'])}*", ""]
    lines += [safe(" ".join(answer(summary))), ""]
    lines += table_of(["gate", "verdict", "found"], rows, most=20)
    if summary["knee"] is not None:
        steps = [
            [
                f"{s['rate_per_s']:.4g}",
                f"{s['throughput_per_s']:.1f}",
                _ms(s["p99_ms"]),
                "yes" if s["keeps_up"] else "no",
            ]
            for s in summary["knee"]["steps"]
        ]
        lines += table_of(["due per second", "answered", "p99", "keeps up"], steps)
    if summary["faults"]:
        faults = [
            [f["fault"], "yes" if f["passed"] else "no", _seconds(f["recovered_s"])]
            for f in summary["faults"]
        ]
        lines += table_of(["fault", "passed", "recovered after its begin"], faults, most=40)
    lines += table_of(["figure", "value"], [[label(n), figure(n, summary)] for n in there], most=40)
    lines += [f"- {safe(one)}" for one in summary["degraded"]]
    return "\n".join(lines) + "\n"
