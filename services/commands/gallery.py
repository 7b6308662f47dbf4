"""`dermtwin gallery`: a page of cases by class, tone and shift with scores."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.commands.options import Json, SkipBad, environment_settings
from services.console import emit, progress_bars, say

if TYPE_CHECKING:
    from services.config import Settings
    from services.console import Bars
    from services.gallery.making import Data, Wish
    from simulator.cases.datasets import BadRow
    from twin.model import Model

PAGE: Final = "gallery.html"
_MOST: Final = 50  # lesions of a diagnosis: a page of more is too large to look at


def gallery(
    out: Annotated[
        Path | None,
        typer.Option(help=f"Directory for {PAGE}. Default: gallery in DERMTWIN_HOME."),
    ] = None,
    per_class: Annotated[int, typer.Option(help="Lesions of each diagnosis, 1 to 50.")] = 6,
    seed: Annotated[int, typer.Option(help="Decides which cases are shown.")] = 0,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model id or artefact directory; none: pictures alone. Default: the latest."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Real images to show beside: class folders or a manifest; DERMTWIN_DATA if not "
            "given."
        ),
    ] = None,
    diagnosis: Annotated[
        list[str] | None,
        typer.Option(help="Only this diagnosis; may be repeated. Default: all."),
    ] = None,
    shift: Annotated[
        list[str] | None,
        typer.Option(help="Only this acquisition shift; may be repeated. Default: all."),
    ] = None,
    severity: Annotated[
        list[int] | None,
        typer.Option(help="Only this severity beside 0; may be repeated. Default: 1 to 5."),
    ] = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Write a page of cases by class, tone and shift with scores, so that people can look.

    One HTML file that opens offline: rendered lesions on six skin tones, real images beside
    rendered ones, acquisition shifts by severity, and each control of the renderer alone. The
    same options give the same file.

    Example: dermtwin gallery --data isic --diagnosis nevus --diagnosis melanoma
    """
    from services.commands.skipped import skipped_rows, tell_skipped
    from services.gallery.making import NO_MODEL, NOT_SCORED, make
    from simulator.cases.datasets import BadRow

    started_s = time.perf_counter()
    settings = environment_settings()
    folder = _folder(out or settings.home / "gallery")
    wish = _wish(diagnosis, shift, severity, per_class, seed)
    chosen = _model(settings, model)
    without_model = NOT_SCORED if model == "none" else NO_MODEL
    if chosen is None:
        say(without_model)
    bad: list[BadRow] = []
    with progress_bars() as bars:
        option, root = ("--data", data) if data else ("DERMTWIN_DATA", settings.data)
        shown = _data(option, root, bad if skip_bad else None, bars)
        tell_skipped(bad)
        wish = _with_command(wish, chosen, shown, skip_bad=skip_bad)
        made = make(wish, chosen, without_model, shown, bars)
    page = folder / PAGE
    _write(page, made.html)
    for reason in made.unreadable:
        say(f"not shown: {reason}")
    result: dict[str, Any] = {
        "page": str(page),
        "bytes": len(made.html.encode()),
        "model_id": chosen.model_id if chosen else None,
        "data": str(shown.root) if shown else None,
        "seed": seed,
        "command": list(wish.command),
        "skipped": skipped_rows(bad),
        "unreadable": list(made.unreadable),
        "pictures": list(made.pictures),
        "wall_s": round(time.perf_counter() - started_s, 1),
    }
    emit(result, as_json=as_json, table=_table(result, without_model))


def _folder(out: Path) -> Path:
    """Return the directory, made."""
    from twin.errors import SettingsError

    if out.is_file():
        raise SettingsError("--out", str(out), "is a file, expected a directory")
    if out.suffix.lower() in (".html", ".htm"):
        reason = f"expected a directory; the page in it is called {PAGE}"
        raise SettingsError("--out", str(out), reason)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise SettingsError("--out", str(out), cause.strerror or str(cause)) from cause
    return out


def _write(page: Path, html: str) -> None:
    from twin.errors import SettingsError

    try:
        page.write_text(html, encoding="utf-8", newline="\n")
    except OSError as cause:
        raise SettingsError("--out", str(page), cause.strerror or str(cause)) from cause


def _wish(
    diagnosis: list[str] | None,
    shift: list[str] | None,
    severity: list[int] | None,
    per_class: int,
    seed: int,
) -> "Wish":
    from services.gallery.lesions import rendered_diagnoses
    from services.gallery.making import Wish
    from simulator.language.nearest import nearest
    from twin.acquisition.acquisition import SEVERITIES
    from twin.acquisition.shifts import SHIFTS
    from twin.errors import SettingsError

    def checked(option: str, what: str, given: list[str] | None, known: list[str]) -> list[str]:
        for name in given or ():
            if name not in known:
                meant = nearest(name, known) or f": there are {', '.join(known)}"
                raise SettingsError(option, name, f"no such {what}{meant}")
        return [name for name in known if not given or name in given]

    _within("--per-class", per_class, 1, _MOST)
    _within("--seed", seed, 0, 2**63 - 1)
    for each in severity or ():
        _within("--severity", each, SEVERITIES[0], SEVERITIES[-1])
    diagnoses = checked("--diagnosis", "diagnosis", diagnosis, list(rendered_diagnoses()))
    shifts = checked("--shift", "acquisition shift", shift, list(SHIFTS))
    command = ["dermtwin", "gallery", "--per-class", str(per_class), "--seed", str(seed)]
    command += [word for name in diagnoses if diagnosis for word in ("--diagnosis", name)]
    command += [word for name in shifts if shift for word in ("--shift", name)]
    severities = sorted(set(severity or SEVERITIES))
    command += [word for each in severities if severity for word in ("--severity", str(each))]
    return Wish(
        diagnoses=diagnoses,
        shifts=shifts,
        severities=severities,
        per_class=per_class,
        seed=seed,
        command=command,
    )


def _within(option: str, value: int, low: int, high: int) -> None:
    from twin.errors import SettingsError

    if not low <= value <= high:
        raise SettingsError(option, value, f"is not within {low} and {high}")


def _with_command(
    wish: "Wish", model: "Model | None", data: "Data | None", *, skip_bad: bool
) -> "Wish":
    from dataclasses import replace

    command = [*wish.command, "--model", model.model_id if model else "none"]
    command += ["--data", str(data.root)] if data else []
    command += ["--skip-bad"] if skip_bad else []
    return replace(wish, command=command)


def _model(settings: "Settings", which: str | None) -> "Model | None":
    """Return the model asked for or the latest; None without one."""
    from services.artefacts import ArtefactStore

    store = ArtefactStore(settings.home)
    chosen = which or store.latest()
    return None if chosen in (None, "none") else store.load(chosen)


def _data(
    option: str, root: Path | None, bad: "list[BadRow] | None", bars: "Bars"
) -> "Data | None":
    """Return the images of the test split, which no model has learned from, if there is one.

    Parameters:
        bad: takes the rows that cannot be used; without it they are errors.
    """
    from services.gallery.making import Data
    from simulator.cases.datasets import load_images
    from twin.errors import DataError, SettingsError

    if root is None:
        return None
    try:
        images = load_images(root, skip_bad=bad, on_progress=bars)
    except DataError as error:
        raise SettingsError(option, str(root), str(error)) from error
    held_out = [image for image in images if image.split == "test"]
    of = "the test split" if held_out else "all images: the model may have learned from them"
    left_out = f"; {len(bad)} bad rows left out" if bad else ""
    return Data(root=root, images=held_out or images, about=f"{root}, {of}{left_out}")


def _table(result: dict[str, Any], without_model: str) -> Any:  # noqa: ANN401  rich, imported late
    from services.console import two_columns

    sections: dict[str, int] = {}
    for picture in result["pictures"]:
        sections[picture["section"]] = sections.get(picture["section"], 0) + 1
    counts = ", ".join(f"{name} {count}" for name, count in sections.items())
    rows = {
        "page": f"{result['page']} ({result['bytes'] / 1e6:.1f} MB)",
        "pictures": f"{len(result['pictures'])}: {counts}",
        "model": result["model_id"] or without_model,
        "real images": result["data"] or "none",
        "time": f"{result['wall_s']:g} s",
    }
    return two_columns("", rows)
