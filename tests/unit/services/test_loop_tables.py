"""The loop in the terminal."""

from io import StringIO
from typing import Any

from loop_journals import looped_summary
from report_samples import gate, metric, summary
from rich.console import Console

from services.commands.run_tables import run_table


def shown(told: dict[str, Any]) -> str:
    out = StringIO()
    Console(file=out, width=130).print(run_table(told))
    return out.getvalue()


def test_a_comparison_ends_with_what_was_recovered() -> None:
    text = shown(looped_summary())
    assert "share of the loss brought back" in text
    assert "from 14 d" in text


def test_a_run_ends_with_decisions_labels_and_outages() -> None:
    text = shown(summary({**looped_summary()["points"][1], "label": {}}))
    for said in ("promoted 4, rejected 4, waiting 4", "truth about all", "Without knn"):
        assert said in text


def test_a_metric_that_a_gate_asks_for_has_one_row() -> None:
    told = {**looped_summary()["points"][1], "label": {}}
    asked = gate(text="ai.sensitivity > 80 %", metric="ai.sensitivity", value=0.84)
    known = {**told["metrics"], "ai.sensitivity": metric("ai.sensitivity", 0.84, 0.02)}
    text = shown(summary({**told, "metrics": known, "gates": [asked]}))
    assert len([row for row in text.splitlines() if row.startswith("│ ai.sensitivity  ")]) == 1
