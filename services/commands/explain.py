"""`dermtwin explain`: why the stack answers as it does on image files."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.commands.options import Json, ModelChoice, environment_settings
from services.console import emit, progress_bars, say

if TYPE_CHECKING:
    from services.artefacts import ArtefactStore
    from services.explaining.explained import Explained, Unexplained

PAGE: Final = "explanations.html"
RESULT: Final = "explanations.json"


def explain(
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    model: ModelChoice = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Only this explainer; may be repeated. Default: all."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help=f"Directory for {PAGE}. Default: explanations in DERMTWIN_HOME."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Where pictures of similar training cases are looked for; DERMTWIN_DATA if not "
            "given."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain verdicts: maps over the image, what each learner added, similar training cases.

    Writes one HTML page that opens offline, and beside it a folder per image with the maps as
    PNG and as arrays. An image that cannot be read is listed with its reason and the others are
    explained; the exit code is 1 only if none could be. Not a medical device.

    Example: dermtwin explain mole.jpg --out explained
    """
    from services.artefacts import ArtefactStore
    from services.commands.references import reference_to
    from services.explaining.explained import Explained, explain_files, rows_of
    from services.explaining.page import explain_page
    from services.explaining.result import result_of
    from services.explaining.training_images import training_images
    from twin.model import CASES, training_cases_of

    started_s = time.perf_counter()
    methods = _methods(method)
    settings = environment_settings()
    folder = _folder(out or settings.home / "explanations")
    store = ArtefactStore(settings.home)
    artefact = store.load_or_latest(model)
    cases = training_cases_of(artefact.part(CASES))
    root = data or settings.data
    with progress_bars() as bars:
        found = explain_files(artefact, images, methods, reference_to, bars)
        lesson = _lesson(store, artefact.model_id)
        known = training_images(cases, rows_of(found), lesson, root, bars)
    for one in found:
        if not isinstance(one, Explained):
            say(f"not explained: {one.path}: {one.reason}")
    result: dict[str, Any] = result_of(artefact, found, cases, known)
    result |= {"page": str(folder / PAGE), "wall_s": round(time.perf_counter() - started_s, 1)}
    _write(folder, found, explain_page(artefact, found, known), result)
    emit(result, as_json=as_json, table=_table(result))
    if not any(isinstance(one, Explained) for one in found):
        raise typer.Exit(1)


def _methods(given: list[str] | None) -> list[str]:
    from simulator.language.nearest import nearest
    from twin.errors import SettingsError
    from twin.explain.methods import METHODS

    for name in given or ():
        if name not in METHODS:
            meant = nearest(name, METHODS) or f": there are {', '.join(METHODS)}"
            raise SettingsError("--method", name, f"no such explainer{meant}")
    return [name for name in METHODS if not given or name in given]


def _folder(out: Path) -> Path:
    """Return the directory, made."""
    from twin.errors import SettingsError

    if out.is_file():
        raise SettingsError("--out", str(out), "is a file, expected a directory")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise SettingsError("--out", str(out), cause.strerror or str(cause)) from cause
    return out


def _lesson(store: "ArtefactStore", model_id: str) -> dict[str, Any] | None:
    """Return what the model learned from, if this home kept it."""
    from twin.errors import ArtefactError

    try:
        return store.lesson(model_id)
    except ArtefactError:
        return None


def _write(
    folder: Path, found: "list[Explained | Unexplained]", html: str, result: dict[str, Any]
) -> None:
    import json

    from services.explaining.result import write_files
    from twin.errors import SettingsError

    try:
        write_files(folder, found)
        (folder / PAGE).write_text(html, encoding="utf-8", newline="\n")
        written = json.dumps(result, indent=2, allow_nan=False) + "\n"
        (folder / RESULT).write_text(written, encoding="utf-8")
    except OSError as cause:
        raise SettingsError("--out", str(folder), cause.strerror or str(cause)) from cause


def _table(result: dict[str, Any]) -> Any:  # noqa: ANN401  rich, imported late
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    from services.console import two_columns

    shown = Table("image", "p_malignant", "verdict", "what moved it most", "maps that beat random")
    for one in result["images"]:
        if "error" in one:
            shown.add_row(escape(one["image"]), "-", "not explained", escape(one["error"]), "-")
            continue
        parts = sorted(one["contributions"], key=lambda part: -abs(part["nats"]))
        moved = ", ".join(f"{part['name']} {part['nats']:+.2f}" for part in parts[:3])
        beat = [each["method"] for each in one["maps"] if each["deletion"]["beats_random"]]
        shown.add_row(
            escape(one["image"]),
            f"{one['p_malignant']:.3f}",
            "malignant" if one["malignant"] else "benign",
            moved,
            ", ".join(beat) or "none",
        )
    rows = {"model": result["model_id"], "page": result["page"], "time": f"{result['wall_s']:g} s"}
    return Group(shown, two_columns("", rows))
