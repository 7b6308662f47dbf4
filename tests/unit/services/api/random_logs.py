"""Long random logs with everything that may happen, and random orders to read them in."""

import random
import zlib
from collections.abc import Iterator

from stack_logs import promoted

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    ComponentChanged,
    DriftReported,
    DriftSignal,
    EpochReached,
    Event,
    FeedbackReceived,
    StackOrdered,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.images import FileRef
from twin.log import TOPIC_OF, key_of
from twin.state import Record

PARTITIONS = 3
PARTS = ("stem", "knn", "svm", "meta", "worker.1")
Queues = dict[tuple[str, int], list[Record]]


def random_log(seed: int, records: int) -> Queues:
    """A log by topic and partition: about so many records."""
    draw = random.Random(seed)
    events: list[Event | None] = []
    version = epoch = number = 0
    while len(events) < records:
        now_min = 2.0 * len(events) + draw.random()
        dice = draw.random()
        if dice < 0.70:
            number += 1
            about = list(_of_case(f"c{number}", now_min, draw))
            draw.shuffle(about)  # whoever sends may be late
            events += about
        elif dice < 0.90:
            events.append(_component(draw, now_min))
        elif dice < 0.94:
            events.append(None)
        else:
            epoch += 1
            events += _at_epoch(epoch, now_min, version, draw)
            version += isinstance(events[-1], StackPromoted)
        if draw.random() < 0.08:
            events.append(draw.choice(events))  # once more
    return _written(events, draw)


def _of_case(case_id: str, at_min: float, draw: random.Random) -> Iterator[Event]:
    image = FileRef(path=f"{case_id}.jpg", sha256="ab")
    for _ in range(1 + (draw.random() < 0.05)):  # the second one conflicts with the first
        yield CaseArrived(case_id=case_id, at_min=at_min, image=image, age=draw.randrange(20, 90))
    for _ in range(1 + (draw.random() < 0.05)):
        if draw.random() < 0.1:
            yield CaseRejected(case_id=case_id, at_min=at_min, reason="no image")
        else:
            p = draw.random()
            yield VerdictIssued(
                case_id=case_id,
                at_min=at_min,
                p_malignant=p,
                threshold=0.5,
                malignant=p >= 0.5,
                log_odds={"svm": draw.random(), "knn": draw.random()},
                model_id="m1",
                stack=draw.randrange(3),
            )
    if draw.random() < 0.8:
        yield CaseClosed(
            case_id=case_id,
            at_min=at_min + 30,
            referred=draw.random() < 0.3,
            left_early=False,
            waits_min={"imaging": draw.random()},
        )
    for told in range(draw.randrange(4)):
        yield FeedbackReceived(
            feedback_id=f"{case_id}.{draw.randrange(3)}",
            case_id=case_id,
            at_min=at_min + 50 + told,
            label=draw.choice(["malignant", "benign", "withdrawn", "nevus"]),
            revision=draw.randrange(3),
        )


def _component(draw: random.Random, now_min: float) -> ComponentChanged:
    return ComponentChanged(
        component=draw.choice(PARTS),
        at_unix_s=1e9 + now_min,
        state=draw.choice(["starting", "ready", "failed"]),
        restarts=draw.randrange(3),
        model_id="m1",
        facts={"images": draw.random()},
    )


def _at_epoch(epoch: int, now_min: float, version: int, draw: random.Random) -> list[Event]:
    events: list[Event] = [EpochReached(at_min=now_min, epoch=epoch, cases=1, feedback=0)]
    if draw.random() < 0.4:
        order = f"o{draw.randrange(20)}"
        events.append(
            StackOrdered(order_id=order, at_min=now_min, version=0, by="me", reason=str(epoch))
        )
    signal = DriftSignal(detector="kswin", stream="input.0", alarms=(now_min,), value=0.1)
    events.append(DriftReported(at_min=now_min, epoch=epoch, cases=1, signals=(signal,)))
    if draw.random() < 0.5:
        events.append(promoted(version, epoch, (draw.random(), 1.0, 0.5, 0.0), at_min=now_min))
    else:
        events.append(
            StackRejected(
                at_min=now_min,
                epoch=epoch,
                version=version,
                verdict=draw.choice(["rejected", "waiting", "kept"]),
                how="restack",
                window_from_min=0.0,
                labels=3,
                malignant=1,
                reason="why not",
            )
        )
    return events


def _written(events: list[Event | None], draw: random.Random) -> Queues:
    queues: Queues = {}
    for event in events:
        if event is None:
            place = draw.choice(["cases", "verdicts"]), draw.randrange(PARTITIONS)
        else:
            place = TOPIC_OF[type(event)], zlib.crc32(key_of(event).encode()) % PARTITIONS
        queue = queues.setdefault(place, [])
        queue.append(Record(*place, len(queue), event, sent_unix_ms=1_000 * len(queue)))
    return queues


def interleaved(queues: Queues, draw: random.Random) -> list[Record]:
    """All records in an order that a reader may meet them in: topics may be far apart."""
    left = {place: list(reversed(queue)) for place, queue in sorted(queues.items())}
    order: list[Record] = []
    while left:
        place = draw.choice(sorted(left))
        for _ in range(draw.choice([1, 1, 2, 5, 20])):
            if left[place]:
                order.append(left[place].pop())
        if not left[place]:
            del left[place]
    return order
