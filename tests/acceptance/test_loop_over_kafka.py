"""Labels and re-stacking over a real broker: a re-stacker that is killed, and strangers' labels.

The stack's answers are made up from recipes, so that neither Ray nor TensorFlow starts; engine,
links, worker, re-stacker, mirror and servers are the real ones.
"""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache

import pytest
from loop_clinic import LEARNERS, base, reference

from services.background import Background
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.topics import TOPICS
from services.direct_link import DirectLink
from services.kafka_link import KafkaLink
from services.logs import open_log
from services.mirror.loop import Mirror
from services.mirror.redis_mirror import RedisMirror
from services.restacker import TOPICS as READ
from services.restacker import RestackerLoop
from services.worker import Worker
from simulator.clinic.clocks import TwinLink
from simulator.experiment.replicate import replicate
from simulator.language.loop_plans import twin_loop
from simulator.language.scenario import Scenario, load
from twin.events import (
    CaseArrived,
    FeedbackReceived,
    LoggedEvent,
    StackPromoted,
    VerdictIssued,
)
from twin.images import ImageRef, SyntheticRef
from twin.labels import DUPLICATE, TOO_EARLY, UNKNOWN_CASE, UNKNOWN_CLASS
from twin.log import digest
from twin.meta import INPUT, MetaStack
from twin.pipeline import Pipeline, pipeline_of
from twin.ports import Answer, Opinion
from twin.restacking.at_hand import AtHand
from twin.restacking.twin_loop import TwinLoop
from twin.state import APART, COUNTED, Record, TwinState, fold

pytestmark = pytest.mark.slow

# The learners see everything as far more benign than the base stack expects.
CLINIC = """
name: loop-over-kafka
seed: 3
horizon: 2 d
warmup: 0 d
cases: {source: synthetic, population: {prevalence: 50 %}}
arrivals: {rate_per_h: 3}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: dermatologist, service: {constant: 2 min}, then: end}
staff: {dermatologist: 1}
feedback:
  delay: {constant: 3 h}
  verified: {biopsied: 100 %, discharged: 100 %}
  duplicates: 5 %
  unknown: 5 %
restack: {every: 1 d, gate: "off"}
drift: {window_cases: 50}
faults: [{at: 1 d, for: 12 h, component: knn}]
"""
STRANGERS = 1000


@dataclass
class _Ready:
    answers: list[Answer]

    def collect(self) -> list[Answer]:
        return self.answers

    def done(self) -> bool:
        return True


class RecipeStack:
    """Log-odds of two learners as sums over a recipe's fields."""

    model_id, threshold = "m", 0.5

    def submit(
        self,
        images: Sequence[ImageRef],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> _Ready:
        return _Ready([self._opinion(image, meta or base().meta, absent) for image in images])

    def _opinion(self, image: ImageRef, meta: MetaStack, absent: frozenset[str]) -> Opinion:
        assert isinstance(image, SyntheticRef)
        seen = image.recipe
        signs = seen.veil + seen.regression + seen.streaks + seen.asymmetry + seen.variegation
        all_log_odds = {"svm": round(4 * signs - 6, 6), "knn": round(3 * seen.border - 4, 6)}
        log_odds = {name: all_log_odds[name] for name in LEARNERS if name not in absent}
        sketch = (round(seen.melanin, 4), round(seen.blood, 4))
        inputs = {f"{INPUT}{place}": value for place, value in enumerate(sketch)}
        return Opinion(
            p_malignant=meta.weights_for(log_odds).p_malignant(log_odds | inputs),
            log_odds=log_odds,
            missing=tuple(name for name in LEARNERS if name in absent),
            sketch=sketch,
        )


@cache
def clinic() -> Scenario:
    return load(CLINIC, "clinic.yaml")


def loop() -> TwinLoop:
    return twin_loop(clinic(), "m", base().meta, 0.5, reference())


def pipeline() -> Pipeline:
    return pipeline_of(RecipeStack(), loop=loop())


def log_of(link: TwinLink) -> list[LoggedEvent]:
    """Run the clinic; return what the engine knows of the log."""
    journal = replicate(clinic(), 0, twin=link)
    answers = [link.answer(one.case_id) for one in journal.events if isinstance(one, CaseArrived)]
    return [*journal.events, *answers, *journal.stack_events]


@cache
def in_process() -> tuple[LoggedEvent, ...]:
    own = pipeline()
    assert own.book is not None
    return tuple(log_of(DirectLink(own, 16, lambda _: None, AtHand(loop().restacker(), own.book))))


class Killed(BaseException):
    """As a signal would: nothing catches it."""


class Mortal:
    """Publishes what re-stackers decide, and kills them, before or after an event is on the log."""

    def __init__(self, publisher: KafkaPublisher, before: set[int], after: set[int]) -> None:
        self._publisher, self._before, self._after = publisher, before, after
        self.count = self.kills = 0

    def publish(self, event: LoggedEvent) -> None:
        self.count += 1
        if self.count in self._before:
            self.kills += 1
            raise Killed
        self._publisher.publish(event)

    def flush(self) -> None:
        self._publisher.flush()
        if self.count in self._after:
            self.kills += 1
            raise Killed


class Broker:
    """The twin's side on a real broker, with clients that are closed at the end."""

    def __init__(self, kafka: str, redis: str, prefix: str, stack: ExitStack) -> None:
        self._kafka, self._prefix, self._stack = kafka, prefix, stack
        ensure_topics(kafka, prefix, TOPICS)
        self.log = open_log(io.StringIO())
        self.on_answers: Callable[[int], None] = lambda _: None
        self.mortal = Mortal(self.publisher(), set(), set())
        self.mirror = RedisMirror(redis, prefix)
        stack.callback(self.mirror.close)
        mirrored = ("cases", "verdicts", "feedback", "stacks")
        self.mirror_loop = Mirror(self.subscriber("mirror", *mirrored), self.mirror)
        worker = Worker(
            self.subscriber("worker", "cases"),
            self.publisher(),
            pipeline(),
            batch=16,
            log=self.log,
            stacks=self.subscriber("worker-stacks", "stacks"),
        )
        self.loops = [Background("worker", worker.run)]

    def publisher(self) -> KafkaPublisher:
        made = KafkaPublisher(self._kafka, self._prefix)
        self._stack.callback(made.close)
        return made

    def subscriber(self, group: str, *topics: str) -> KafkaSubscriber:
        made = KafkaSubscriber(self._kafka, self._prefix, topics, group)
        self._stack.callback(made.close)
        return made

    def serve(self, stop: threading.Event) -> None:
        """Start a re-stacker, and a new one from the log whenever one was killed."""
        while not stop.is_set():
            subscriber = self.subscriber("restacker", *READ)
            try:
                RestackerLoop(subscriber, self.mortal, loop().restacker, self.log).run(stop)
            except Killed:
                continue

    def run(self) -> list[LoggedEvent]:
        """Run the clinic over the broker; return what the engine knows of the log."""
        self.loops.append(Background("restacker", self.serve))
        link = KafkaLink(
            self.publisher(),
            self.subscriber("engine", "verdicts"),
            self._check,
            self.on_answers,
            self.subscriber("engine-stacks", "stacks"),
            loop().told_of_an_epoch,
        )
        return log_of(link)

    def _check(self) -> None:
        for one in self.loops:
            one.check()

    def mirrored(self) -> TwinState:
        """Return the state that Redis has, when all of the log is in it."""
        while self.mirror_loop.lag() > 0:
            self.mirror_loop.step(0.05)
        return self.mirror.read_back()

    def stop(self) -> None:
        for one in self.loops:
            one.stop()


@pytest.fixture
def broker(kafka_servers: str, redis_url: str, prefix: str) -> Iterator[Broker]:
    with ExitStack() as stack:
        made = Broker(kafka_servers, redis_url, prefix, stack)
        yield made
        made.stop()


def test_a_re_stacker_that_is_killed_again_and_again_leaves_no_trace(broker: Broker) -> None:
    # Publications are counted over all re-stackers: version 0, then a report and a decision each
    # epoch. Killed before and after version 0, between the two of an epoch, before and after a
    # decision.
    broker.mortal = Mortal(broker.publisher(), before={1, 4}, after={2, 3, 6, 7})
    log = broker.run()
    assert digest(log) == digest(in_process())
    promoted = {one.version for one in log if isinstance(one, StackPromoted)}
    answered_by = {one.stack for one in log if isinstance(one, VerdictIssued)}
    assert promoted >= answered_by == {0, 1}
    assert broker.mortal.kills == 6
    state = broker.mirrored()
    assert digest(state.of_record()) == digest(log)
    assert state.counts["duplicates"] == state.counts["conflicts"] == 0


def strangers(log: Sequence[LoggedEvent]) -> tuple[list[FeedbackReceived], dict[str, int]]:
    """Messages that must not count, by somebody who is not the clinic, and how many of each."""
    cases = [one for one in log if isinstance(one, CaseArrived)]
    labels = [one for one in log if isinstance(one, FeedbackReceived)]
    known = {one.case_id for one in cases}
    label = next(one for one in labels if one.case_id in known)
    late = cases[-1]
    stray = [
        replace(label, feedback_id="stray.1", case_id="nobody"),
        replace(label, feedback_id="stray.2", case_id=late.case_id, at_min=late.at_min - 1),
        replace(label, feedback_id="stray.3", label="mole"),
        *(replace(label, feedback_id=f"{label.feedback_id}.{n}") for n in range(STRANGERS)),
    ]
    return stray, {UNKNOWN_CASE: 1, TOO_EARLY: 1, UNKNOWN_CLASS: 1, DUPLICATE: STRANGERS}


def test_strangers_labels_are_kept_apart_and_counted_and_change_nothing(broker: Broker) -> None:
    stray, expected = strangers(in_process())
    publisher = broker.publisher()
    for message in stray:
        publisher.publish(message)
    publisher.flush()
    log = broker.run()
    assert digest(log) == digest(in_process())
    state = broker.mirrored()
    assert digest(state.of_record()) == digest([*log, *stray])
    plain = fold_of(log)
    found = {name: state.counts[name] - plain.counts[name] for name in COUNTED}
    assert {name: count for name, count in found.items() if count} == {
        "feedback": len(stray),
        **{f"{APART}{reason}": count for reason, count in expected.items()},
    }
    # What `dermtwin status` shows.
    assert broker.mirror.overview().state.counts == state.counts


def fold_of(log: Sequence[LoggedEvent]) -> TwinState:
    """Return the state that events lead to, each on a place of its own."""
    return fold(Record("any", 0, place, event) for place, event in enumerate(log))
