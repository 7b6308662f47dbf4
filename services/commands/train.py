"""`dermtwin train`: fit stem, learners and meta-learner on a directory of images."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, SkipBad, environment_settings
from services.console import emit, progress_bars, say


def train(
    data: Annotated[
        Path | None, typer.Option(help="Class folders or a manifest; DERMTWIN_DATA if not given.")
    ] = None,
    stem: Annotated[str, typer.Option(help="analytic, imagenet, or a weights file.")] = "analytic",
    quick: Annotated[bool, typer.Option(help="A small model in about a minute.")] = False,
    seed: Annotated[int, typer.Option(help="Seeds folds and learners.")] = 0,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Train on the train split; test once on the test split, if there is one.

    Every choice is made by cross-validation inside the training images, with images of one
    lesion never apart. The test images are looked at when all is fitted. Every file is compared
    with the checksum that the manifest states.

    Example: dermtwin train --data isic --stem analytic
    """
    from services.commands.skipped import skipped_rows, tell_skipped
    from services.commands.tables import training_table
    from services.ground import leak_note, require_ground
    from services.learning import Lesson, evaluate_images, learn_images
    from simulator.cases.datasets import BadRow, load_images
    from twin.errors import SettingsError

    started_s = time.perf_counter()
    settings = environment_settings()
    root = data or settings.data
    if root is None:
        raise SettingsError("DERMTWIN_DATA", "", "give --data DIR or set DERMTWIN_DATA")
    bad: list[BadRow] = []
    unlabelled: list[BadRow] = []
    notes: list[str] = []
    with progress_bars() as bars:
        images = load_images(
            root,
            verify=True,
            decode=skip_bad,  # without, training itself ends at the first one that is damaged
            skip_bad=bad if skip_bad else None,
            unlabelled=unlabelled,
            notes=notes,
            on_progress=bars,
        )
    tell_skipped(bad)
    if unlabelled:
        say(f"left out: {len(unlabelled)} images that are called neither benign nor malignant")
    splits = {image.split for image in images}
    learned = [image for image in images if image.split == "train"] if "train" in splits else images
    held_out = [image for image in images if image.split == "test"]
    lesson = Lesson(stem=stem, quick=quick, seed=seed, threads=settings.threads)
    notes += require_ground(learned, "training", root=root, folds=lesson.settings.folds)
    if held_out:
        notes += require_ground(held_out, "the test", root=root) + leak_note(learned, held_out)
    for note in notes:
        say(note)
    with progress_bars() as bars:
        model, directory, fresh = learn_images(settings.home, root, learned, lesson, bars)
        test = evaluate_images(model, root, held_out, bars) if held_out else None
    if not fresh:
        say(f"the same data and settings made model {model.model_id} before; it is used again")
    result: dict[str, Any] = {
        "model_id": model.model_id,
        "model_dir": str(directory),
        "trained_anew": fresh,
        "train": {"images": len(learned), "malignant": sum(i.malignant for i in learned)},
        **model.report(),
        "test": test,
        "notes": notes,
        "skipped": skipped_rows(bad),
        "unlabelled": len(unlabelled),
        "wall_s": round(time.perf_counter() - started_s, 1),
    }
    emit(result, as_json=as_json, table=training_table(result))
