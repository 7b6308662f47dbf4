"""`dermtwin run`: stream a scenario through the twin."""

from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from services.commands.options import Batch, Json, ModelChoice, environment_settings
from services.config import Settings
from services.console import emit, progress_bars, say


def run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    route: Annotated[
        str, typer.Option(help="kafka (servers, Ray, mirror), ray, or inprocess.")
    ] = "kafka",
    batch: Batch = 64,
    model: ModelChoice = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; a new one if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Run a scenario; print its figures and where its files are.

    The digest is that of the event log: the same scenario, seed and model give the same digest
    on every route and with every batch size.

    Example: dermtwin run scenarios/first-clinic.yaml --route inprocess --batch 16
    """
    from simulator.language.scenario import load
    from twin.errors import ScenarioError, SettingsError

    if route not in ("kafka", "ray", "inprocess"):
        raise SettingsError("--route", route, "expected kafka, ray or inprocess")
    settings = environment_settings()
    try:
        text = scenario.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(str(scenario), 0, "", f"cannot be read: {error}") from error
    load(text, str(scenario))  # what is not valid must not cost the start of Ray
    with ExitStack() as stack:
        if route != "inprocess":
            _start_ray_ahead(stack, settings)
        from services.runs import RunOrder, run_scenario

        order = RunOrder(
            text=text, source=str(scenario), route=route, batch=batch, model=model, out=out
        )
        summary = run_scenario(order, settings, stack.enter_context(progress_bars()))
    from services.commands.tables import run_table

    for complaint in summary["degraded"]:
        say(f"degraded: {complaint}")
    emit(summary, as_json=as_json, table=run_table(summary))


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
        "services.live",
        "services.kafka_link",
        "services.bus.kafka_publisher",
        "services.bus.kafka_subscriber",
        "services.bus.kafka_topics",
        "services.mirror.redis_mirror",
    ):
        import_module(module)
