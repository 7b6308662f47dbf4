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
    from services.commands.labelled import data_root, load_labelled
    from services.commands.reproduce_table import result_table
    from services.commands.skipped import skipped_rows
    from services.ground import learned_and_held_out, require_ground
    from services.reproduce.job import Order, carry_out
    from services.reproduce.mobilenet_weights import mobilenet_weights
    from services.reproduce.page import numbers, result_page
    from services.reproduce.plan import FULL, LEAST_FOLDS, QUICK

    started_s = time.perf_counter()
    settings = environment_settings()
    root = data_root(data, settings)
    network = None
    if not without_mobilenet:
        network = mobilenet_weights(weights, settings.model_copy(update={"data": root}))
    labelled = load_labelled(root, skip_bad=skip_bad)
    learned, _ = learned_and_held_out(labelled.images)
    notes = labelled.notes
    notes += require_ground(learned, "the reproduction", root=root, folds=LEAST_FOLDS)
    for note in notes:
        say(f"note: {note}")
    out.mkdir(parents=True, exist_ok=True)
    order = Order(
        root=root,
        images=labelled.images,
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
    result: dict[str, Any] = {
        **numbers(found),
        "notes": notes,
        "skipped": skipped_rows(labelled.bad),
        "unlabelled": len(labelled.unlabelled),
    }
    result["wall_s"] = round(time.perf_counter() - started_s, 1)
    page = out / "reproduction.html"
    write_text(page, result_page(found))
    write_text(out / "reproduction.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    for one in found.degraded:
        say(f"degraded: {one}")
    say(f"page: {page}")
    emit(result, as_json=as_json, table=result_table(result))
