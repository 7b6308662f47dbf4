"""`dermtwin reproduce`: the paper's results section on a user's copy of the data."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, SkipBad, environment_settings
from services.console import emit, progress_bars, say


def reproduce(
    data: Annotated[
        Path | None, typer.Option(help="Class folders or a manifest; DERMTWIN_DATA if not given.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="MobileNetV2: a file, or imagenet for Keras' download. Default: a file in "
            "weights/ beside the data directory, or else the download."
        ),
    ] = None,
    without_mobilenet: Annotated[
        bool, typer.Option(help="Leave out early layers, baseline and costs by the clock.")
    ] = False,
    quick: Annotated[
        bool, typer.Option(help="Every part on a fifth of the data; stands for nothing.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Folder of the report; the same folder again goes on.")
    ] = Path("reproduction"),
    seed: Annotated[int, typer.Option(help="Seeds folds, learners, maps and baseline.")] = 0,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Make the paper's results section: a page with figures, and a JSON file of all numbers.

    Takes up to half an hour on two cores. Ctrl-C keeps what is done: the same command goes on
    from there. With other data, code or settings nothing old is used.

    Example: dermtwin reproduce --data isic --out reproduction
    """
    from services.atomic import write_text
    from services.commands.reproduce_table import result_table
    from services.commands.skipped import skipped_rows, tell_skipped
    from services.ground import require_ground
    from services.reproduce.job import Order, carry_out
    from services.reproduce.mobilenet_weights import mobilenet_weights
    from services.reproduce.page import numbers, result_page
    from services.reproduce.plan import FULL, LEAST_FOLDS, QUICK
    from simulator.cases.datasets import BadRow, load_images
    from twin.errors import SettingsError

    started_s = time.perf_counter()
    settings = environment_settings()
    root = data or settings.data
    if root is None:
        raise SettingsError("DERMTWIN_DATA", "", "give --data DIR or set DERMTWIN_DATA")
    network = None
    if not without_mobilenet:
        network = mobilenet_weights(weights, settings.model_copy(update={"data": root}))
    bad: list[BadRow] = []
    notes: list[str] = []
    with progress_bars() as bars:
        images = load_images(
            root,
            verify=True,
            decode=skip_bad,  # without, training itself ends at the first one that is damaged
            skip_bad=bad if skip_bad else None,
            notes=notes,
            on_progress=bars,
        )
    tell_skipped(bad)
    learned = [image for image in images if image.split == "train"] or images
    notes += require_ground(learned, "the reproduction", root=root, folds=LEAST_FOLDS)
    for note in notes:
        say(f"note: {note}")
    out.mkdir(parents=True, exist_ok=True)
    order = Order(
        root=root,
        images=images,
        plan=QUICK if quick else FULL,
        weights=network,
        why_no_weights="--without-mobilenet was given",
        home=settings.home,
        folder=out,
        seed=seed,
        threads=settings.threads,
    )
    try:
        with progress_bars() as bars:
            found = carry_out(order, bars)
    except KeyboardInterrupt:
        say(f"interrupted: what is done is kept in {out / 'steps'}; the same command goes on")
        raise
    result: dict[str, Any] = {**numbers(found), "notes": notes, "skipped": skipped_rows(bad)}
    result["wall_s"] = round(time.perf_counter() - started_s, 1)
    page = out / "reproduction.html"
    write_text(page, result_page(found))
    write_text(out / "reproduction.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    for one in found.degraded:
        say(f"degraded: {one}")
    say(f"page: {page}")
    emit(result, as_json=as_json, table=result_table(result))
