"""`dermtwin data`: what is in a directory of images, and how to get one."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, SkipBad
from services.console import emit, progress_bars, say
from services.exits import Exit
from services.isic.address import ISIC_API

_CTRL_C = 130  # as shells number it: 128 and SIGINT

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
def check(
    directory: Directory,
    decode: Annotated[
        bool, typer.Option("--decode", help="Decode each image too; takes a few ms an image.")
    ] = False,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Read every file and row; print counts, lesions across splits, and what is wrong.

    Exit codes: 0 all rows can be used, or those that cannot were skipped; 2 some cannot.

    Example: dermtwin data check ham10000
    """
    from services.commands.data_tables import check_result, check_table
    from services.commands.skipped import tell_skipped
    from simulator.cases.datasets import read_data
    from simulator.cases.inventory import inventory

    with progress_bars() as bars:
        found = read_data(directory, verify=True, decode=decode, on_progress=bars)
    result = check_result(found, inventory(found))
    for note in found.notes:
        say(note)
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

    Example: dermtwin data near-duplicates isic --out pairs.csv
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


@data.command()
def fetch_isic(
    out: Annotated[Path, typer.Option(help="Data directory to fill.", show_default=False)],
    collection: Annotated[
        list[int] | None,
        typer.Option(help="Collection id, from isic-archive.com; may be repeated."),
    ] = None,
    query: Annotated[
        str,
        typer.Option(help="In the archive's search language, as: diagnosis_3:Nevus AND sex:male"),
    ] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many images.")] = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Images of 256 px instead of the full size.")
    ] = False,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Downloads at once.")] = 4,
    api: Annotated[str, typer.Option(help="Another server that speaks the same API.")] = ISIC_API,
    as_json: Json = False,
) -> None:
    """Download labelled images of the ISIC archive, with licence and attribution of each.

    Run again, it goes on where it ended: what is there is verified and not fetched anew. Each
    image has a licence of its own, most often for non-commercial use only; ATTRIBUTION.csv and
    LICENCES.txt tell. Exit codes: 0 all is here, 1 some images could not be had, 130 Ctrl-C.

    Example: dermtwin data fetch-isic --out isic --query "image_type:dermoscopic" --limit 500
    """
    from services.commands.data_tables import fetched_result, fetched_table, tell_fetched
    from services.isic.fetch import Wanted, fetch
    from services.isic.patience import Patience

    wanted = Wanted(
        query=query,
        collections=",".join(map(str, collection or ())),
        limit=limit,
        thumbnails=thumbnails,
        parallel=parallel,
        api=api,
    )
    with progress_bars() as bars:
        fetched = fetch(out, wanted, Patience(tell=say), bars)
    tell_fetched(fetched)
    result = fetched_result(out, fetched)
    emit(result, as_json=as_json, table=fetched_table(result))
    if fetched.stopped:
        say("stopped: run the same command again to go on")
        raise typer.Exit(_CTRL_C)
    if fetched.failed:
        raise typer.Exit(Exit.ERROR)
