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
    from services.commands.labelled import data_root, load_labelled
    from services.commands.skipped import skipped_rows
    from services.commands.tables import training_table
    from services.ground import leak_note, learned_and_held_out, require_ground
    from services.learning import Lesson, evaluate_images, learn_images

    started_s = time.perf_counter()
    settings = environment_settings()
    root = data_root(data, settings)
    found = load_labelled(root, skip_bad=skip_bad)
    learned, held_out = learned_and_held_out(found.images)
    notes = found.notes
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
        "skipped": skipped_rows(found.bad),
        "unlabelled": len(found.unlabelled),
        "wall_s": round(time.perf_counter() - started_s, 1),
    }
    emit(result, as_json=as_json, table=training_table(result))
