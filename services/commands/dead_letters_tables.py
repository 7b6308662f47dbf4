"""Dead letters for people, and as plain data."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from services.console import two_columns
from services.dead_letters.letter import Letter
from services.dead_letters.shown import plain, shown

Row = dict[str, Any]


def row_of(letter: Letter) -> Row:
    """Return a letter as plain data, without its bytes."""
    return {
        "origin": letter.origin,
        "refused_unix_s": letter.refused_unix_ms / 1000,
        "sent_unix_s": letter.sent_unix_ms / 1000 if letter.sent_unix_ms > 0 else None,
        "by": letter.by,
        "kind": letter.kind,
        "reason": letter.reason,
        "schema": letter.schema,
        "key": letter.key,
        "bytes": letter.bytes,
        "not_kept": letter.kept,
        "replay_of": letter.replay_of,
        "replayed": letter.replayed,
        "letter": letter.place,
    }


def list_table(result: Mapping[str, Any]) -> Group:
    """Return letters in a table, and their counts."""
    table = Table()
    # On a narrow terminal the reason is folded; the origin is what people copy.
    longest = max((len(plain(row["origin"])) for row in result["letters"]), default=6)
    table.add_column("origin", min_width=longest)
    table.add_column("refused", min_width=19)
    for name in ("schema", "kind", "reason", "bytes", "replayed"):
        table.add_column(name, overflow="fold")
    for row in result["letters"]:
        table.add_row(
            escape(plain(row["origin"])),
            _time(row["refused_unix_s"]),
            _short(row["schema"], 24),
            row["kind"],
            _short(row["reason"], 90),
            str(row["bytes"]) + (" (not kept)" if row["not_kept"] else ""),
            f"{row['replayed']} x" if row["replayed"] else "",
        )
    left = result["found"] - len(result["letters"])
    kinds = ", ".join(f"{count} {kind}" for kind, count in result["by_reason"].items())
    rows = {"dead letters": str(result["found"]), "by reason": escape(plain(kinds)) or "none"}
    if left:
        rows["not shown"] = f"{left} older ones; see --limit"
    return Group(table, two_columns("", rows))


def show_result(letter: Letter, most: int) -> Row:
    """Return all that is kept of a letter; its bytes in base64."""
    how, text = shown(letter.value, most)
    return {
        **row_of(letter),
        "shown_as": how,
        "shown": text,
        "cut": len(letter.value) > most,
        "base64": base64.b64encode(letter.value).decode(),
    }


def show_table(result: Row) -> Group:
    """Return all that is kept of a letter."""
    key = "none" if result["key"] is None else repr(result["key"])
    size = f"{result['bytes']}, shown as {result['shown_as']}"
    rows = {
        "origin": result["origin"],
        "reason": f"{result['kind']}: {result['reason']}",
        "refused": f"{_time(result['refused_unix_s'])} by the {result['by']}",
        "sent": "-" if result["sent_unix_s"] is None else _time(result["sent_unix_s"]),
        "schema": result["schema"] or "none",
        "key": key,
        "bytes": size + (", the beginning" if result["cut"] else ""),
    }
    if result["not_kept"]:
        rows["not kept"] = result["not_kept"]
    if result["replay_of"]:
        rows["replay of"] = result["replay_of"]
    if result["replayed"]:
        rows["sent again"] = f"{result['replayed']} time(s)"
    shown_rows = {name: escape(plain(value)) for name, value in rows.items()}
    return Group(two_columns("", shown_rows), "", escape(result["shown"]))


def replay_table(rows: Sequence[Row], partly: Sequence[str]) -> Group:
    """Return what became of letters that were sent again, or would be."""
    parts: list[Any] = []
    if rows:
        table = Table(*(name.replace("_", " ") for name in rows[0]))
        for row in rows:
            table.add_row(*(escape(plain(str(value))) for value in row.values()))
        parts.append(table)
    else:
        parts.append("no dead letter is to be sent again")
    parts += [
        f"{escape(plain(one))}: its bytes, key or schema were too large to be kept whole"
        for one in partly
    ]
    return Group(*parts)


def _short(text: str, most: int) -> str:
    return escape(plain(text if len(text) <= most else text[: most - 1] + "…"))


def _time(unix_s: float) -> str:
    try:
        return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # a stranger's clock
        return f"{unix_s:g} s"
