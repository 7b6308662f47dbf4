"""What the re-stacker knows of the cases, whatever the order it heard it in."""

import random
from dataclasses import replace

import numpy as np
import pytest
from loop_clinic import DAY, LEARNERS, arrived, closed, label, month, verdict

from twin.acquisition.acquisition import Acquisition
from twin.events import CaseRejected, EpochReached
from twin.images import BlobRef, FileRef
from twin.labels import DUPLICATE, NO_SCORES, TOO_EARLY, UNKNOWN_CASE, UNKNOWN_CLASS
from twin.restacking.ledger import GATE_SHARE, Ledger, is_held_out, picture_of


def ledger_of(*events):
    ledger = Ledger()
    for event in events:
        ledger.note(event)
    return ledger


def test_a_label_counts_once_however_often_it_is_told():
    same = [label("a", 50.0, number=number) for number in range(1000)]
    ledger = ledger_of(arrived("a"), verdict("a"), *same, *same)
    assert len(ledger.evidence(0, 100, LEARNERS)) == 1
    assert ledger.apart(100) == {DUPLICATE: 999}


def test_what_cannot_count_is_kept_apart_with_its_reason():
    ledger = ledger_of(
        arrived("a", 10.0),
        verdict("a", 10.0),
        arrived("b"),
        CaseRejected(case_id="b", at_min=0.0, reason="no image"),
        label("a", 5.0),
        label("a", 50.0, "naevus", 2),
        label("b", 50.0),
        label("ghost", 50.0),
    )
    assert ledger.apart(100) == {
        TOO_EARLY: 1,
        UNKNOWN_CLASS: 1,
        NO_SCORES: 1,
        UNKNOWN_CASE: 1,
    }
    assert len(ledger.evidence(0, 100, LEARNERS)) == 0


def test_only_what_was_received_before_counts():
    ledger = ledger_of(
        arrived("a"),
        verdict("a"),
        label("a", 50.0, "malignant"),
        label("a", 60.0, "benign", 2, revision=1),
    )
    assert len(ledger.evidence(0, 50, LEARNERS)) == 0
    assert ledger.evidence(0, 60, LEARNERS).malignant.tolist() == [True]
    assert ledger.evidence(0, 61, LEARNERS).malignant.tolist() == [False]


def test_a_window_is_of_arrivals():
    events = [
        event
        for n in range(4)
        for event in (arrived(f"{n}", n), verdict(f"{n}", n), label(f"{n}", 50.0))
    ]
    assert ledger_of(*events).evidence(1, 100, LEARNERS).case_id == ("1", "2", "3")


def test_any_order_gives_the_same_evidence():
    events = month(count=60)
    shuffled = list(events)
    random.Random(3).shuffle(shuffled)
    first, second = (
        ledger_of(*some).evidence(0, 30 * DAY, LEARNERS) for some in (events, shuffled)
    )
    assert first.case_id == second.case_id
    assert first.groups == second.groups
    for name in ("log_odds", "sketch", "malignant", "referred", "weight", "image", "held_out"):
        assert (getattr(first, name) == getattr(second, name)).all(), name


def test_a_missing_learner_is_not_a_number_and_a_missing_sketch_neither():
    ledger = ledger_of(
        arrived("a"), verdict("a", svm=None), label("a", 1.0),
        arrived("b"), verdict("b", sketch=()), label("b", 1.0),
    )  # fmt: skip
    found = ledger.evidence(0, 10, LEARNERS)
    assert np.isnan(found.log_odds).tolist() == [[True, False], [False, False]]
    assert np.isnan(found.sketch).all(axis=1).tolist() == [False, True]


def test_groups_are_those_of_reports():
    ledger = ledger_of(
        arrived("a", sex="female", age=40, skin_tone="V", site="torso"),
        verdict("a"),
        label("a", 1.0),
    )
    groups = ledger.evidence(0, 10, LEARNERS).groups
    assert {key: values[0] for key, values in groups.items()} == {
        "sex": "female",
        "age_band": "40-59",
        "skin_tone": "V-VI",
        "site": "torso",
    }


def test_a_picture_is_the_same_however_it_was_taken():
    file = FileRef(path="x.jpg", sha256="ab")
    blurred = replace(file, acquisition=Acquisition(seed=1, severity={"defocus": 3}))
    assert picture_of(file) == picture_of(blurred) == picture_of(BlobRef(sha256="ab"))
    ledger = ledger_of(
        arrived("a", image=file), verdict("a"), label("a", 1.0),
        arrived("b", image=blurred), verdict("b"), label("b", 1.0),
    )  # fmt: skip
    found = ledger.evidence(0, 10, LEARNERS)
    assert found.image.tolist() == [0, 0]
    assert len(set(found.held_out.tolist())) == 1


def test_a_third_of_the_pictures_is_the_gates():
    share = np.mean([is_held_out(f"{n}") for n in range(6000)])
    assert share == pytest.approx(1 / GATE_SHARE, abs=0.02)


@pytest.mark.parametrize("late", ["case", "verdict", "label", "leaving"])
def test_an_epoch_is_complete_when_everything_before_it_is_here(late):
    events = {
        "case": arrived("a"),
        "verdict": verdict("a"),
        "label": label("a", 5.0),
        "leaving": closed("a", 4.0, referred=True),
    }
    epoch = EpochReached(at_min=10.0, epoch=1, cases=1, feedback=1, closed=1)
    ledger = ledger_of(*(event for name, event in events.items() if name != late))
    assert not ledger.complete(epoch)
    ledger.note(events[late])
    assert ledger.complete(epoch)
