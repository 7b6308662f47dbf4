"""`dermtwin audit-data`: what must not be believed of a score on a directory of images."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit, progress_bars, say


def audit_data(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Class folders or a manifest.", show_default=False),
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="Without scores: dubious labels are not looked for.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Directory for audit.html and audit.json.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for leaks, duplicates, shortcuts, dubious labels and faulty images.

    A shortcut is a fact that is no lesion, such as the file's compression or the image's source,
    and tells the classes apart: its AUC is out of fold, by lesion. Nothing in DIR is changed, and
    no model is needed.

    Example: dermtwin audit-data isic --out audit
    """
    from services.atomic import write_text
    from services.audit.auditing import audit
    from services.commands.audit_page import audit_page, audit_table
    from simulator.cases.datasets import read_data
    from simulator.cases.facts import LABELS
    from twin.errors import DataError

    started_s = time.perf_counter()
    settings = environment_settings()
    with progress_bars() as bars:
        data = read_data(directory, verify=True, on_progress=bars)
        for label, malignant in LABELS.items():
            if not any(image.malignant == malignant for image in data.images):
                why = f"; the first fault: {data.bad[0]}" if data.bad else ""
                raise DataError(data.root, f"no {label} images{why}")
        result: dict[str, Any] = audit(
            data, quick=quick, on_progress=bars, threads=settings.threads
        )
    result["wall_s"] = round(time.perf_counter() - started_s, 1)
    for note in result["notes"]:
        say(note)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "audit.html", audit_page(result))
        write_text(out / "audit.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
        say(f"page: {out / 'audit.html'}")
    emit(result, as_json=as_json, table=audit_table(result))
