"""The audit finds what is lost, doubled or counted twice, and nothing in a sound log."""

from dataclasses import replace

import pytest

from services.bus.memory import MemoryBus
from services.bus.topics import TOPICS
from services.faults.audit import Audit, audit_of
from services.mirror.loop import Mirror
from services.mirror.memory_mirror import MemoryMirror
from twin.events import CaseArrived, CaseClosed, CaseRejected, FeedbackReceived, VerdictIssued
from twin.images import BlobRef

CASES = ("a", "b", "c")


def arrived(case_id: str) -> CaseArrived:
    return CaseArrived(case_id=case_id, at_min=1.0, image=BlobRef(sha256="0" * 64))


def verdict(case_id: str, p: float = 0.25) -> VerdictIssued:
    return VerdictIssued(
        case_id=case_id,
        at_min=1.0,
        p_malignant=p,
        threshold=0.5,
        malignant=p >= 0.5,
        log_odds={"knn": 0.5},
        model_id="m",
    )


def label(case_id: str, number: int = 0) -> FeedbackReceived:
    feedback_id = f"f-{case_id}-{number}"
    return FeedbackReceived(feedback_id=feedback_id, case_id=case_id, at_min=9.0, label="benign")


@pytest.fixture
def bus() -> MemoryBus:
    bus = MemoryBus()
    publisher = bus.publisher()
    for case_id in CASES:
        publisher.publish(arrived(case_id))
        publisher.publish(verdict(case_id))
        publisher.publish(
            CaseClosed(case_id=case_id, at_min=3.0, referred=False, left_early=False, waits_min={})
        )
    publisher.publish(label("a"))
    return bus


def audited(
    bus: MemoryBus,
    sent: tuple[str, ...] = CASES,
    mirror: MemoryMirror | None = None,
    labelled: tuple[str, ...] = ("a",),
) -> Audit:
    if mirror is None:
        mirror = MemoryMirror()
        loop = Mirror(bus.subscriber(TOPICS[:-1], "mirror"), mirror)
        while loop.step(0.0):
            continue
    log = bus.subscriber(TOPICS, "audit")
    return audit_of(log, mirror, sent, labelled=labelled, settle_s=0.0)


def test_nothing_is_found_in_a_sound_log(bus: MemoryBus) -> None:
    found = audited(bus)

    assert (found.passed, found.words) == (True, [])
    assert (found.sent, found.answered, found.labels, found.dead_letters) == (3, 3, 1, 0)


def test_what_was_not_answered_is_lost(bus: MemoryBus) -> None:
    bus.publisher().publish(arrived("d"))

    found = audited(bus, (*CASES, "d"))

    assert found.lost == 1
    assert found.words == ["1 case(s) sent and never answered: d"]


def test_a_case_in_the_dead_letters_is_not_lost(bus: MemoryBus) -> None:
    publisher = bus.publisher()
    publisher.publish(arrived("d"))
    letter = next(m for place in bus.log.values() for m in place if m.key == "d")
    headers = {"origin": f"cases/{letter.partition}/{letter.offset}", "reason": "crashes a learner"}
    for _ in range(2):
        publisher.publish_raw("dead-letters", "d", letter.schema, letter.value, headers)

    found = audited(bus, (*CASES, "d"))

    assert (found.passed, found.lost) == (True, 0)
    assert (found.dead_letters, found.letter_repeats) == (1, 1)
    assert found.reasons == {"crashes a learner": 1}


def test_a_repeated_answer_is_told_and_is_no_error(bus: MemoryBus) -> None:
    bus.publisher().publish(verdict("a"))

    found = audited(bus)

    assert (found.passed, found.doubled, found.repeats) == (True, 0, 1)


@pytest.mark.parametrize(
    "other",
    [verdict("a", 0.75), CaseRejected(case_id="a", at_min=1.0, reason="no image")],
    ids=["verdict", "rejection"],
)
def test_two_different_answers_are_one_too_many(
    bus: MemoryBus, other: VerdictIssued | CaseRejected
) -> None:
    bus.publisher().publish(other)

    found = audited(bus)

    assert (found.passed, found.doubled, found.conflicts) == (False, 1, 1)


def test_a_label_sent_twice_counts_once(bus: MemoryBus) -> None:
    publisher = bus.publisher()
    publisher.publish(label("a"))
    publisher.publish(label("a", number=1))

    found = audited(bus)

    assert (found.passed, found.labels, found.labels_twice) == (True, 1, 0)


def test_a_mirror_that_counts_a_label_twice_is_found(bus: MemoryBus) -> None:
    mirror = MemoryMirror()
    loop = Mirror(bus.subscriber(TOPICS[:-1], "mirror"), mirror)
    while loop.step(0.0):
        continue
    mirror._state.counts["labels"] += 1

    found = audited(bus, mirror=mirror)

    assert (found.labels_twice, found.mirror_equal) == (1, False)
    assert "labels 2 instead of 1" in found.words[-1]


def test_a_mirror_that_counts_an_answer_twice_is_found(bus: MemoryBus) -> None:
    mirror = MemoryMirror()
    loop = Mirror(bus.subscriber(TOPICS[:-1], "mirror"), mirror)
    while loop.step(0.0):
        continue
    mirror._state.counts["verdicts"] += 1
    case = mirror._state.cases["b"]
    mirror._state.cases["b"] = replace(case, revision=case.revision + 1)

    found = audited(bus, mirror=mirror)

    assert (found.doubled, found.mirror_equal) == (1, False)
    assert "1 case(s) differ: b" in found.words[-1]


def test_a_label_that_never_came_is_missed(bus: MemoryBus) -> None:
    assert audited(bus, labelled=("a", "b")).labels_lost == 1


def test_hostile_bytes_need_a_dead_letter(bus: MemoryBus) -> None:
    publisher = bus.publisher()
    publisher.publish_raw("cases", None, "", b"\x00\xff", {})
    at = len(bus.log["cases", 0]) - 1
    assert bus.log["cases", 0][at].value == b"\x00\xff"

    missed = audited(bus)
    headers = {"origin": f"cases/0/{at}", "reason": "schema"}
    publisher.publish_raw("dead-letters", None, "", b"\x00\xff", headers)
    kept = audited(bus)

    assert (missed.letters_missing, kept.letters_missing) == (1, 0)
    assert (missed.passed, kept.passed) == (False, True)
