"""The loop in the terminal."""

from io import StringIO
from typing import Any

from loop_journals import looped_summary
from report_samples import summary
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
