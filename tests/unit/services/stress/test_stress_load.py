"""The open loop: what is sent when, and what a stall of the twin shows."""

import threading
import time

import numpy as np
from fake_twin import FakeTwin, loaded

from services.bus.memory import MemoryBus, MemoryPublisher
from services.stress.figures import percentile
from services.stress.levels import Levels
from services.stress.live import probe_of
from services.stress.sure import SurePublisher
from simulator.language.classes import ClassSpec
from twin.errors import DependencyError
from twin.events import CaseArrived, Event
from twin.images import BlobRef
from twin.shedding import Shedding


def test_a_stall_shows_in_the_cases_that_were_due_in_it() -> None:
    """Coordinated omission: a sender that waited for answers would see one slow case."""
    twin, rate, stall_s = FakeTwin(service_s=0.001), 100, 1.0
    with loaded(twin) as load:
        began_s = time.monotonic() + 0.05
        due_s = began_s + np.arange(2 * rate) / rate
        stall = threading.Timer(0.55, twin.stalled.set)
        goes_on = threading.Timer(0.55 + stall_s, twin.stalled.clear)
        stall.start()
        goes_on.start()
        assert load.send(due_s)
        assert load.await_answers(5.0)
        entries = load.book.entries()
    latency_s = entries.latency_s
    assert np.median(latency_s[:40]) < 0.1
    # Who was due early in the stall waited for all of it, who was due late for the rest of it.
    waited = latency_s[60:140]
    assert (waited > 0.1).all()
    assert abs(waited.max() - stall_s) < 0.2
    assert abs(np.polyfit(entries.due_s[60:140], waited, 1)[0] + 1) < 0.15
    # Nobody was sent later because of it.
    assert percentile(entries.sent_s - entries.due_s, 99) < 0.1
    # Half of the cases were due in the stall: a closed loop would have measured one.
    assert (latency_s > 0.1).sum() > 0.4 * len(latency_s)


def test_levels_are_shed_from_the_least_urgent_and_counted() -> None:
    classes = (ClassSpec(id="urgent", share=0.2), ClassSpec(id="routine", share=0.8))
    levels = Levels(("urgent", "routine"), classes, (0, 1), (0.2, 0.8))
    shedding = Shedding(levels=2, above_s=0.2, keep=0.5)
    with loaded(FakeTwin(service_s=1 / 100), levels=levels, shedding=shedding) as load:
        due_s = time.monotonic() + np.arange(450) / 300
        assert load.send(due_s)
        assert load.await_answers(20.0)
        book, entries = load.book, load.book.entries()
    urgent = entries.level == 0
    assert not entries.shed[urgent].any()
    assert entries.shed.sum() > 80  # offered 300, served 100, a fifth urgent
    assert book.shed == {1: int(entries.shed.sum())}
    assert book.sent + book.shed.total() == 450
    assert np.isnan(entries.sent_s[entries.shed]).all()
    # What was let in was answered about as quickly as was promised.
    assert percentile(entries.latency_s, 99) < 1.5


def test_a_hopeless_load_ends_early() -> None:
    with loaded(FakeTwin(service_s=0.001)) as load:
        due_s = time.monotonic() + np.arange(1000) / 100
        assert not load.send(due_s, is_hopeless=lambda: len(load.book) > 20)
        assert len(load.book) < 60


class _Leaky(MemoryPublisher):
    """Loses every third message, and says so when it is flushed."""

    def __init__(self, bus: MemoryBus) -> None:
        super().__init__(bus)
        self.published, self.lost = 0, 0

    def publish(self, event: Event) -> None:
        self.published += 1
        if self.published % 3 == 0 and self.published < 20:
            self.lost += 1
            if self.published % 2:
                raise DependencyError("not even taken")
        else:
            super().publish(event)

    def flush(self) -> None:
        if self.lost:
            self.lost = 0
            raise DependencyError("some were not acknowledged")


def test_what_was_not_acknowledged_is_sent_again() -> None:
    bus = MemoryBus()
    sure = SurePublisher(_Leaky(bus))
    wanted = [f"c{number}" for number in range(10)]
    for case_id in wanted:
        image = BlobRef(sha256="ab" * 32)
        sure.publish(CaseArrived(case_id=case_id, at_min=0.0, image=image))
    sure.confirm_all(timeout_s=5)
    kept = {message.key for messages in bus.log.values() for message in messages}
    assert kept == set(wanted)
    assert sure.resent >= 10


def test_the_probe_tells_the_last_seconds_and_who_still_waits() -> None:
    twin = FakeTwin(service_s=0.001)
    with loaded(twin) as load:
        probe = probe_of(load.book)
        assert probe()["latency.p99_ms"] == 0  # nobody came, and nobody waits
        load.send(time.monotonic() + np.arange(20) / 100)
        assert load.await_answers(5)
        well = probe()
        assert well["latency.p99_ms"] < 200
        assert well["lag.cases"] == 0
        twin.stalled.set()
        load.send(time.monotonic() + np.arange(5) / 100)
        time.sleep(0.4)
        ill = probe()
        twin.stalled.clear()
        assert load.await_answers(5)
    assert ill["latency.p99_ms"] > 350
    assert ill["lag.cases"] == 5
    assert ill["verdicts.lost"] == 0
