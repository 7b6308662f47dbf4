"""Results as tables for people: the same figures as the JSON, fewer of them."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from services.console import two_columns

Result = Mapping[str, Any]


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
    if result["skipped"]:
        rows["left out"] = f"{len(result['skipped'])} bad rows, named above"
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
