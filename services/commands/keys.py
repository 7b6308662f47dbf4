"""`dermtwin keys`: who may ask the status API for what."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from services.api.security.keys import Key

keys = typer.Typer(
    no_args_is_help=True, help="Keys of the status API: create, list and revoke them."
)


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is.", show_default=False)],
    scope: Annotated[
        list[str],
        typer.Option(help="read, submit or operate; may be repeated.", show_default=False),
    ],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Until it expires.")] = 90,
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once: only a hash of it is kept.

    Exit codes: 0 made, 1 the file of keys is unusable, 2 no such scope.

    Example: dermtwin keys create dashboard --scope read --days 30
    """
    from services.api.security.access import Scope
    from services.api.security.keys import create_key
    from services.console import two_columns
    from twin.errors import SettingsError

    for one in scope:
        if one not in set(Scope):
            raise SettingsError("--scope", one, f"expected one of {', '.join(Scope)}")
    key, text = create_key(_file(), name, frozenset(map(Scope, scope)), days)
    result = {"key": text, **_row(key)}
    rows = {
        "key": text,
        "id": key.id,
        "name": name,
        "scopes": ", ".join(result["scopes"]),
        "expires": result["expires"],
        "use": "Authorization: Bearer KEY; it is not shown again",
    }
    emit(result, as_json=as_json, table=two_columns("", rows))


@keys.command("list")
def list_(as_json: Json = False) -> None:
    """Print all keys, without their secrets, which nobody has.

    Example: dermtwin keys list
    """
    from services.api.security.keys import read_keys

    rows = [_row(key) for key in read_keys(_file()).values()]
    emit({"keys": rows}, as_json=as_json, table=_table(rows))


@keys.command()
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Of the key.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Revoke a key for good; an API that runs refuses it from the next request on.

    Exit codes: 0 revoked, 1 the file of keys is unusable, 2 no such key.

    Example: dermtwin keys revoke 3f9c01ab
    """
    from services.api.security.keys import revoke_key

    row = _row(revoke_key(_file(), id_))
    emit(row, as_json=as_json, table=_table([row]))


def _file() -> "Path":
    from services.api.security.keys import FILE_NAME

    return environment_settings().home / FILE_NAME


def _row(key: "Key") -> dict[str, Any]:
    import time

    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "state": key.state(time.time()),
        "created": _day(key.created_unix_s),
        "expires": _day(key.expires_unix_s),
    }


def _day(unix_s: float) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"


def _table(rows: list[dict[str, Any]]) -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("id", "name", "scopes", "state", "created", "expires"):
        table.add_column(name)
    for row in rows:
        cells = {**row, "scopes": ", ".join(row["scopes"])}
        table.add_row(*(escape(str(cell)) for cell in cells.values()))
    return table
