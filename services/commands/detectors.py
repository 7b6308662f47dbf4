"""`dermtwin detectors`: how soon drift detectors see each shift, and how often they cry wolf."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import (
    Json,
    ModelChoice,
    Set,
    SkipBad,
    Workers,
    environment_settings,
)


def detectors(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    shifts: Annotated[
        str | None,
        typer.Option(help="Only these, as colour_cast,defocus; none: none. Default: all."),
    ] = None,
    severities: Annotated[str, typer.Option(help="As 1..5, or 1,3,5.")] = "1..5",
    prevalence: Annotated[
        list[str] | None,
        typer.Option(help="After a shift, as 40%; may be repeated. Default: odds times 3."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="Onset, as 20d. Default: that of the scenario's first shift, or half."),
    ] = None,
    replications: Annotated[
        int | None, typer.Option(min=1, help="Of each trial. Default: the scenario's.")
    ] = None,
    family: Annotated[
        str,
        typer.Option(
            help="Streams that the table is of: any, inputs, scores, disagreement, performance, "
            "multivariate, or each."
        ),
    ] = "any",
    model: ModelChoice = None,
    overrides: Set = None,
    workers: Workers = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; a new one if not given.")] = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Score drift detectors: delay to detection and false alarms, by kind and severity of shift.

    Runs the scenario without any shift, with a shift of prevalence, and with each kind of image
    shift at each severity; its own shifts are left out. It needs `drift` and `cases.bank`. The run
    folder gets detectors.html and detectors.json. After Ctrl-C (130) dermtwin resume carries on.

    A false alarm is a report with an alarm while nothing shifts. A delay runs from the onset to
    the first alarm; its median is over all replications, those without an alarm being later.

    Examples: dermtwin detectors scenarios/drift-detectors.yaml

    dermtwin detectors scenarios/drift-detectors.yaml --shifts defocus,noise --severities 1,3,5

    dermtwin detectors scenarios/isic-colour-cast.yaml --set "drift={every: 1 d}"
    """
    from services.commands.scenario_files import read_scenario
    from services.console import progress_bars
    from services.detector_trials import DetectorOrder
    from services.detectors import score_detectors
    from simulator.analysis.detection import ANY, FAMILIES
    from twin.acquisition.shifts import SHIFTS
    from twin.errors import SettingsError

    families = (ANY, *FAMILIES, "each")
    if family not in families:
        raise SettingsError("--family", family, f"expected one of {', '.join(families)}")
    order = DetectorOrder(
        text=read_scenario(scenario),
        source=str(scenario),
        shifts=tuple(SHIFTS) if shifts is None else _names(shifts),
        severities=_levels(severities),
        prevalence=None if prevalence is None else tuple(map(_share, prevalence)),
        at=at,
        replications=replications,
        model=model,
        overrides=tuple(overrides or ()),
        out=out,
        workers=workers,
        skip_bad=skip_bad,
    )
    with progress_bars() as bars:
        result = score_detectors(order, environment_settings(), bars)
    tell(result, as_json=as_json, family=family)


def tell(result: Mapping[str, Any], *, as_json: bool, family: str = "any") -> None:
    """Print what was found; a self-check that does not hold is an error."""
    from rich.console import Group

    from services.commands.loop_tables import sheet_table
    from services.console import emit, say, two_columns
    from services.exits import Exit
    from simulator.report.detectors import detector_facts, detector_sheets

    for complaint in result["degraded"]:
        say(f"degraded: {complaint}")
    tables = [
        sheet_table(sheet) for sheet in detector_sheets(result, family, brief=True) if sheet.rows
    ]
    facts = detector_facts(result) | {
        "page": f"{result['run_dir']}/detectors.html",
        "time": f"{result['wall_s']:g} s",
    }
    emit(result, as_json=as_json, table=Group(*tables, two_columns("", facts)))
    if not result["checks_hold"]:
        say("a self-check of a replication does not hold")
        raise typer.Exit(Exit.ERROR)


def _names(text: str) -> tuple[str, ...]:
    if text.strip() == "none":
        return ()
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _levels(text: str) -> tuple[int, ...]:
    from twin.errors import SettingsError

    try:
        first, dots, last = text.partition("..")
        if dots:
            return tuple(range(int(first), int(last) + 1))
        return tuple(dict.fromkeys(int(one) for one in text.split(",")))
    except ValueError as error:
        raise SettingsError("--severities", text, "expected numbers, as 1,3,5 or 1..5") from error


def _share(text: str) -> float:
    from simulator.quantities import QuantityError, parse_share
    from twin.errors import SettingsError

    try:
        return parse_share(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except QuantityError as error:
        raise SettingsError("--prevalence", text, str(error)) from error
