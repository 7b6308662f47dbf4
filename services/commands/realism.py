"""`dermtwin realism`: how real rendered lesions look to the stack."""

import time
from pathlib import Path
from typing import Annotated

import typer

from services.commands.options import Json, environment_settings
from services.console import emit, progress_bars, two_columns

_NAMES = {
    "rendered_to_real_auc": "learned from rendered, asked about photographs",
    "real_to_rendered_auc": "learned from photographs, asked about rendered",
    "real_to_confounded_auc": "... taken in ways that differ by class, as the real ones",
    "rendered_to_rendered_auc": "learned from and asked about rendered",
    "separability_auc": "rendered told from photographed",
    "separability_by_one_statistic_median": "... by one statistic alone, median",
    "separability_by_one_statistic_most": "... by one statistic alone, most telling",
}


def realism(
    data: Annotated[
        Path | None, typer.Option(help="Class folders or a manifest; DERMTWIN_DATA if not given.")
    ] = None,
    images: Annotated[int, typer.Option(min=200, help="Rendered lesions to learn from.")] = 1200,
    quick: Annotated[bool, typer.Option(help="Small learners: minutes instead of more.")] = False,
    seed: Annotated[int, typer.Option(help="Seeds rendered lesions, folds and learners.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure how real rendered lesions look: four figures, each an AUC.

    Three have gates (0.75 or more, twice, and 0.90 to 0.97); the exit code is 3 if one is missed.
    The fourth is better the nearer it is to 0.5.

    Example: dermtwin realism --data isic --quick
    """
    from services.commands.labelled import data_root
    from services.exits import Exit
    from services.realism import realism as measure

    started_s = time.perf_counter()
    settings = environment_settings()
    root = data_root(data, settings)
    with progress_bars() as bars:
        result = measure(
            root, bars=bars, images=images, quick=quick, seed=seed, threads=settings.threads
        )
    result["wall_s"] = round(time.perf_counter() - started_s, 1)
    rows = {}
    for key, name in _NAMES.items():
        gate = result["gates"].get(key)
        wanted = f"  (gate: {gate[0]:g} to {gate[1]:g})" if gate else ""
        rows[name] = f"AUC {result[key]:.3f}{wanted}"
    rows["time"] = f"{result['wall_s']:g} s"
    emit(result, as_json=as_json, table=two_columns("realism of rendered lesions", rows))
    if not result["pass"]:
        raise typer.Exit(Exit.GATE_FAILED)
