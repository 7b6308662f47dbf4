"""Cases, closings and labels at a steady rate, and what the twin does with them: load and probe."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import psutil
import redis
import requests

from services.background import Background
from services.bus.codec import decode
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.deployment import Deployment
from services.faults.steady import HOLDS_S
from simulator.cases.cases import population_of
from simulator.language.populations import PopulationSpec
from twin.errors import DependencyError, EventError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    Event,
    FeedbackReceived,
    VerdictIssued,
)
from twin.images import ImageRef

LABEL_EVERY: Final = 3  # every so manieth case has a label
STAY_S: Final = 1.0  # from arrival to closing and label
FLUSH_S: Final = 0.25
ACK_S: Final = 6.0  # for an acknowledgement; then what was not acknowledged is sent again
IMAGES: Final = 64
_TELL: Final = ("worker", "restacker")  # say themselves that they are ready


def images(count: int = IMAGES) -> list[ImageRef]:
    """Return rendered lesions; the same ones every time."""
    population = population_of(PopulationSpec())
    return [population.draw(1, 0, f"load-{number}").image for number in range(count)]


@dataclass(slots=True)
class Load:
    """Sends until it is stopped; whatever was not acknowledged is sent again.

    Parameters:
        kafka: reached directly, whatever is done to the twin's own network.
        run: names the run, and begins the ids of its cases.
    """

    kafka: str
    prefix: str
    run: str
    rate_per_s: float
    pictures: list[ImageRef]
    sent: dict[str, float] = field(default_factory=dict)  # case -> intended time, monotonic
    labelled: set[str] = field(default_factory=set)
    recent: deque[CaseArrived] = field(default_factory=lambda: deque(maxlen=50))
    began_s: float = 0.0
    _unsent: bool = False  # something could not even be handed to the publisher
    again: int = 0  # times that something had to be sent again
    _loop: Background | None = None

    def begin(self) -> None:
        """Start sending."""
        self.began_s = time.monotonic()
        self._loop = Background("load", self._send)

    def stop(self) -> None:
        """End, once everything is acknowledged."""
        if self._loop is not None:
            self._loop.stop(120.0)

    def check(self) -> None:
        """Raise what ended it."""
        if self._loop is not None:
            self._loop.check()

    def _send(self, stop: threading.Event) -> None:
        publisher = KafkaPublisher(self.kafka, self.prefix, timeout_s=ACK_S)
        waiting: list[Event] = []  # not acknowledged
        # A case is closed and labelled only once the log has it, as whoever sends in earnest does.
        later: deque[tuple[float, CaseClosed | FeedbackReceived]] = deque()
        open_cases: set[str] = set()  # that were sent and not acknowledged
        number, flushed_s = 0, time.monotonic()
        try:
            while True:
                due_s = self.began_s + number / self.rate_per_s
                now_s = time.monotonic()
                while later and later[0][0] <= now_s and later[0][1].case_id not in open_cases:
                    waiting.append(later.popleft()[1])
                    self._publish(publisher, waiting[-1])
                if not stop.is_set() and due_s <= now_s:
                    case = self._case(number, due_s)
                    number += 1
                    waiting.append(case)
                    open_cases.add(case.case_id)
                    self._publish(publisher, case)
                    later += [(due_s + STAY_S, event) for event in self._after(number, case)]
                    continue
                if waiting and now_s - flushed_s >= FLUSH_S:
                    flushed_s = now_s
                    waiting = self._flush(publisher, waiting)
                    if not waiting:
                        open_cases.clear()
                if stop.is_set() and not waiting and not later:
                    return
                time.sleep(min(0.02, max(0.0, due_s - now_s)) or 0.005)
        finally:
            publisher.close()

    def _flush(self, publisher: KafkaPublisher, waiting: list[Event]) -> list[Event]:
        try:
            publisher.flush()
        except DependencyError:
            self._unsent = True
        if not self._unsent:
            return []
        self.again += 1
        self._unsent = False
        for event in waiting:
            self._publish(publisher, event)
        return waiting

    def _publish(self, publisher: KafkaPublisher, event: Event) -> None:
        try:
            publisher.publish(event)
        except DependencyError:
            self._unsent = True  # a flush knows nothing of it

    def _case(self, number: int, due_s: float) -> CaseArrived:
        case_id = f"{self.run}-{number:05d}"
        case = CaseArrived(
            case_id=case_id,
            at_min=number / self.rate_per_s / 60,
            image=self.pictures[number % len(self.pictures)],
        )
        self.sent[case_id] = due_s
        self.recent.append(case)
        return case

    def _after(self, number: int, case: CaseArrived) -> list[CaseClosed | FeedbackReceived]:
        later = case.at_min + STAY_S / 60
        events: list[CaseClosed | FeedbackReceived] = [
            CaseClosed(
                case_id=case.case_id,
                at_min=later,
                referred=False,
                left_early=False,
                waits_min={},
            )
        ]
        if number % LABEL_EVERY == 0:
            self.labelled.add(case.case_id)
            events.append(
                FeedbackReceived(
                    feedback_id=f"{case.case_id}-label",
                    case_id=case.case_id,
                    at_min=later,
                    label="malignant" if number % 2 else "benign",
                )
            )
        return events


class Watcher:
    """Reads the answers, and measures how the twin is.

    Parameters:
        kafka, redis: reached directly.
    """

    def __init__(self, twin: Deployment, kafka: str, redis_url: str) -> None:
        self._twin, self._kafka = twin, kafka
        self._redis: Any = redis.Redis.from_url(
            redis_url, socket_timeout=1.0, socket_connect_timeout=1.0, decode_responses=True
        )
        self._prefix = twin.prefix
        self._answered: dict[str, float] = {}  # case -> monotonic
        self._load: Load | None = None
        self._stamp, self._stamp_s = "", 0.0
        self._loop = Background("answers", self._read)

    def follow(self, load: Load) -> None:
        """Measure this load from now on."""
        self._load = load

    def close(self) -> None:
        """End."""
        self._loop.stop()
        self._redis.close()

    def outstanding(self) -> int:
        """Return how many cases of the load have no answer."""
        load = self._load
        return 0 if load is None else sum(one not in self._answered for one in list(load.sent))

    def _read(self, stop: threading.Event) -> None:
        subscriber = None
        while not stop.is_set():
            try:
                if subscriber is None:
                    topics = (self._kafka, self._prefix, ("verdicts",), f"watch-{id(self)}")
                    subscriber = KafkaSubscriber(*topics)
                messages = subscriber.poll(500, 0.05)
            except DependencyError:
                time.sleep(0.2)
                continue
            for message in messages:
                try:
                    event = decode(message.schema, message.value)
                except EventError:
                    continue
                if isinstance(event, VerdictIssued | CaseRejected):
                    self._answered.setdefault(event.case_id, time.monotonic())
        if subscriber is not None:
            subscriber.close()

    def __call__(self) -> Mapping[str, float]:
        """Return what is measured now; see `services.faults.steady.Probe`."""
        self._loop.check()
        now_s = time.monotonic()
        sent = list(self._load.sent.items()) if self._load else []
        latencies, lag = [], 0
        for case_id, due_s in sent:
            answered_s = self._answered.get(case_id)
            if answered_s is None:
                lag += 1
                latencies.append(now_s - due_s)
            elif now_s - answered_s < HOLDS_S:
                latencies.append(answered_s - due_s)
        latencies.sort()
        p99_s = latencies[len(latencies) * 99 // 100] if latencies else 0.0
        return {
            "latency.p99_ms": p99_s * 1000,
            "lag.cases": float(lag),
            "mirror.age_s": self._mirror_age_s(now_s),
            "api.ready": float(self._api_is_ready()),
            "parts.down": float(len(self.down())),
        }

    def _mirror_age_s(self, now_s: float) -> float:
        """Return how old the mirror's state is, by its own clock and the time since it wrote."""
        try:
            told = self._redis.hmget(
                f"{self._prefix}:mirror", "updated_unix_s", "complete_unix_s", "revision"
            )
        except redis.RedisError:
            return float("inf")
        updated, complete, _ = told
        if updated is None or complete is None:
            return float("inf")
        if updated != self._stamp:
            self._stamp, self._stamp_s = updated, now_s
        return float(updated) - float(complete) + now_s - self._stamp_s

    def _api_is_ready(self) -> bool:
        if self._twin.api is None:
            return True
        try:
            return requests.get(f"{self._twin.api}/health/ready", timeout=1.0).ok
        except requests.RequestException:
            return False

    def down(self) -> list[str]:
        """Return the parts that do not run, or have not said that they are ready."""
        twin, found = self._twin, []
        children = {child.name: child.pid for child in twin.attendants.children}
        for name, pid in children.items():
            told = twin.latest.get(name)
            is_new = name.startswith(_TELL) and (told is None or told.facts.get("pid") != pid)
            if pid is None or not _runs(pid) or is_new:
                found.append(name)
        for name, told in list(twin.latest.items()):
            if name in children:
                if name.startswith(_TELL) and told.state != "ready":
                    found.append(name)
            elif name.startswith("explain") or "pid" not in told.facts:
                continue  # started when somebody asks, or not ours
            elif told.state != "ready" or not _runs(int(told.facts["pid"])):
                found.append(name)
        return found


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
