"""What `dermtwin data` prints: results for JSON, and the same for people."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from services.commands.skipped import skipped_rows
from services.console import say, two_columns

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Group
    from rich.table import Table

    from services.isic.fetch import Fetched
    from simulator.cases.datasets import DataSet
    from simulator.cases.inventory import Inventory

Result = Mapping[str, Any]
_TOLD: Final = 20  # messages; assumption: a screenful
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
        counts.add_row(fact, _counted(values))
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


def fetched_result(out: "Path", fetched: "Fetched") -> dict[str, Any]:
    """Return what a download brought."""
    return {"directory": str(out), **asdict(fetched)}


def fetched_table(result: Result) -> "Table":
    """Return what a download brought, and under which licences."""
    unlabelled = result["unlabelled"]
    rows = {
        "directory": result["directory"],
        "listed": f"{result['listed']} images",
        "new": f"{result['new']} images, {result['new_bytes'] / 1e6:.1f} MB",
        "here before": f"{result['kept']} images, whole and unaltered",
        "fetched anew": f"{len(result['repaired'])} whose files had changed",
        "without a label": _counted(unlabelled) if unlabelled else "none",
        "not to be had": str(len(result["failed"])),
        "not dermoscopic": f"{result['other_types']}, as far as the archive says",
        "all that is here": _counted(result["labels"]),
        "licences": _counted(result["licences"]) or "none",
    }
    return two_columns("", rows)


def tell_fetched(fetched: "Fetched") -> None:
    """Say what went wrong or deserves attention."""
    for isic_id in fetched.repaired[:_TOLD]:
        say(f"fetched anew: {isic_id}: its file was not as it had been downloaded")
    for isic_id, reason in list(fetched.failed.items())[:_TOLD]:
        say(f"not to be had: {isic_id}: {reason}")
    for rest in (len(fetched.repaired) - _TOLD, len(fetched.failed) - _TOLD):
        if rest > 0:
            say(f"and {rest} more; --json lists them all")
    missing = [label for label, count in fetched.labels.items() if not count]
    if missing and not fetched.stopped:
        say(f"there are no {' and no '.join(missing)} images yet: a model needs both")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _some(names: tuple[str, ...]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)}: {', '.join(names[:_NAMED])}{more}"
