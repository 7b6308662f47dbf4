"""`dermtwin forecast`: what comes next, from the live state of the twin that is up."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.commands.options import Json, Set, environment_settings

if TYPE_CHECKING:
    from services.forecast.fork import Fork

_EVERY_S: Final = 0.5  # between two writes of progress.json


def forecast(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    horizon: Annotated[str, typer.Option(help="How far, as '24 h' or '7 d'.")] = "24 h",
    futures: Annotated[int, typer.Option(min=1, max=10_000, help="How many are simulated.")] = 20,
    from_log: Annotated[
        Path | None,
        typer.Option(help="events.jsonl to start from, instead of the live log.", dir_okay=False),
    ] = None,
    at_min: Annotated[
        float | None,
        typer.Option(help="Event time to start from; the latest of the log if not given."),
    ] = None,
    offset_min: Annotated[
        float | None,
        typer.Option(help="Event time of the scenario's time zero; the attached run's, or 0."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; a new one if not given.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the futures; the scenario's if not given.")
    ] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Fork the live state and simulate futures of a scenario from it; print where they lead.

    Patients who have arrived and not left are put into the scenario's clinic, with the answers that
    they have; from then on the scenario goes on as it says. Bands are pointwise quantiles over the
    futures. FOLDER/forecast.json has everything, forecast.html shows it, progress.json tells how
    far it is. Nothing is written to the log.

    Examples: dermtwin forecast scenarios/baseline-week.yaml --horizon "24 h" --futures 20

    dermtwin forecast scenarios/baseline-week.yaml --set staff.dermatologist.count=1 --json

    dermtwin forecast scenarios/baseline-week.yaml --from-log run/events.jsonl --at-min 4320
    """
    from services.commands.scenario_files import read_scenario
    from services.console import emit, progress_bars, say
    from services.experiments.clinic_only import ensure_clinic
    from services.forecast.forecasting import ForecastOrder
    from services.forecast.forecasting import forecast as project
    from simulator.language.scenario import load

    horizon_min = _duration(horizon)
    # A queue that grows without end is a fair question as far as a horizon.
    given = (*(overrides or ()), "allow_unstable=true")
    sound = load(read_scenario(scenario), str(scenario), given)
    ensure_clinic(sound, str(scenario))
    order = ForecastOrder(
        scenario=sound,
        horizon_min=horizon_min,
        futures=futures,
        seed=sound.seed if seed is None else seed,
    )
    settings = environment_settings()
    folder = _folder(out, settings.home, sound.name)
    tell = _Progress(folder)
    tell("state", 0, 1)
    try:
        start = _start(sound.name, from_log, at_min, offset_min)
        with progress_bars() as bars:

            def on_progress(done: int, total: int) -> None:
                bars("futures", done, total)
                tell("futures", done, total)

            result = project(order, start, on_progress)
    except BaseException as error:
        tell("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", 0, 1)
        raise
    _write(folder, result)
    tell("done", futures, futures)
    for words in result["degraded"]:
        say(f"degraded: {words}")
    emit(result, as_json=as_json, table=None if as_json else _table(result, folder))


def _duration(text: str) -> float:
    """Return the horizon in minutes.

    Raises:
        SettingsError: it is no duration above 0.
    """
    from simulator.quantities import QuantityError, parse_duration
    from twin.errors import SettingsError

    try:
        minutes = parse_duration(text)
    except QuantityError as error:
        raise SettingsError("--horizon", text, str(error)) from None
    if not minutes > 0:
        raise SettingsError("--horizon", text, "must be above 0")
    return minutes


def _folder(out: Path | None, home: Path, name: str) -> Path:
    """Return the folder to write to, made if need be.

    Raises:
        SettingsError: it cannot be made.
    """
    from twin.errors import SettingsError

    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = out or home / "forecasts" / f"{name}-{stamp}-{uuid.uuid4().hex[:4]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError("--out", str(folder), f"cannot be made: {error.strerror}") from error
    return folder


def _start(
    name: str, from_log: Path | None, at_min: float | None, offset_min: float | None
) -> "Fork":
    """Fork a log file, or the log of the twin that is up.

    Raises:
        DataError: the file cannot be read or holds no log.
        DependencyError: no twin is up, or its servers do not answer.
    """
    from services.forecast.fork import fork

    if from_log is not None:
        return fork(_events(from_log), offset_min=offset_min or 0.0, at_min=at_min)
    from services.forecast.attached import attached_run
    from services.live_log import live_log

    settings = environment_settings()
    with live_log(settings) as log:
        events = log.events("cases", "verdicts")
    run = attached_run(settings)
    if run is None:
        return fork(events, offset_min=offset_min or 0.0, at_min=at_min)
    zero_min = run.offset_min if offset_min is None else offset_min
    start = fork(events, offset_min=zero_min, at_min=at_min, begins=run.begins, virtual=run.virtual)
    if run.name == name:
        return start
    other = f"the run that is attached is {run.name}: its patients go on in {name}"
    return replace(start, degraded=(*start.degraded, other))


def _events(file: Path) -> list[Any]:
    from services.bus.codec import read_log
    from twin.errors import DataError, EventError

    try:
        with file.open("rb") as stream:
            return list(read_log(stream))
    except OSError as error:
        raise DataError(str(file), f"cannot be read: {error.strerror}") from error
    except EventError as error:
        raise DataError(str(file), error.args[1]) from error


class _Progress:
    """Writes progress.json, now and then and whenever a stage ends."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "progress.json"
        self._told_s = float("-inf")
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        from services.atomic import write_text

        now_s = time.monotonic()
        if stage == self._stage and done < total and now_s - self._told_s < _EVERY_S:
            return
        self._stage, self._told_s = stage, now_s
        write_text(self._file, json.dumps({"stage": stage, "done": done, "total": total}) + "\n")


def _write(folder: Path, result: Mapping[str, Any]) -> None:
    from services.atomic import write_text
    from simulator.report.forecast import forecast_page

    write_text(folder / "forecast.html", forecast_page(result))
    # Last: whoever finds it finds everything.
    write_text(folder / "forecast.json", json.dumps(result, indent=1, allow_nan=False) + "\n")


def _table(result: Mapping[str, Any], folder: Path) -> Any:  # noqa: ANN401  rich is imported late
    from rich.table import Table

    start = result["start"]
    title = (
        f"{result['scenario']}: {result['futures']} futures from {result['t0_min']:g} min "
        f"({result['t0_is']}), {start['in_system']} patients inside, "
        f"{start['unanswered']} without an answer"
    )
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("over the horizon", style="bold")
    for name in ("mean", "p05", "p50", "p95"):
        table.add_column(name, justify="right")
    for name, one in result["metrics"].items():
        shown = [
            "-" if one[key] is None else f"{one[key]:.4g}" for key in ("mean", "p05", "p50", "p95")
        ]
        table.add_row(name, *shown)
    table.caption = f"files: {folder}"
    table.caption_justify = "left"
    return table
