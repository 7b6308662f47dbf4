"""One run's way to the twin that is up: link, clock, note for the page, and check of the log."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from services.attach.link import AttachedLink, OwnMessages
from services.attach.loop_part import told_of_an_epoch
from services.attach.registry import Registration, Shelf
from services.attach.survey import TOPICS, Survey, survey
from services.attach.tags import Tags, is_of_loop, known_by, new_tag
from services.bootstrap import Outcome, Route
from services.bus.port import Subscriber
from services.kafka_link import KafkaLink
from services.live_log import LiveLog
from services.mirror.records import record_of
from simulator.clinic.clocks import Clock, RealClock, VirtualClock
from simulator.clinic.paced_clock import PacedClock, Pacer
from simulator.language.schema import Scenario
from twin.errors import DependencyError, InvariantError
from twin.events import LoggedEvent, StackOrdered
from twin.state import Record, fold

# Cases under way ahead of the clock where it goes as fast as it can: enough for the worker's three
# batches of 64, and few for somebody else's case to wait behind.
WINDOW: Final = 256
_STOOD_S: Final = 1.0  # standing still for longer is told
_POLL_S: Final = 0.5
_MOST_PER_POLL: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What one attached run needs from outside."""

    log: LiveLog
    shelf: Shelf  # where the page looks
    ensure_up: Callable[[], None]  # raises when the twin that was up has ended
    ensure_room: Callable[[Survey], None]  # refuses a log that the run must not share
    on_answers: Callable[[int], None]
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class AttachedRoute:
    """An open way to the twin that is up."""

    route: Route
    registration: Registration
    pacer: Pacer | None  # None where nothing holds the clock back


@contextmanager
def attached_route(
    to: Attachment, scenario: Scenario, speed: float | None, patients_total: int | None
) -> Iterator[AttachedRoute]:
    """Open a route for one run, and say in Redis how the block ended.

    Parameters:
        speed: simulated minutes per wall minute; None for as fast as it goes.

    Raises:
        ScenarioError: the log is not fit for the scenario.
        DependencyError: the twin that was up has ended.
    """
    found = survey(to.log.reader(TOPICS))
    to.ensure_room(found)
    tags = Tags(new_tag(scenario.name), found.offset_min)
    registration = Registration(
        tags=tags,
        scenario=scenario,
        speed=speed,
        patients_total=patients_total,
        shelf=to.shelf,
        ensure_up=to.ensure_up,
        now_s=to.now_s,
    )
    kinds = told_of_an_epoch(scenario)
    verdicts = to.log.reader(["verdicts"])
    verdicts.seek({place: at for place, at in found.upto.items() if place[0] == "verdicts"})
    kafka = KafkaLink(
        to.log.publisher,
        OwnMessages(verdicts, tags.begins),
        registration.look,
        to.on_answers,
        to.log.reader(["stacks"]) if kinds else None,
        kinds,
    )
    link = AttachedLink(kafka, tags, registration.closed, registration.look)
    clock, pacer = _clock(to, scenario, speed, link, registration.look)

    def finish(told: Sequence[LoggedEvent]) -> Outcome:
        kafka.flush()
        reader = to.log.reader(TOPICS)
        # Version 0 was announced before the run began, so of decisions the whole topic is read.
        reader.seek({place: at for place, at in found.upto.items() if place[0] != "stacks"})
        known = [*told, *link.answers.values()]
        log, orders = _own(reader, tags, known, looped=bool(kinds))
        complaints = []
        if orders:
            complaints.append(f"{orders} order(s) of somebody's were carried out in this run")
        if registration.missed:
            complaints.append(f"Redis did not take {registration.missed} note(s) for the page")
        if pacer is not None and pacer.stood_s > _STOOD_S:
            stood = f"{pacer.stood_s:.1f} s in all"
            complaints.append(f"slower than its pace: the clinic stood still for answers, {stood}")
        return Outcome(log=log, mirror=None, restarts={}, degraded=complaints)

    with registration.held():
        try:
            yield AttachedRoute(Route(link, finish, clock), registration, pacer)
        except DependencyError as error:
            _blame(to.ensure_up, error)
            raise


def _blame(ensure_up: Callable[[], None], error: DependencyError) -> None:
    """Say that the twin has ended where that is why something of it did not answer."""
    try:
        ensure_up()
    except DependencyError as ended:
        raise ended from error


def _clock(
    to: Attachment,
    scenario: Scenario,
    speed: float | None,
    link: AttachedLink,
    look: Callable[[], None],
) -> tuple[Clock, Pacer | None]:
    if speed is None:
        return VirtualClock(link, WINDOW), None
    if scenario.clock == "real":
        return RealClock(link, speed), None
    pacer = Pacer(speed, look, to.now_s, to.sleep)
    return PacedClock(link, pacer), pacer


def _own(
    reader: Subscriber, tags: Tags, known: Sequence[LoggedEvent], *, looped: bool
) -> tuple[list[LoggedEvent], int]:
    """Return the run's events of record as the log has them, and how many orders stand among them.

    Parameters:
        known: what the engine sent and heard.
        looped: whether epochs and decisions belong to the run.

    Raises:
        InvariantError: the log has others.
    """
    records: list[Record] = []
    orders = 0
    while sum(reader.lag().values()) > 0:
        for record in map(record_of, reader.poll(_MOST_PER_POLL, _POLL_S)):
            event = record.event
            if event is None:
                continue
            orders += looped and isinstance(event, StackOrdered)
            if tags.owns(event) or (looped and is_of_loop(event)):
                records.append(record)
    of_record = fold(records).of_record()
    if len(of_record) != len(known):
        raise InvariantError(
            f"the live log holds {len(of_record)} events of record of run {tags.tag}, the engine "
            f"knows of {len(known)}"
        )
    at_min = {_tagged(tags, event): event.at_min for event in known}
    taken = []
    for event in of_record:
        if known_by(event) not in at_min:
            raise InvariantError(f"the engine knows nothing of {known_by(event)} on the live log")
        taken.append(tags.take(event, at_min[known_by(event)]))
    return taken, orders


def _tagged(tags: Tags, event: LoggedEvent) -> tuple[type, str | int]:
    kind, name = known_by(event)
    return kind, tags.begins + name if isinstance(name, str) else name
