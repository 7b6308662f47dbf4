"""The report of a stress run in Markdown, for a pull request."""

from collections.abc import Mapping
from typing import Any

from services.stress.answer import answer
from services.stress.wording import SHOWN, figure, label, ms, seconds
from simulator.report.markdown_cells import safe, table_of

Summary = Mapping[str, Any]


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
                ms(s["p99_ms"]),
                "yes" if s["keeps_up"] else "no",
            ]
            for s in summary["knee"]["steps"]
        ]
        lines += table_of(["due per second", "answered", "p99", "keeps up"], steps)
    if summary["faults"]:
        faults = [
            [f["fault"], "yes" if f["passed"] else "no", seconds(f["recovered_s"])]
            for f in summary["faults"]
        ]
        lines += table_of(["fault", "passed", "recovered after its begin"], faults, most=40)
    lines += table_of(["figure", "value"], [[label(n), figure(n, summary)] for n in there], most=40)
    lines += [f"- {safe(one)}" for one in summary["degraded"]]
    return "\n".join(lines) + "\n"
