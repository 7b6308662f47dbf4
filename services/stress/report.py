"""The report of a stress run: one HTML file that opens offline, and the same in Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.atomic import write_text
from services.stress.answer import answer
from services.stress.charts import Look, latency_figure, load_figures
from services.stress.measured import Series
from services.stress.report_markdown import markdown
from services.stress.report_sections import (
    again_section,
    cautions_section,
    faults_section,
    figures_section,
    gates_table,
    knee_section,
    memory_section,
)
from services.stress.running import Evidence
from simulator.report.figures import drawn
from simulator.report.markup import Html, join, section, tag
from simulator.report.page import page

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
        ("gates", "Gates", section("Gates", gates_table(summary), key="gates")),
        ("cautions", "Cautions", cautions_section(summary)),
        ("knee", "Knee", knee_section(summary)),
        ("faults", "Faults", faults_section(summary)),
        ("time", "Over time", section("Over time", *map(drawn, over_time), key="time")),
        ("figures", "Figures", figures_section(summary)),
        ("memory", "Memory", memory_section(summary, looks, series)),
        ("again", "Run it again", again_section(summary, resolved)),
    ]
    there = [(key, title, content) for key, title, content in parts if content]
    contents = [(key, title) for key, title, _ in there]
    body = join(content for _, _, content in there)
    return page(f"{summary['scenario']}: dermtwin stress", top, contents, body)
