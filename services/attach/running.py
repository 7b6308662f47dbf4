"""`dermtwin run --attach` from the order to the results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.attach.fitting import fitted
from services.attach.registry import RedisShelf
from services.attach.route import Attachment, attached_route
from services.attach.speed import speed_of
from services.attach.up_twin import UpTwin
from services.config import Settings
from services.console import Bars, say
from services.experiments.plan import Point
from services.experiments.store import Store
from services.experiments.told import Told
from services.experiments.twin_in_loop import PointRun, images_of
from services.experiments.warmup import Warm
from services.image_directory import ImageDirectory
from services.live_log import live_log
from simulator.clinic.people import People
from simulator.experiment.result import ReplicationResult
from simulator.language.schema import Scenario

ROUTE = "attach"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachOrder:
    """How a run attaches; kept with the experiment, so that it can be carried on."""

    source: str  # name of the scenario file
    model: str | None  # of the twin; None: whichever it has
    speed: float | None  # simulated minutes per wall minute; None for as fast as it goes
    notes: tuple[str, ...] = ()  # what is other about the scenario than in its file

    def kept(self) -> dict[str, Any]:
        """Return what experiment.json says of it."""
        return {
            "model": self.model,
            "attach": {"speed": self.speed, "notes": list(self.notes)},
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "AttachOrder":
        """Return the order that experiment.json tells of."""
        how = kept["attach"]
        return cls(
            source=kept["source"],
            model=kept["model"],
            speed=how["speed"],
            notes=tuple(how["notes"]),
        )


def prepare(
    scenario: Scenario,
    source: str,
    overrides: Sequence[str],
    speed: str | None,
    model: str | None,
    settings: Settings,
) -> tuple[Scenario, AttachOrder]:
    """Return what is run of a scenario with the twin that is up, and how.

    Raises:
        DependencyError: no twin is up.
        ScenarioError: it cannot be run so, or not with this twin.
        SettingsError: another model or a clock that there is not was asked for.
    """
    twin = UpTwin.find(settings)
    twin.ensure_model(model)
    fit = fitted(scenario, source, overrides)
    notes = (*fit.notes, *twin.ensure_fits(fit.scenario, source))
    order = AttachOrder(
        source=source,
        model=twin.model_id,
        speed=speed_of(speed, fit.scenario),
        notes=notes,
    )
    return fit.scenario, order


def run_attached(
    points: Sequence[Point],
    order: AttachOrder,
    images: ImageDirectory,
    store: Store,
    settings: Settings,
    bars: Bars,
) -> tuple[list[list[ReplicationResult]], list[Warm], Told]:
    """Run the one point's replications, each under a tag of its own; return what `run` needs."""
    [point] = points
    scenario = point.scenario
    twin = UpTwin.find(settings)
    twin.ensure_model(order.model)
    twin.ensure_fits(scenario, order.source)  # a run that is carried on may find another twin
    told = Told(model_id=twin.model_id, degraded=list(order.notes))
    brought = images_of(scenario, images)
    run = PointRun(0, point, brought, store, bars, told, several=False)
    run.kept = store.kept(0)
    if run.complete():
        return [run.results()], [run.warm_again(scenario)], told
    shelf = RedisShelf(twin.redis, twin.note["prefix"])
    try:
        with live_log(settings) as log:
            to = Attachment(
                log=log,
                shelf=shelf,
                ensure_up=twin.ensure_up,
                ensure_room=lambda found: twin.ensure_room(found, scenario, order.source),
                on_answers=told.pace.tick,
            )
            patients = People(scenario, 0, brought).expected
            carry_out(run, to, scenario, order.speed, patients, told)
    finally:
        shelf.close()
    return [run.results()], [run.warm], told


def carry_out(
    run: PointRun,
    to: Attachment,
    scenario: Scenario,
    speed: float | None,
    patients: int | None,
    told: Told,
) -> None:
    """Run the replications that are missing."""
    while not run.complete():
        with attached_route(to, scenario, speed, patients) as way:
            tags = way.registration.tags
            say(f"attached as {tags.tag}, from {tags.offset_min:g} min of the live log on")
            run.next(way.route)
            outcome = way.route.finish(run.told)
            run.check(outcome)
        told.note(outcome.mirror, outcome.restarts, outcome.degraded)
        told.attached.append(
            {"tag": tags.tag, "offset_min": tags.offset_min, "speed": speed}
            | {"stood_s": None if way.pacer is None else round(way.pacer.stood_s, 3)}
        )
