"""`dermtwin data`: what is in a directory of images, and how to get one."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, SkipBad
from services.console import emit, progress_bars, say
from services.exits import Exit

data = typer.Typer(
    no_args_is_help=True, help="Look into a directory of labelled images, or download one."
)
Directory = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Class folders, manifest.csv, HAM10000_metadata.csv or metadata.csv with images.",
        show_default=False,
    ),
]


@data.command()
def check(directory: Directory, skip_bad: SkipBad = False, as_json: Json = False) -> None:
    """Read every file and row; print counts, lesions across splits, and what is wrong.

    Exit codes: 0 all rows can be used, or those that cannot were skipped; 2 some cannot.

    Example: dermtwin data check ham10000
    """
    from services.commands.data_tables import check_result, check_table
    from services.commands.skipped import tell_skipped
    from simulator.cases.datasets import read_data
    from simulator.cases.inventory import inventory

    with progress_bars() as bars:
        found = read_data(directory, verify=True, on_progress=bars)
    result = check_result(found, inventory(found))
    tell_skipped(found.bad, "left out" if skip_bad else "bad")
    emit(result, as_json=as_json, table=check_table(result))
    if found.bad and not skip_bad:
        say("the data cannot be used as it is; --skip-bad goes on without these rows")
        raise typer.Exit(Exit.INVALID)


@data.command()
def near_duplicates(
    directory: Directory,
    above: Annotated[
        float, typer.Option(min=0.5, max=1, help="Correlation of grey thumbnails, 32 px wide.")
    ] = 0.97,
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write; DIR/near_duplicates.csv, if there is none, by default."),
    ] = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Find images that look alike; lesions are kept together by the list from then on.

    A list that is there is not overwritten: with --out, the new one is compared with it.

    Example: dermtwin data near-duplicates isic --out /tmp/pairs.csv
    """
    from services.commands.data_tables import pairs_table
    from services.commands.skipped import skipped_rows, tell_skipped
    from services.near_duplicates import against_stated, find_near_duplicates, write_pairs
    from simulator.cases.bad_rows import complain
    from simulator.cases.datasets import read_data
    from simulator.cases.lesions import NEAR_DUPLICATES
    from twin.errors import SettingsError

    table = out or directory / NEAR_DUPLICATES
    if table.exists():
        raise SettingsError("--out", str(table), "is there already and is not overwritten")
    if not table.parent.is_dir():
        raise SettingsError("--out", str(table), "there is no such directory to write in")
    with progress_bars() as bars:
        images = read_data(directory, verify=True, on_progress=bars)
        if not skip_bad:
            complain(images.bad)
        found = find_near_duplicates(images, above, bars)
    tell_skipped(images.bad)
    for reason in found.unreadable:
        say(f"not compared: {reason}")
    write_pairs(table, found.pairs)
    result: dict[str, Any] = {
        "directory": str(images.root),
        "images": len(images.images),
        "above": above,
        "pairs": len(found.pairs),
        "across_splits": sum(a.split != b.split for a, b, _ in found.pairs),
        "across_labels": sum(a.malignant != b.malignant for a, b, _ in found.pairs),
        "across_lesions": sum(a.group != b.group for a, b, _ in found.pairs),
        "stated": against_stated(found, images),
        "not_compared": found.unreadable,
        "skipped": skipped_rows(images.bad),
        "written": str(table),
    }
    emit(result, as_json=as_json, table=pairs_table(result))
