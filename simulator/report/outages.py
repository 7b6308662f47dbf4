"""Missing learners in the report: what their absence cost, and against what that is told."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator.report.sheets import NAMES, Sheet, figure_of, moved_by
from simulator.report.wording import per_cent

Point = Mapping[str, Any]

OUTAGES_TOLD: Final = (
    "While a learner is missing, the stack that was fitted without it answers. Paired: the same "
    "patients of the outage, whose scores by all learners the bank knows, answered by the full "
    "stack in force; the difference is the outage's alone. Not paired: against patients who came "
    "at other times, from whom they may differ. Out of fold: the model's training images, each "
    "scored by learners that did not see it, at the operating point of the run's beginning."
)
_FIGURES: Final = ("sensitivity", "specificity", "auc")


def outages_told(point: Point) -> Iterator[str]:
    """Yield what each outage cost in sensitivity."""
    found = (point.get("loop") or {}).get("outages")
    if not found:
        return
    for row in found["rows"]:
        *most, last = row["missing"]
        names = f"{', '.join(most)} and {last}" if most else last
        who = f"Without {names}, {row['patients']:,} patients"
        if row["reason"]:
            yield f"{who}: too few to tell ({row['reason']})."
            continue
        here = figure_of("sensitivity", row["sensitivity"])
        kind, against = ("paired", "the full stack on the same patients")
        if row["paired"] is None:
            kind, against = ("apart", "patients answered by all learners, who came at other times")
        lost = moved_by("sensitivity", row["sensitivity"]["value"], row[kind]["sensitivity"])
        said = f"{who}: AI sensitivity {here}, {lost} against {against}."
        fold = row.get("out_of_fold")
        if fold:
            cost = moved_by("sensitivity", fold["full"]["sensitivity"], fold["sensitivity"])
            said += f" On the training images, out of fold: {cost}."
        yield said
    if found["why_not_paired"]:
        yield f"Not paired: {found['why_not_paired']}."


def outage_sheets(point: Point) -> list[Sheet]:
    """Return a table of figures with and without the missing learners."""
    found = (point.get("loop") or {}).get("outages")
    if not found:
        return []
    rows = [_figures("none", "", found["rest"])]
    for row in found["rows"]:
        missing = ", ".join(row["missing"])
        rows.append(_figures(missing, "answered without", row))
        if row["paired"] is not None:
            rows.append(_figures(missing, "same patients, by all learners", row["full"]))
            rows.append(_differences(missing, "difference, paired", row, "paired"))
        rows.append(_differences(missing, "less those of other times, not paired", row, "apart"))
        if row.get("out_of_fold"):
            rows.append(_out_of_fold(missing, row["out_of_fold"]))
    level = per_cent(point["confidence"])
    head = ["missing", "", "malignant / all", *(NAMES[name] for name in _FIGURES)]
    caption = f"Patients by the learners that were missing, with {level} intervals"
    return [Sheet(caption=caption, head=head, rows=rows, numeric=4)]


def _figures(missing: str, said: str, one: Mapping[str, Any]) -> list[str]:
    count = f"{one['malignant']:,} / {one['patients']:,}"
    return [missing, said, count, *(figure_of(name, one[name]) for name in _FIGURES)]


def _out_of_fold(missing: str, one: Mapping[str, Any]) -> list[str]:
    count = f"{one['malignant']:,} / {one['images']:,}"
    moved = [moved_by(name, one["full"][name], one[name]) for name in _FIGURES]
    return [missing, "difference on the training images, out of fold", count, *moved]


def _differences(missing: str, said: str, row: Mapping[str, Any], kind: str) -> list[str]:
    moved = [moved_by(name, row[name]["value"], row[kind][name]) for name in _FIGURES]
    return [missing, said, "", *moved]
