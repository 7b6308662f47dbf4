"""What `dermtwin reproduce` found, for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from services.console import two_columns
from services.evaluation.scoring import STACK
from services.reproduce.figures_stack import METRICS, figure_cell


def result_table(result: Mapping[str, Any]) -> Group:
    """Return the stack's figures by view, one row a metric, and what they rest on."""
    views = [view for view in result["evaluation"]["views"].values() if not view["why_not"]]
    shown = Table("", *(view["title"] for view in views))
    answers = [view["answers"][STACK] for view in views]
    shown.add_row("images (malignant)", *(f"{one['n']} ({one['malignant']})" for one in answers))
    for key, name in METRICS.items():
        shown.add_row(name, *(figure_cell(one["figures"][key]) for one in answers))
    rows = {
        "model": result["model_id"],
        "paper": f"accuracy {max(row['accuracy'] for row in result['paper']['table_2'].values())}"
        ", without an interval",
        "intervals": f"{result['evaluation']['confidence']:.0%}, "
        f"{result['evaluation']['resamples']} resamples of lesions",
        "time": f"{result['wall_s']:g} s",
    }
    return Group(shown, two_columns("", rows))
