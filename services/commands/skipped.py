"""How commands tell of rows of a data set that they left out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from services.console import say

if TYPE_CHECKING:
    from simulator.cases.datasets import BadRow

_SHOWN: Final = 20  # assumption: a screenful; the JSON has them all


def skipped_rows(rows: "Sequence[BadRow]") -> list[dict[str, Any]]:
    """Return rows for a JSON object."""
    return [
        {"table": str(one.table), "row": one.row, "file": one.file, "reason": one.reason}
        for one in rows
    ]


def tell_skipped(rows: "Sequence[BadRow]", word: str = "left out") -> None:
    """Say which rows were left out, or what else is the word for them."""
    for one in rows[:_SHOWN]:
        say(f"{word}: {one}")
    if len(rows) > _SHOWN:
        say(f"{word}: {len(rows) - _SHOWN} more; --json lists them all")
