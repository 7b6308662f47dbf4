"""The re-stacker on made-up scores: two learners, one of which goes blind."""

import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from twin.events import (
    CaseArrived,
    CaseClosed,
    EpochReached,
    FeedbackReceived,
    LoggedEvent,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.images import BlobRef
from twin.meta import MetaStack, fit_meta
from twin.reference import Reference
from twin.restacking.gate import Judgement
from twin.restacking.operating_point import threshold_at
from twin.restacking.plan import RestackPlan, RollbackOrder
from twin.restacking.restacker import Restacker
from twin.stacks import StackVersion, version_of

LEARNERS = ("svm", "knn")
DAY = 1440.0
PLAN = RestackPlan(every_min=30 * DAY, window_min=90 * DAY)


def scores(malignant, stream, *, blind: bool = False):
    z = np.where(malignant, 1.5, -1.5)[:, None] + stream.normal(size=(len(malignant), 2)) * 1.5
    if blind:
        z[:, 0] = stream.normal(size=len(malignant)) * 1.5 - 2
    return np.round(z, 6)


@cache
def reference() -> Reference:
    stream = np.random.default_rng(0)
    malignant = np.arange(1000) % 5 < 2
    z = scores(malignant, stream)
    return Reference(z, malignant, np.round(stream.normal(size=(1000, 2)), 4))


@cache
def base() -> StackVersion:
    found: MetaStack = fit_meta(reference().log_odds, reference().malignant, LEARNERS, 0.01)
    return StackVersion(number=0, meta=found, threshold=0.5)


@cache
def history(seed=0, *, prevalence=0.4, blind=False, count=1500, discharged=0.3):
    """One month of cases, feedback on those who were verified, and the epoch that ends it."""
    stream = np.random.default_rng(seed)
    malignant = stream.random(count) < prevalence
    z = scores(malignant, stream, blind=blind)
    sketch = np.round(stream.normal(size=(count, 2)), 4)
    events: list[LoggedEvent] = []
    labels = 0
    for i in range(count):
        name, at_min = f"c{i:05d}", i * 25 * DAY / count
        log_odds = dict(zip(LEARNERS, z[i].tolist(), strict=True))
        p = base().meta.weights_for(LEARNERS).p_malignant(log_odds)
        image = BlobRef(sha256=f"{seed}-{i}")
        events.append(CaseArrived(case_id=name, at_min=at_min, image=image))
        events.append(
            VerdictIssued(
                case_id=name,
                at_min=at_min,
                p_malignant=p,
                threshold=0.5,
                malignant=p >= 0.5,
                log_odds=log_odds,
                sketch=tuple(sketch[i].tolist()),
                model_id="m",
            )
        )
        right = stream.random() < (0.9 if malignant[i] else 0.8)
        referred = bool(malignant[i]) == right
        events.append(
            CaseClosed(
                case_id=name, at_min=at_min + 60, referred=referred, left_early=False, waits_min={}
            )
        )
        p_verified = 1.0 if referred else discharged
        if stream.random() < p_verified:
            labels += 1
            events.append(
                FeedbackReceived(
                    feedback_id=f"{name}.0",
                    case_id=name,
                    at_min=at_min + DAY,
                    label="malignant" if malignant[i] else "benign",
                    way="biopsied" if referred else "sampled",
                    p_verified=p_verified,
                )
            )
    events.append(EpochReached(at_min=30 * DAY, epoch=1, cases=count, feedback=labels))
    return tuple(events)


def passing(evidence, champion, challenger, plan, all_labels) -> Judgement:
    return Judgement("pass", (), "better")


def run(events, plan=PLAN, judge=passing):
    restacker = Restacker(base(), reference(), "m", plan, judge=judge)
    for event in events:
        restacker.note(event)
    epoch = restacker.ready()
    assert epoch is not None
    return restacker.decide(epoch)[0]


def test_where_nothing_happened_the_stack_is_kept():
    decision = run(history())
    assert isinstance(decision, StackRejected)
    assert decision.verdict == "kept"


def test_more_malignant_cases_need_a_recalibration_that_leaves_decisions_as_they_were():
    decision = run(history(prevalence=0.1))
    assert isinstance(decision, StackPromoted)
    assert decision.how == "recalibrate"
    new = version_of(decision)
    verdicts = [event for event in history(prevalence=0.1) if isinstance(event, VerdictIssued)]
    changed = sum(
        (new.meta.weights_for(LEARNERS).p_malignant(one.log_odds) >= new.threshold) != one.malignant
        for one in verdicts
    )
    assert changed < 0.03 * len(verdicts)
    ill = np.mean([new.meta.weights_for(LEARNERS).p_malignant(v.log_odds) for v in verdicts])
    assert ill == pytest.approx(0.1, abs=0.02)


def test_a_learner_that_goes_blind_needs_a_new_stack_without_it():
    decision = run(history(blind=True))
    assert isinstance(decision, StackPromoted)
    assert decision.how == "restack"
    full = version_of(decision).meta.weights_for(LEARNERS)
    assert abs(full.weights["svm"]) < 0.2 < full.weights["knn"]
    assert decision.facts["reference_weight"] <= 0.1
    assert set(decision.stacks) == {"svm+knn", "svm", "knn"}


def test_the_order_of_events_does_not_matter():
    first = run(history(blind=True))
    shuffled = list(history(blind=True))
    random.Random(1).shuffle(shuffled)
    assert run(shuffled) == first


def test_an_epoch_waits_for_all_that_came_before_it():
    events = history()
    for left_out in (
        0,
        1,
        next(i for i, e in enumerate(events) if isinstance(e, FeedbackReceived)),
    ):
        restacker = Restacker(base(), reference(), "m", PLAN, judge=passing)
        for place, event in enumerate(events):
            if place != left_out:
                restacker.note(event)
        assert restacker.ready() is None
        restacker.note(events[left_out])
        assert restacker.ready() is not None


def test_a_restacker_that_reads_its_own_decision_does_not_decide_again():
    events = history(blind=True)
    decision = run(events)
    again = Restacker(base(), reference(), "m", PLAN, judge=passing)
    for event in (*events, decision):
        again.note(event)
    assert again.ready() is None
    assert again.in_force == version_of(decision)


def test_what_came_after_the_epoch_does_not_count():
    events = history(blind=True)
    late = [
        FeedbackReceived(
            feedback_id=f"c{i:05d}.9",
            case_id=f"c{i:05d}",
            at_min=31 * DAY,
            label="benign",
            revision=1,
        )
        for i in range(1500)
    ]
    assert run((*events, *late)) == run(events)


def test_labels_that_say_too_little_are_waited_for():
    decision = run(history(count=30))
    assert (decision.verdict, "waits for labels" in decision.reason) == ("waiting", True)


@pytest.mark.parametrize(("gate", "verdict"), [("fail", "rejected"), ("few", "waiting")])
def test_the_gate_decides(gate, verdict):
    decision = run(history(blind=True), judge=lambda *_: Judgement(gate, (), "the gate says so"))
    assert (decision.verdict, decision.how, decision.reason) == (
        verdict,
        "restack",
        "the gate says so",
    )


def test_the_gate_sees_no_picture_that_was_fitted_to():
    seen = []

    def judge(evidence, *_):
        seen.append(evidence)
        return Judgement("pass", (), "")

    decision = run(history(blind=True), judge=judge)
    assert seen[0].held_out.all()
    assert decision.labels + len(seen[0]) == sum(
        isinstance(event, FeedbackReceived) for event in history(blind=True)
    )


def test_a_promotion_that_later_labels_regret_is_rolled_back():
    first, second = history(blind=True), history(seed=1)
    restacker = Restacker(base(), reference(), "m", PLAN, judge=passing)
    for event in first:
        restacker.note(event)
    promoted = restacker.decide(restacker.ready())[0]
    for event in second[:-1]:
        later = replace(event, case_id=f"x{event.case_id}", at_min=event.at_min + 31 * DAY)
        if isinstance(later, FeedbackReceived):
            later = replace(later, feedback_id=f"x{later.feedback_id}")
        restacker.note(later)
    labels = sum(isinstance(event, FeedbackReceived) for event in (*first, *second))
    restacker.note(EpochReached(at_min=61 * DAY, epoch=2, cases=2 * 1500, feedback=labels))
    back = restacker.decide(restacker.ready())[0]
    assert (back.how, back.restores, back.parent, back.version) == ("rollback", 0, 1, 2)
    assert back.stacks == restacker.begin().stacks
    assert promoted.version == 1


def test_a_version_is_ordered_back():
    plan = RestackPlan(every_min=30 * DAY, orders=(RollbackOrder(at_min=29 * DAY, version=0),))
    decision = run(history(), plan)
    assert (decision.how, decision.restores) == ("rollback", 0)
    assert "ordered" in decision.reason


def test_weights_undo_verification_bias_in_the_fit():
    found = {}
    for weighting in ("known", "estimated", "none"):
        plan = RestackPlan(every_min=30 * DAY, weighting=weighting, gate=None)
        shares = [
            run(history(seed, prevalence=0.1, discharged=0.1), plan).facts["prevalence"]
            for seed in range(8)
        ]
        mean, error = np.mean(shares), np.std(shares, ddof=1) / np.sqrt(8)
        found[weighting] = (mean - 0.1) / error
    assert abs(found["known"]) < 3
    assert abs(found["estimated"]) < 3
    assert found["none"] > 10


def test_the_operating_point_keeps_its_likelihood_ratio():
    moved = threshold_at(0.1, 0.5, 0.4)
    assert moved / (1 - moved) / (0.1 / 0.9) == pytest.approx(1 / (0.4 / 0.6))
