"""A live twin on a bus in memory, and what tests of attached runs hold against it."""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from loop_samples import FakeRestacker, meta

from services.attach.route import AttachedRoute, Attachment, attached_route
from services.attach.survey import Survey
from services.background import Background
from services.bootstrap import Outcome
from services.bus.memory import MemoryBus
from services.direct_link import DirectLink
from services.live_log import LiveLog
from services.logs import open_log
from services.restacker import TOPICS, RestackerLoop
from services.worker import Worker
from simulator.clinic.engine import Engine
from simulator.clinic.people import People
from simulator.language.scenario import load
from simulator.language.schema import Scenario
from twin.events import CaseArrived, Event, LoggedEvent
from twin.images import ImageRef
from twin.meta import MetaStack
from twin.pipeline import Pipeline
from twin.ports import Answer, Opinion
from twin.restacking.at_hand import AtHand
from twin.stacks import StackBook, StackVersion

DAY = 1440.0
CLINIC: dict[str, Any] = {
    "name": "small",
    "question": "how long?",
    "seed": 3,
    "horizon": "5 h",
    "cases": {"source": "synthetic", "population": {"prevalence": 0.3}},
    "arrivals": {"rate_per_h": 7},
    "pathway": [
        {"id": "imaging", "staff": "nurse", "service": {"exponential": {"mean": "3 min"}}}
        | {"then": "ai"},
        {"id": "ai", "twin": "score", "then": "read"},
        {"id": "read", "staff": "reader", "service": {"exponential": {"mean": "7 min"}}}
        | {"queue": "ai", "then": "end"},
    ],
    "staff": {"nurse": 1, "reader": 1},
}
LABELS = {"delay": "1 h", "verified": {"biopsied": 1.0, "discharged": 0.5}, "duplicates": 0.1}
LOOP = {"feedback": LABELS | {"unknown": 0.2}, "restack": {"every": "1 h"}}


def scenario(**fields: Any) -> Scenario:
    return load(json.dumps(CLINIC | fields), "small.json")


class HashStack:
    """Answers at once, with a probability made of what the image is."""

    model_id = "m" * 12
    threshold = 0.5

    def submit(
        self,
        images: Sequence[ImageRef],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> "HashTicket":
        return HashTicket(list(images))


@dataclass
class HashTicket:
    images: list[ImageRef]

    def collect(self) -> list[Answer]:
        return [
            Opinion(p_malignant=_p(one), log_odds={"svm": 1.0}, missing=()) for one in self.images
        ]

    def done(self) -> bool:
        return True


def _p(image: ImageRef) -> float:
    return hashlib.sha256(repr(image).encode()).digest()[0] / 255


def pipeline(*, looped: bool) -> Pipeline:
    book = StackBook(StackVersion(number=0, meta=meta(), threshold=0.5)) if looped else None
    return Pipeline(HashStack(), 0.5, book)


def restacker() -> FakeRestacker:
    return FakeRestacker({2: 0.2, 4: 0.7})


@dataclass
class Shelf:
    """Keeps every note that it was given."""

    notes: list[dict[str, Any]] = field(default_factory=list)

    def put(self, tag: str, note: str) -> None:
        self.notes.append(json.loads(note))
        assert self.notes[-1]["tag"] == tag


class Wall:
    """A wall clock that moves when somebody sleeps, and a little whenever it is looked at."""

    def __init__(self) -> None:
        self.at_s = 100.0
        self.naps: list[float] = []

    def now_s(self) -> float:
        self.at_s += 0.001
        return self.at_s

    def sleep(self, nap_s: float) -> None:
        self.naps.append(nap_s)
        self.at_s += nap_s


class OneRow(MemoryBus):
    """A bus that knows in which order things came on it, over all partitions."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[tuple[str, bytes]] = []

    def append(self, topic, key, schema, value, headers) -> None:
        super().append(topic, key, schema, value, headers)
        self.came.append((schema, value))


class LiveTwinInMemory:
    """A worker, and a re-stacker where there is a loop, on a bus."""

    def __init__(self, *, looped: bool = False) -> None:
        self.bus, self.shelf, self.wall = OneRow(), Shelf(), Wall()
        self.ticks: list[int] = []
        log = open_log(io.StringIO())
        stacks = self.bus.subscriber(["stacks"], "worker-stacks") if looped else None
        worker = Worker(
            self.bus.subscriber(["cases"], "worker"),
            self.bus.publisher(),
            pipeline(looped=looped),
            batch=8,
            log=log,
            stacks=stacks,
        )
        self.loops = [Background("worker", worker.run)]
        if looped:
            whole = self.bus.subscriber(TOPICS, "restacker")
            loop = RestackerLoop(whole, self.bus.publisher(), restacker, log)
            self.loops.append(Background("restacker", loop.run))
        self.ended: Exception | None = None

    def ensure_up(self) -> None:
        for one in self.loops:
            one.check()
        if self.ended is not None:
            raise self.ended

    @contextmanager
    def attach(
        self, asked: Scenario, speed: float | None = None, room: list[Survey] | None = None
    ) -> Iterator[AttachedRoute]:
        log = LiveLog(
            prefix="p",
            loop=None,
            reader=lambda topics: self.bus.subscriber(topics, "reader"),
            publisher=self.bus.publisher(),
        )
        to = Attachment(
            log=log,
            shelf=self.shelf,
            ensure_up=self.ensure_up,
            ensure_room=[].append if room is None else room.append,
            on_answers=self.ticks.append,
            now_s=self.wall.now_s,
            sleep=self.wall.sleep,
        )
        with attached_route(to, asked, speed, People(asked, 0).expected) as way:
            yield way

    def stop(self) -> None:
        for one in self.loops:
            one.stop()


def events_of(asked: Scenario, way: AttachedRoute) -> tuple[list[LoggedEvent], Outcome]:
    """Run a scenario on a route; return what the engine knows, and what the route says."""
    route = way.route
    journal = Engine(asked, 0, People(asked, 0), route.link, clock=route.clock).run()
    told = [*journal.events, *journal.stack_events]
    answers = [route.link.answer(e.case_id) for e in journal.events if isinstance(e, CaseArrived)]
    return [*told, *answers], route.finish(told)


def in_process(asked: Scenario, *, looped: bool = False) -> list[LoggedEvent]:
    """The same scenario and the same model, without a bus."""
    twin = pipeline(looped=looped)
    at_hand = AtHand(restacker(), twin.book) if looped and twin.book else None
    link = DirectLink(twin, 4, lambda _: None, at_hand)
    journal = Engine(asked, 0, People(asked, 0), link).run()
    told: list[Event] = [*journal.events, *journal.stack_events]
    return [*told, *link.answers.values()]
