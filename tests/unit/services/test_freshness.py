from services.bus.memory import MemoryBus
from services.mirror import loop as module
from services.mirror.freshness import Marks
from services.mirror.loop import Mirror
from services.mirror.memory_mirror import MemoryMirror
from twin.events import CaseRejected


class Clock:
    def __init__(self, now_s=1000.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


def mirror_of(bus, clock, monkeypatch, delay_s=0.0):
    monkeypatch.setattr(module, "BEAT_S", -1.0)  # asks and tells at every step
    kept = MemoryMirror()
    return Mirror(bus.subscriber(("verdicts",), "m"), kept, delay_s=delay_s, clock=clock), kept


def send(bus, clock, count=1):
    publisher = bus.publisher()
    for number in range(count):
        publisher.publish(CaseRejected(case_id=f"c{number}", at_min=0.0, reason="x"))


def test_what_was_sent_before_the_end_was_asked_for_is_complete_once_folded():
    marks = Marks()
    marks.put(10.0, {("cases", 0): 2, ("cases", 1): 1})
    marks.put(11.0, {("cases", 0): 3, ("cases", 1): 1})
    marks.folded({("cases", 0): 2})
    assert marks.complete_unix_s is None  # the other partition is behind
    marks.folded({("cases", 1): 1})
    assert marks.complete_unix_s == 10.0
    marks.folded({("cases", 0): 3})
    assert marks.complete_unix_s == 11.0


def test_an_idle_mirror_is_complete_up_to_now(monkeypatch):
    clock = Clock()
    loop, kept = mirror_of(MemoryBus(), clock, monkeypatch)
    loop.step(0.0)
    clock.now_s += 5
    loop.step(0.0)
    assert kept.fresh.complete_unix_s == clock.now_s
    assert sum(kept.fresh.behind.values()) == 0


def test_a_mirror_that_is_made_late_says_how_late_and_by_how_many(monkeypatch):
    bus, clock = MemoryBus(), Clock()
    monkeypatch.setattr("services.bus.memory.time.time", clock)
    loop, kept = mirror_of(bus, clock, monkeypatch, delay_s=3.0)
    ages = []
    for _ in range(100):  # twenty seconds, a record and a step each 0.2 s
        send(bus, clock)
        loop.step(0.0)
        ages.append(clock.now_s - (kept.fresh.complete_unix_s or clock.now_s))
        clock.now_s += 0.2
    assert all(2.7 <= age <= 3.3 for age in ages[30:])
    assert kept.fresh.behind == {"verdicts": 15}
    assert kept.read_back().counts["rejections"] == 1  # one case id, again and again
