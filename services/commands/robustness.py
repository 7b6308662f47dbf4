"""`dermtwin robustness`: the stack's AUC under acquisition shifts, by severity."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, ModelChoice, environment_settings
from services.console import emit, progress_bars, say


def robustness(
    data: Annotated[
        Path | None, typer.Option(help="Class folders or a manifest; DERMTWIN_DATA if not given.")
    ] = None,
    model: ModelChoice = None,
    shift: Annotated[
        list[str] | None, typer.Option(help="Only this shift; may be repeated. Default: all.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, test or all.")] = "test",
    limit: Annotated[
        int | None, typer.Option(min=2, help="At most so many images, spread over all of them.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for robustness.html and robustness.json.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score images as they come and under each acquisition shift at severities 1 to 5.

    The table shows the AUC and, below it, the 95 % interval of the paired difference to the same
    images as they come. A shift falls monotonically unless the interval of a rise from one
    severity to the next lies above 0.

    Example: dermtwin robustness --data isic --shift defocus --shift jpeg --out robustness
    """
    from services.artefacts import ArtefactStore
    from services.commands.labelled import data_root
    from services.commands.robustness_page import result_page, result_table
    from services.robustness import judge, score_shifted
    from simulator.cases.datasets import load_images
    from twin.acquisition.shifts import SHIFTS
    from twin.errors import SettingsError

    started_s = time.perf_counter()
    names = list(dict.fromkeys(shift or SHIFTS))
    for name in names:
        if name not in SHIFTS:
            raise SettingsError("--shift", name, f"there are {', '.join(SHIFTS)}")
    if split not in ("train", "test", "all"):
        raise SettingsError("--split", split, "expected train, test or all")
    settings = environment_settings()
    root = data_root(data, settings)
    artefact = ArtefactStore(settings.home).load_or_latest(model)
    found = load_images(root, split=None if split == "all" else split)
    images = found
    if limit is not None and limit < len(found):
        images = [found[place * len(found) // limit] for place in range(limit)]
    if len({image.malignant for image in images}) < 2:
        raise SettingsError("--limit", limit, "no AUC without images of both classes")
    with progress_bars() as bars:
        scores = score_shifted(artefact, root, images, names, bars, settings.threads)
    result: dict[str, Any] = {
        "model_id": artefact.model_id,
        "data": str(root),
        "split": split,
        "limited": len(images) < len(found),
        **judge(scores),
    }
    result["wall_s"] = round(time.perf_counter() - started_s, 1)
    for reason in result["unscorable"]:
        say(f"not scored: {reason}")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        page = out / "robustness.html"
        page.write_text(result_page(result), encoding="utf-8")
        _write_json(out / "robustness.json", result)
        say(f"page: {page}")
    emit(result, as_json=as_json, table=result_table(result))


def _write_json(file: Path, result: dict[str, Any]) -> None:
    import json

    file.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
