"""`dermtwin run`: a scenario, with its replications, sweep and gates."""

import signal
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from services.commands.options import (
    Batch,
    Json,
    ModelChoice,
    Set,
    SkipBad,
    Workers,
    environment_settings,
)
from services.config import Settings

Route = Annotated[str, typer.Option(help="kafka (servers, Ray, mirror), ray, or inprocess.")]
Attach = Annotated[
    bool,
    typer.Option("--attach", help="Stream the cases into the twin that is up (dermtwin up)."),
]
Speed = Annotated[
    str | None,
    typer.Option(
        help="With --attach: simulated minutes per wall minute, or max. Without: the horizon "
        "takes about three minutes.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Run folder; a new one if not given. What was begun there goes on."),
]


def run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    route: Route = "kafka",
    batch: Batch = 64,
    model: ModelChoice = None,
    overrides: Set = None,
    workers: Workers = None,
    out: Out = None,
    skip_bad: SkipBad = False,
    attach: Attach = False,
    speed: Speed = None,
    as_json: Json = False,
) -> None:
    """Run a scenario; print its answers and gates, and where its report and files are.

    Patients who are drawn from a bank were scored before the run, in this process: for them, as for
    nominal cases, --route and --batch have no meaning.

    The digest is that of all that happened: the same scenario, seed and model give the same digest
    on every route, with every batch size, and on any number of cores.

    The same command with the same --out carries on what was begun there, however that ended; the
    outcome is that of a run that nothing disturbed. Where it is finished, its summary is shown.

    Exit codes: 0 gates pass, 3 a gate fails, 4 a gate is inconclusive, 2 the scenario is not
    valid, 1 error. After Ctrl-C (130) dermtwin resume carries on, too.

    Examples: dermtwin run scenarios/first-clinic.yaml --route inprocess --batch 16

    dermtwin run scenarios/baseline-week.yaml --set staff.dermatologist.count=2

    With --attach, one replication runs on the log of the twin that is up, at a pace that can be
    watched; patients of a nominal scenario get rendered lesions. Model and operating point are
    the twin's. The digest is that of the same scenario on any other route. Ctrl-C ends the run and
    not the twin.

    Examples: dermtwin up &  dermtwin run scenarios/baseline-week.yaml --attach

    dermtwin run scenarios/first-clinic.yaml --attach --speed max
    """
    from services.commands.scenario_files import read_scenario
    from services.experiments.clinic_only import ensure_clinic
    from simulator.language.scenario import load
    from twin.errors import SettingsError

    if route not in ("kafka", "ray", "inprocess"):
        raise SettingsError("--route", route, "expected kafka, ray or inprocess")
    if attach:
        _end_in_order()
        if route != "kafka":
            raise SettingsError("--route", route, "has no meaning with --attach")
    elif speed is not None:
        reason = "needs --attach; on its own a run has the scenario's clock and speed"
        raise SettingsError("--speed", speed, reason)
    settings = environment_settings()
    text, given = read_scenario(scenario), tuple(overrides or ())
    asked = load(text, str(scenario), given)  # what is not valid must not cost the start of Ray
    ensure_clinic(asked, str(scenario))
    with ExitStack() as stack:
        finished = out is not None and (out / "summary.json").is_file()
        if asked.asks_twin and not attach and route != "inprocess" and not finished:
            _start_ray_ahead(stack, settings)
        from services.console import progress_bars
        from services.runs import RunOrder, run_scenario

        order = RunOrder(
            text=text,
            source=str(scenario),
            route=route,
            batch=batch,
            model=model,
            out=out,
            overrides=given,
            workers=workers,
            skip_bad=skip_bad,
            attach=attach,
            speed=speed,
        )
        summary = run_scenario(order, settings, stack.enter_context(progress_bars()))
    from services.commands.outcome import show

    show(summary, as_json=as_json)


def _end_in_order() -> None:
    """Let SIGTERM be as Ctrl-C: the page is to know that the run was interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _start_ray_ahead(stack: ExitStack, settings: Settings) -> None:
    """Start Ray while a thread imports what the run needs: Ray mostly waits for its processes.

    Ray itself stays in the main thread: it sets a signal handler, and Linux ends its processes
    together with the thread that started them.
    """
    from services.ray_stack import ray_up
    from twin.learners.registry import LEARNERS

    # Ray was imported with ray_up: from here on, the two threads import nothing in common.
    Thread(target=_import_the_rest, name="imports", daemon=True).start()
    stack.enter_context(ray_up(settings, ["stem", *LEARNERS, "meta"]))


def _import_the_rest() -> None:
    for module in (
        "services.runs",
        "services.experiments.twin_in_loop",
        "services.live",
        "services.kafka_link",
        "services.bus.kafka_publisher",
        "services.bus.kafka_subscriber",
        "services.bus.kafka_topics",
        "services.mirror.redis_mirror",
    ):
        import_module(module)
