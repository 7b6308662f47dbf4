"""The one place where a run's adapters are chosen: three routes, one twin.

- `inprocess`: the hosts are called directly;
- `ray`: the same hosts are Ray actors, called without a broker;
- `kafka`: cases and verdicts travel over Kafka, a worker serves them on Ray, and Redis mirrors
  the log. Servers are embedded unless the settings name real ones.

A fourth brings nothing up: `services/attach/` sends cases to the twin that is up.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from actors.parts import Parts
from services.config import Settings
from services.direct_link import DirectLink
from services.image_store import ImageStore
from services.logs import Log
from services.watch import Watch
from twin.errors import InvariantError
from twin.events import ComponentChanged, LoggedEvent
from twin.pipeline import pipeline_of
from twin.ports import Stack
from twin.restacking.at_hand import AtHand
from twin.restacking.twin_loop import TwinLoop
from twin.state import fingerprint

if TYPE_CHECKING:
    from services.attach.link import AttachedLink
    from services.kafka_link import KafkaLink
    from services.live import LiveTwin
    from simulator.clinic.clocks import Clock


class RouteKind(StrEnum):
    """How cases reach the twin."""

    INPROCESS = "inprocess"
    RAY = "ray"
    KAFKA = "kafka"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a route knows when the run is over."""

    log: list[LoggedEvent]  # every event of record
    mirror: dict[str, object] | None  # the mirror against the fold of the log; None without one
    restarts: dict[str, int]  # components that were restarted, and how often
    degraded: list[str]  # what was not as it should be, in words (law 10)


@dataclass(frozen=True, slots=True)
class Route:
    """An open way to the twin."""

    link: "DirectLink | KafkaLink | AttachedLink"
    # Takes the engine's events and the decisions that it was told of, and closes the books.
    finish: Callable[[Sequence[LoggedEvent]], Outcome]
    clock: "Clock | None" = None  # of the one run on it; None: the scenario's own


def new_prefix(settings: Settings) -> str:
    """Return a prefix for the topics and keys of one run: runs on one server never mix."""
    return f"{settings.name}.{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"


@contextmanager
def open_twin(
    kind: RouteKind,
    *,
    settings: Settings,
    parts: Parts,
    threshold: float | None,
    batch: int,
    log: Log,
    on_answers: Callable[[int], None],
    loop: TwinLoop | None = None,
    on_log: Callable[[str], None] | None = None,
) -> Iterator[Callable[[], AbstractContextManager[Route]]]:
    """Start servers and components; close all that was started, however the block ends.

    What is yielded opens a route to them, with a log, stack versions and a re-stacker of its own;
    one at a time.

    Parameters:
        loop: what happens to the stack, with its own operating point; None where nothing does.
        on_log: is told the prefix of a log before it is begun.
    """
    # Each route imports what it needs: Ray and kafka-python take a second each.
    if kind is RouteKind.INPROCESS:
        from actors.local import LocalStack

        stack = LocalStack(parts, ImageStore.of(settings))
        try:
            yield lambda: _direct(stack, threshold, loop, batch, on_answers, Watch())
        finally:
            stack.close()
    elif kind is RouteKind.RAY:
        from services.ray_stack import ray_stack

        watch = Watch()
        with ray_stack(settings, parts, ImageStore.of(settings), watch) as system:
            system.supervisor.await_ready()
            yield lambda: _direct(system, threshold, loop, batch, on_answers, watch)
    else:
        from services.live import ground, live_twin

        with ground(settings, parts) as on:

            @contextmanager
            def over_kafka() -> Iterator[Route]:
                prefix = new_prefix(settings)
                if on_log is not None:
                    on_log(prefix)
                on.watch.begin()
                with live_twin(
                    on, prefix=prefix, threshold=threshold, batch=batch, log=log, loop=loop
                ) as twin:
                    yield _over_kafka(twin, on_answers, loop)

            yield over_kafka


@contextmanager
def _direct(
    stack: Stack,
    threshold: float | None,
    loop: TwinLoop | None,
    batch: int,
    on_answers: Callable[[int], None],
    watch: Watch,
) -> Iterator[Route]:
    pipeline = pipeline_of(stack, threshold, loop)
    at_hand = None
    if loop is not None and loop.decides and pipeline.book is not None:
        at_hand = AtHand(loop.restacker(), pipeline.book)
    link = DirectLink(pipeline, batch, on_answers, at_hand)
    watch.begin()

    def finish(engine_events: Sequence[LoggedEvent]) -> Outcome:
        return Outcome(
            log=[*engine_events, *link.answers.values()],
            mirror=None,
            restarts=watch.restarts(),
            degraded=watch.complaints(),
        )

    yield Route(link, finish)


def _over_kafka(
    twin: "LiveTwin", on_answers: Callable[[int], None], loop: TwinLoop | None
) -> Route:
    from services.kafka_link import KafkaLink

    publisher = twin.publisher()
    verdicts = twin.subscriber("verdicts")
    stacks = twin.subscriber("stacks") if twin.restacker is not None else None
    kinds = loop.told_of_an_epoch if loop is not None else ()
    link = KafkaLink(publisher, verdicts, twin.check, on_answers, stacks, kinds)

    def finish(engine_events: Sequence[LoggedEvent]) -> Outcome:
        link.flush()
        twin.settle()
        records, state = twin.fold_log()
        of_record = state.of_record()
        if len(engine_events) + len(link.answers) != len(of_record):
            raise InvariantError(
                f"the log holds {len(of_record)} events of record, the engine knows of "
                f"{len(engine_events) + len(link.answers)}"
            )
        kept = twin.mirror.read_back()
        mirror = {
            "equal": fingerprint(kept) == fingerprint(state),
            "records": sum(not isinstance(r.event, ComponentChanged) for r in records),
            "fingerprint": fingerprint(kept),
            **kept.counts,
        }
        complaints = twin.watch.complaints()
        if not mirror["equal"]:
            complaints.append("the Redis mirror differs from the fold of the log")
        if twin.worker.dead_lettered:
            complaints.append(f"{twin.worker.dead_lettered} message(s) went to the dead letters")
        if twin.worker.retries:
            complaints.append(f"the worker retried {twin.worker.retries} time(s)")
        if twin.restacker is not None and twin.restacker.restarts:
            complaints.append(f"the re-stacker began again {twin.restacker.restarts} time(s)")
        return Outcome(
            log=of_record, mirror=mirror, restarts=twin.watch.restarts(), degraded=complaints
        )

    return Route(link, finish)
