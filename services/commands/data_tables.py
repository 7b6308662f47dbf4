"""What `dermtwin data` prints: results for JSON, and the same for people."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from services.commands.skipped import skipped_rows
from services.console import two_columns

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from simulator.cases.datasets import DataSet
    from simulator.cases.inventory import Inventory

Result = Mapping[str, Any]
_NAMED: Final = 5  # examples in a table for people; the JSON has all


def check_result(found: "DataSet", counts: "Inventory") -> dict[str, Any]:
    """Return what a data set holds and what is wrong with it."""
    return {
        "directory": str(found.root),
        "layout": found.table.name if found.table is not None else "class folders",
        **asdict(counts),
        "unlabelled": len(found.unlabelled),
        "bad_rows": skipped_rows(found.bad),
    }


def check_table(result: Result) -> "Group":
    """Return counts by each fact, and what deserves a second look."""
    from rich.console import Group
    from rich.table import Table

    counts = Table("fact", "images")
    for fact, values in result["by"].items():
        counts.add_row(fact, ", ".join(f"{value} {count}" for value, count in values.items()))
    splits = result["lesions_across_splits"]
    rows = {
        "directory": f"{result['directory']} ({result['layout']})",
        "images": str(result["images"]),
        "lesions": f"{result['lesions']}, {result['lesions_with_several_images']} with several"
        " images",
        "lesions across splits": f"{splits}, with {result['images_of_lesions_across_splits']}"
        " images: a test on them is no test",
        "near duplicates": f"{result['near_duplicates']} pairs are stated,"
        f" {result['near_duplicates_across_splits']} across splits,"
        f" {result['near_duplicates_across_labels']} across labels",
        "same content": f"{result['same_content']} images have the bytes of another one",
        "label against diagnosis": _some(result["against_diagnosis"]),
        "lesions with two labels": _some(result["lesions_with_two_labels"]),
        "neither benign nor malignant": f"{result['unlabelled']} rows, left out",
        "bad rows": str(len(result["bad_rows"])),
    }
    if not splits:
        rows["lesions across splits"] = "none"
    if not result["unlabelled"]:
        del rows["neither benign nor malignant"]
    return Group(counts, two_columns("", rows))


def pairs_table(result: Result) -> "Table":
    """Return how many pairs look alike."""
    rows = {
        "images": str(result["images"]),
        "pairs": f"{result['pairs']} with a correlation above {result['above']:g}",
        "across splits": str(result["across_splits"]),
        "across labels": str(result["across_labels"]),
        "across lesions": f"{result['across_lesions']}, as far as lesions were known before",
        "written": result["written"],
    }
    stated = result["stated"]
    if stated is not None:
        precision = "-" if stated["precision"] is None else f"{stated['precision']:.1%}"
        rows["against the stated list"] = (
            f"{stated['found_of_them']} of its {stated['stated']} pairs are found"
            f" ({stated['recall']:.1%}); {precision} of those found are in it"
        )
    return two_columns("", rows)


def _some(names: tuple[str, ...]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)}: {', '.join(names[:_NAMED])}{more}"
