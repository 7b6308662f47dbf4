"""What a shift cost and how much of it re-stacking brought back: sentences and tables."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator.language.calendar import DAY_MIN
from simulator.report.sheets import NAMES, Sheet, figure_of, moved_by, part_of
from simulator.report.wording import label, per_cent

Summary = Mapping[str, Any]

RECOVERY_TOLD: Final = (
    "The same patients come at all points, so only the stack differs. Loss: later, without "
    "re-stacking, less before the first shift. Brought back: later, with re-stacking, less "
    "without, on the very same patients. Its share of the loss has Fieller's interval; all "
    "intervals leave out one replication at a time. The AUC is a share of pairs within a "
    "replication, whichever stack answered each of the two."
)


def recovery_told(summary: Summary) -> Iterator[str]:
    """Yield a sentence or two for each period and point; none where nothing can be compared."""
    found = summary.get("recovery")
    if not found:
        return
    after, level = _days(found["settled_min"]), per_cent(found["confidence"])
    for point, period in _periods(summary):
        where = f"In period {period['period']}, with {label(point)}"
        if period["reason"]:
            yield f"{where}, no recovery can be told: {period['reason']}."
            continue
        one = period["figures"]["balanced_accuracy"]
        lost = moved_by("balanced_accuracy", one["before"]["value"], one["loss"]).replace("+", "")
        said = (
            f"{where}: without re-stacking the AI's balanced accuracy is {_value(one['late'])} "
            f"from {after} after the onset on, before {_value(one['before'])}: a loss of {lost}. "
            f"With it, it is {_value(one['with'])} on the same patients"
        )
        share = one["share"]
        if share["low"] is None:
            back = moved_by("balanced_accuracy", one["late"]["value"], one["back"])
            yield f"{said}, {back} against without; what share of the loss that is cannot be told."
        else:
            yield f"{said}: {part_of(share)} of the loss is recovered ({level} interval)."


def recovery_sheets(summary: Summary) -> list[Sheet]:
    """Return a table for each point and period."""
    found = summary.get("recovery")
    if not found:
        return []
    after, level = _days(found["settled_min"]), per_cent(found["confidence"])
    base = label(summary["points"][found["without"]])
    sheets = []
    for point, period in _periods(summary):
        if period["reason"]:
            continue
        n = period["patients"]
        caption = (
            f"Period {period['period']}: {label(point)} beside {base}, with {level} intervals; "
            f"{n['before']:,} patients before, {n['after']:,} after, {n['late']:,} from {after} "
            "after the onset on"
        )
        rows = [_row(name, one) for name, one in period["figures"].items()]
        head = ["", "share of the loss brought back", "before", "after, without"]
        head += [f"from {after}, without", f"from {after}, with", "loss", "brought back"]
        sheets.append(Sheet(caption=caption, head=head, rows=rows, numeric=7))
    return sheets


def recovery_short(summary: Summary) -> list[Sheet]:
    """Return the same in fewer columns, for a terminal."""
    keep = (0, 2, 4, 5, 1)
    return [
        Sheet(
            caption=one.caption,
            head=[one.head[at] for at in keep],
            rows=[
                [_bare(row[at]) if at in (2, 4, 5) else row[at] for at in keep] for row in one.rows
            ],
            numeric=4,
        )
        for one in recovery_sheets(summary)
    ]


def _days(minutes: float) -> str:
    """Return a time in days: two weeks are 14 d."""
    return f"{minutes / DAY_MIN:g} d"


def _bare(cell: str) -> str:
    return cell.partition(" (")[0]


def _row(name: str, one: Mapping[str, Any]) -> list[str]:
    shown = [figure_of(name, one[key]) for key in ("before", "after", "late", "with")]
    lost = moved_by(name, one["before"]["value"], one["loss"])
    back = moved_by(name, one["late"]["value"], one["back"])
    return [NAMES[name].removeprefix("AI "), part_of(one["share"]), *shown, lost, back]


def _value(one: Mapping[str, Any]) -> str:
    return figure_of("balanced_accuracy", {**one, "low": None, "high": None})


def _periods(summary: Summary) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for one in summary["recovery"]["points"]:
        for period in one["periods"]:
            yield summary["points"][one["point"]], period
