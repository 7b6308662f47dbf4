"""Writes the reports of an experiment: HTML for people, Markdown for pull requests."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.experiments.plan import Point
from services.experiments.store import Store
from simulator.experiment.result import ReplicationResult
from simulator.language.scenario import resolved
from simulator.report.html import html_report
from simulator.report.markdown import markdown_report


def write_reports(
    store: Store,
    points: Sequence[Point],
    results: Sequence[Sequence[ReplicationResult]],
    summary: Mapping[str, Any],
) -> None:
    """Write report.html and summary.md into the experiment's folder."""
    curves = [[result.curves for result in done] for done in results]
    texts = [resolved(point.scenario) for point in points]
    store.write("report.html", html_report(summary, curves, texts))
    store.write("summary.md", markdown_report(summary))
