"""Experiments with the twin in the loop: its model scores every case, on whichever route.

Replications follow one another, because they share one twin; the twin's own parts run side by
side. Each point has a twin of its own and a route to it, and so a log; where labels come back or
the stack changes, each replication has a route of its own to the point's twin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.bootstrap import Outcome, Route, RouteKind, open_twin
from services.config import Settings
from services.console import Bars
from services.experiments.half_log import HalfLog
from services.experiments.plan import Point
from services.experiments.records import write_records
from services.experiments.store import Store
from services.experiments.told import Told
from services.experiments.warmup import Warm, warm_up_of
from services.image_directory import ImageDirectory
from services.learning import model_for
from services.logs import open_log
from services.parts import loop_of, parts_of
from simulator.cases.datasets import LabelledImage
from simulator.clinic.journal import Journal
from simulator.experiment.aggregate import wanted_replications
from simulator.experiment.replicate import pilot, replicate, result_of
from simulator.experiment.result import ReplicationResult
from simulator.language.cases import ImageCases
from simulator.language.schema import Scenario
from twin.errors import InvariantError
from twin.events import CaseArrived, LoggedEvent
from twin.log import digest, in_order, line


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinOrder:
    """How the twin is reached."""

    route: RouteKind
    batch: int
    model: str | None
    images: ImageDirectory


def run_with_twin(
    points: Sequence[Point], order: TwinOrder, store: Store, settings: Settings, bars: Bars
) -> tuple[list[list[ReplicationResult]], list[Warm], Told]:
    """Run all points; return their results in order of replication, warm-ups, and what was told."""
    told = Told()
    results, warm = [], []
    if order.route is RouteKind.KAFKA:
        HalfLog(store.folder, settings).forget()
    with (store.folder / "twin.jsonl").open("a", encoding="utf-8") as stream:
        for place, point in enumerate(points):
            found, warmed = _point(place, point, order, store, settings, bars, told, stream)
            results.append(found)
            warm.append(warmed)
    return results, warm, told


def _point(
    place: int,
    point: Point,
    order: TwinOrder,
    store: Store,
    settings: Settings,
    bars: Bars,
    told: Told,
    stream: Any,  # noqa: ANN401  a text file
) -> tuple[list[ReplicationResult], Warm]:
    scenario = point.scenario
    model = model_for(scenario, order.model, settings, bars, order.images)
    told.model_id = model.model_id
    images = images_of(scenario, order.images)
    run = PointRun(place, point, images, store, bars, told, several=bool(point.label))
    run.kept = store.kept(place)
    if run.complete():
        return run.results(), run.warm_again(scenario)
    parts, loop = parts_of(model), loop_of(scenario, model)
    half = HalfLog(store.folder, settings)
    with open_twin(
        order.route,
        settings=settings,
        parts=parts,
        threshold=scenario.operating_point,
        batch=order.batch,
        log=open_log(stream).bind(scenario=scenario.name),
        on_answers=told.pace.tick,
        loop=loop,
        on_log=half.begun,
    ) as open_route:
        while not run.complete():
            with open_route() as route:
                run.next(route)
                # What came back in one replication must not be known in another: each has a log.
                while loop is None and not run.complete():
                    run.next(route)
                outcome = route.finish(run.told)
            run.check(outcome)
            half.ended()
            told.note(outcome.mirror, outcome.restarts, outcome.degraded)
    return run.results(), run.warm


def images_of(scenario: Scenario, images: ImageDirectory) -> Sequence[LabelledImage]:
    """Return the images that a scenario's patients bring; none where lesions are rendered."""
    if not isinstance(scenario.cases, ImageCases):
        return ()
    return images.split(scenario.cases.images.split, "cases are images")


class PointRun:
    """One point on one route."""

    def __init__(
        self,
        place: int,
        point: Point,
        images: Sequence[LabelledImage],
        store: Store,
        bars: Bars,
        told: Told,
        *,
        several: bool,
    ) -> None:
        self._place = place
        self._scenario = point.scenario
        self._images = images
        self._store = store
        self._bars = bars
        self._told = told
        self._below = f"points/{place:03d}-" if several else ""
        self._stem = store.records(place, several=several)
        self.kept: dict[int, ReplicationResult] = {}
        self.told: list[LoggedEvent] = []  # what is on the route's log beside answers
        self._logged: list[LoggedEvent] = []
        self.warm = Warm(warmup_min=0.0, how="given")
        self._wanted = point.scenario.replications.min

    def complete(self) -> bool:
        """Return whether all replications that are needed are there."""
        while all(number in self.kept for number in range(self._wanted)):
            grown = max(self._wanted, wanted_replications(self._scenario, self.results())[0])
            if grown == self._wanted:
                return True
            self._wanted = grown
        return False

    def results(self) -> list[ReplicationResult]:
        """Return the replications in order."""
        return [self.kept[number] for number in range(self._wanted)]

    def warm_again(self, scenario: Scenario) -> Warm:
        """Return the warm-up that the kept replications were measured with."""
        how = "MSER-5" if scenario.warmup_min == "auto" else "given"
        return Warm(warmup_min=self.kept[0].from_min, how=how)

    def next(self, route: Route) -> None:
        """Run the first replication that is missing."""
        number = next(n for n in range(self._wanted) if n not in self.kept)
        link = route.link
        journal = replicate(
            self._scenario,
            number,
            twin=link,
            images=self._images,
            clock=route.clock,
            on_progress=lambda done, total: self._bars("patients", done, total),
        )
        if self._scenario.warmup_min == "auto" and self._scenario.horizon_min is not None:
            if not self.kept:
                # A pilot costs as much as a replication here, so the first one is its own.
                series = pilot(self._scenario, number, journal)
                self.warm = warm_up_of(self._scenario, [series.tolist()])
            else:
                self.warm = Warm(warmup_min=self.kept[0].from_min, how="MSER-5")
        else:
            self.warm = warm_up_of(self._scenario, [])
        # Also of those who left before anybody asked: every case has its verdict on the log.
        answers = [link.answer(e.case_id) for e in journal.events if isinstance(e, CaseArrived)]
        told = [*journal.events, *journal.stack_events]
        log: list[LoggedEvent] = [*told, *answers]
        result = result_of(
            self._scenario,
            number,
            journal,
            warmup_min=self.warm.warmup_min,
            digest=digest(log),
            alone=self._scenario.replications.max == 1,
        )
        self.told += told
        self._logged += log
        self._told.latencies += journal.latencies
        self._write(number, journal, log)
        self._store.keep(self._place, result)
        self.kept[number] = result
        self._bars("replications", len(self.kept), max(self._wanted, len(self.kept)))
        journal.close()

    def check(self, outcome: Outcome) -> None:
        """Hold the log that the route kept against what the replications saw; begin anew."""
        if digest(outcome.log) != digest(self._logged):
            raise InvariantError("the route's log differs from what the engine saw")
        self.told, self._logged = [], []

    def _write(self, number: int, journal: Journal, log: Sequence[LoggedEvent]) -> None:
        lines = b"".join(line(event) for event in in_order(log))
        if number == 0:
            self._store.write(f"{self._below}events.jsonl", lines)
            write_records(journal, self._stem)
        else:
            self._store.write(f"{self._below}events-{number:05d}.jsonl", lines)
