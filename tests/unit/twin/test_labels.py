import random

import pytest
from samples import arrived, verdict

from twin.events import CaseRejected, FeedbackReceived
from twin.labels import settle

CASE, ANSWER = arrived("a", 5.0), verdict("a", 5.0)


def said(label: str, number: int = 0, *, revision: int = 0, at_min: float = 9.0):
    return FeedbackReceived(
        feedback_id=f"a.{number}", case_id="a", at_min=at_min, label=label, revision=revision
    )


def test_a_label_counts_once_however_often_it_is_sent():
    found = settle(CASE, ANSWER, [said("malignant", number) for number in range(1000)])
    assert found.malignant is True
    assert len(found.apart) == 999
    assert set(found.apart.values()) == {"duplicate"}


@pytest.mark.parametrize(
    ("case", "answer", "message", "reason"),
    [
        (None, None, said("benign"), "unknown case"),
        (CASE, None, said("benign"), "before its verdict"),
        (CASE, ANSWER, said("benign", at_min=4.0), "before its verdict"),
        (CASE, ANSWER, said("perhaps"), "unknown class"),
        (CASE, CaseRejected(case_id="a", at_min=5.0, reason="dark"), said("benign"), "no scores"),
        (CASE, ANSWER, said("withdrawn"), "withdrawn"),
    ],
)
def test_what_cannot_count_is_kept_apart_with_a_reason(case, answer, message, reason):
    found = settle(case, answer, [message])
    assert found.counts is None
    assert reason in found.apart["a.0"]


def test_a_correction_replaces_and_a_withdrawal_takes_back():
    first, corrected = said("malignant", 0), said("benign", 1, revision=1, at_min=20.0)
    found = settle(CASE, ANSWER, [first, corrected])
    assert (found.malignant, found.apart) == (False, {"a.0": "superseded"})
    gone = said("withdrawn", 2, revision=2, at_min=30.0)
    assert settle(CASE, ANSWER, [first, corrected, gone]).malignant is None


def test_contradictions_within_a_revision_leave_the_case_without_a_label():
    found = settle(CASE, ANSWER, [said("malignant", 0), said("benign", 1)])
    assert found.counts is None
    assert set(found.apart.values()) == {"conflict"}


def test_the_order_of_messages_does_not_matter():
    messages = [
        said("malignant", 0),
        said("malignant", 1, at_min=10.0),
        said("benign", 2, revision=1, at_min=11.0),
        said("odd", 3),
    ]
    first = settle(CASE, ANSWER, messages)
    for seed in range(20):
        random.Random(seed).shuffle(messages)
        assert settle(CASE, ANSWER, messages) == first
