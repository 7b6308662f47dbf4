"""`dermtwin stress`: a load on a twin that is brought up for it, faults, gates and a report."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.options import Batch, Json, ModelChoice, Set, environment_settings

if TYPE_CHECKING:
    from services.stress.watching import Show

Out = Annotated[Path | None, typer.Option(help="Run folder; a new one if not given.")]
Rate = Annotated[
    float | None,
    typer.Option(min=0.01, help="Cases per second, of a constant load or a soak."),
]
For = Annotated[
    str | None, typer.Option("--for", help="How long the load lasts, such as '30 min'.")
]
Seed = Annotated[int | None, typer.Option(help="Of the cases; the scenario's if not given.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Workers that share the cases.")]


def stress(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    rate: Rate = None,
    lasts: For = None,
    seed: Seed = None,
    workers: Workers = None,
    batch: Batch = 64,
    model: ModelChoice = None,
    overrides: Set = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Put a load on a twin, on the wall clock, and say how it bears it.

    The twin is brought up for it, on embedded servers unless KAFKA_BOOTSTRAP_SERVERS and REDIS_URL
    name others. Cases are sent when they are due, whatever became of those before; a latency
    counts from then until the verdict is on the log. The whole log is audited at the end.

    Exit codes: 0 gates pass, 3 a gate fails, or a case was lost, 4 a gate has no figure, 2 the
    scenario is not valid, 1 error. Ctrl-C ends the load and writes what was measured (130).

    Examples: dermtwin stress scenarios/stress-constant.yaml --rate 20 --for "1 min"

    dermtwin stress scenarios/stress-knee.yaml --set stress.profile.knee.hold="10 s" --json
    """
    from services.commands.scenario_files import read_scenario
    from services.console import emit, progress_bars, say
    from services.image_directory import ImageDirectory
    from services.stress.order import StressOrder, asked

    settings = environment_settings()
    order = StressOrder(
        text=read_scenario(scenario),
        source=str(scenario),
        overrides=tuple(overrides or ()),
        rate_per_s=rate,
        lasts=lasts,
        seed=seed,
        workers=workers,
        model=model,
        batch=batch,
        out=out,
    )
    wanted = asked(order)
    from services.commands.stress_tables import stress_table
    from services.exits import Exit
    from services.learning import model_for
    from services.stress.files import keep
    from services.stress.report import write_reports
    from services.stress.running import folder_for, run_stress
    from services.stress.summary import summarise

    images = ImageDirectory(settings.data)
    with progress_bars() as bars:
        artefact = model_for(wanted.scenario, model, settings, bars, images)
    folder = folder_for(wanted, settings)
    with _bar() as show:
        evidence = run_stress(wanted, artefact, images, folder, settings, show)
    summary, series = summarise(evidence)
    summary["run_dir"] = str(folder)
    keep(folder, evidence, summary, series)
    write_reports(folder, summary, series, evidence)
    for complaint in summary["degraded"]:
        say(f"degraded: {complaint}")
    emit(summary, as_json=as_json, table=stress_table(summary))
    code = {"fail": Exit.GATE_FAILED, "inconclusive": Exit.INCONCLUSIVE}.get(summary["gates"])
    if evidence.interrupted:
        sys.exit(130)
    if code:
        sys.exit(code)


@contextmanager
def _bar() -> "Iterator[Show]":
    """Show how far the load is and how the twin does; on a pipe, only the last state."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from services.console import MESSAGES

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=MESSAGES, refresh_per_second=4) as progress:
        task = progress.add_task("starting", total=1.0, told="")

        def show(what: str, done: float, of: float, now: Mapping[str, float]) -> None:
            progress.update(task, description=what, completed=done, total=of, told=_told(now))

        yield show


def _told(now: Mapping[str, Any]) -> str:
    if not now:
        return ""
    p99_ms = now.get("latency.p99_ms")
    latency = "" if p99_ms is None else f", p99 {p99_ms:,.0f} ms"
    shed = f", {now['shed.count']:.0f} shed" if now["shed.count"] else ""
    return (
        f"{now['offered_per_s']:.1f}/s due, {now['throughput_per_s']:.1f}/s answered, "
        f"{now['lag.cases']:.0f} open{latency}{shed}"
    )
