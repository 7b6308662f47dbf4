"""Text and tables of GitHub Markdown."""

from collections.abc import Sequence
from typing import Final

MOST: Final = 12  # rows of a table: all stand in report.html


def safe(text: object) -> str:
    """Return text that cannot become markup, a table's column, or a mention.

    >>> safe("a | <b> @all")
    'a \\\\| &lt;b&gt; @\\u200ball'
    """
    said = " ".join(str(text).split())
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b")):
        said = said.replace(sign, safe)
    for sign in "\\|*_`[]#":
        said = said.replace(sign, f"\\{sign}")
    return said


def row_of(cells: Sequence[object]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(safe(cell) for cell in cells)} |"


def table_of(head: Sequence[str], rows: Sequence[Sequence[object]], most: int = MOST) -> list[str]:
    """Return the lines of a table; empty without rows.

    Parameters:
        most: rows that are shown; of the others their number is told.
    """
    if not rows:
        return []
    cut = [row_of(row) for row in rows[:most]]
    left = len(rows) - most
    more = [f"\n{left} more stand in report.html."] if left > 0 else []
    return [row_of(head), "|" + " --- |" * len(head), *cut, *more, ""]
