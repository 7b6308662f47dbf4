"""A twin that takes a known time for each case, one after another, on a bus in memory."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.background import Background
from services.bus.codec import decode
from services.bus.memory import MemoryBus
from services.stress.levels import Levels
from services.stress.load import Load, load_on
from simulator.language.classes import ClassSpec
from twin.events import CaseArrived, CaseRejected
from twin.images import BlobRef
from twin.shedding import Shedding

ALIKE = Levels(("patient",), (ClassSpec(id="patient", share=1.0),), (0,), (1.0,))


class BlankCases:
    """Cases that nobody renders."""

    def event(self, case_id: str, number: int, place: int, at_min: float) -> CaseArrived:
        del number, place
        return CaseArrived(case_id=case_id, at_min=at_min, image=BlobRef(sha256="ab" * 32))


@dataclass
class FakeTwin:
    """Serves in order of arrival, `service_s` each, and stands still while `stalled` is set."""

    service_s: float
    bus: MemoryBus = field(default_factory=MemoryBus)
    stalled: threading.Event = field(default_factory=threading.Event)
    seen: list[CaseArrived] = field(default_factory=list)
    ignored: int = -1  # place of a case that it never answers

    def serve(self, stop: threading.Event) -> None:
        cases = self.bus.subscriber(["cases"], "worker")
        answers = self.bus.publisher()
        free_s = 0.0
        while not stop.is_set():
            for message in cases.poll(100, 0.01):
                event = decode(message.schema, message.value)
                assert isinstance(event, CaseArrived)
                self.seen.append(event)
                if len(self.seen) - 1 == self.ignored:
                    continue
                while self.stalled.is_set():
                    time.sleep(0.001)
                # By a schedule of its own: sleeping too long for one case makes none later.
                free_s = max(free_s, time.monotonic() - 0.02) + self.service_s
                while (left_s := free_s - time.monotonic()) > 0:
                    time.sleep(left_s)
                answers.publish(
                    CaseRejected(case_id=event.case_id, at_min=event.at_min, reason="fake")
                )


@contextmanager
def loaded(
    twin: FakeTwin,
    *,
    levels: Levels = ALIKE,
    shedding: Shedding | None = None,
    look: Callable[[], None] = lambda: None,
) -> Iterator[Load]:
    """Bring a fake twin up, and a load on it."""
    server = Background("fake-twin", twin.serve)
    try:
        with load_on(
            twin.bus.publisher(),
            twin.bus.subscriber(["verdicts"], "stress"),
            cases=BlankCases(),
            levels=levels,
            seed=1,
            tag="t",
            shedding=shedding,
            look=look,
        ) as load:
            yield load
    finally:
        server.stop()
