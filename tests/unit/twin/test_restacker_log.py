"""The re-stacker as a fold of the log: killed anywhere, read again in any order."""

import random
from dataclasses import replace
from functools import cache

import pytest
from loop_clinic import DAY, LEARNERS, base, month, months, reference

from twin.errors import InvariantError
from twin.events import (
    DriftReported,
    EpochReached,
    FeedbackReceived,
    StackPromoted,
    StackRejected,
)
from twin.restacking.gate import Judgement
from twin.restacking.plan import RestackPlan, RollbackOrder
from twin.restacking.restacker import Restacker
from twin.stacks import version_of

PLAN = RestackPlan(every_min=30 * DAY, window_min=30 * DAY)


def passing(*_):
    return Judgement("pass", (), "better")


class Watch:
    """Reports how often it was asked: a memory, as detectors have one."""

    def __init__(self):
        self.asked = []

    def __call__(self, epoch, ledger, in_force):
        self.asked.append((epoch.epoch, in_force.number))
        return DriftReported(at_min=epoch.at_min, epoch=epoch.epoch, cases=len(self.asked))


def restacker(plan=PLAN, *, watched=True):
    watch = Watch() if watched else None
    return Restacker(base(), reference(), "m", plan, watch, judge=passing)


def follow(one, events):
    """Note events as they come, decide whenever an epoch is ready; return what is published."""
    published = []
    for event in events:
        one.note(event)
        while (epoch := one.ready()) is not None:
            published += one.decide(epoch)
    return published


@cache
def quarter():
    """A learner goes blind in the first month; in the second it is back."""
    return months(month(1, blind=True), month(2), month(3, prevalence=0.1))


@cache
def published():
    return tuple(follow(restacker(), quarter()))


def test_the_story_of_the_quarter():
    stacks = [event for event in published() if not isinstance(event, DriftReported)]
    assert [event.epoch for event in stacks] == [1, 2, 3]
    assert (stacks[0].how, stacks[1].how, stacks[1].restores) == ("restack", "rollback", 0)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_the_same_decisions(seed):
    events = list(quarter())
    random.Random(seed).shuffle(events)
    assert tuple(follow(restacker(), events)) == published()


@pytest.mark.parametrize("kept", range(7))
def test_a_restacker_killed_after_any_publication_goes_on_as_if_nothing_had_happened(kept):
    """The log then holds all events and the first publications; also half of an epoch's."""
    again = restacker()
    rest = follow(again, [*published()[:kept], *quarter()])
    assert tuple(rest) == published()[kept:]


def test_detectors_are_led_through_epochs_that_were_decided_before():
    again = restacker()
    follow(again, [*published()[:4], *quarter()])
    assert [epoch for epoch, _ in again._watch.asked] == [1, 2, 3]


def test_decisions_on_the_log_are_taken_over_even_if_we_would_decide_otherwise():
    first = next(event for event in published() if isinstance(event, StackPromoted))
    other = replace(first, threshold=0.123)
    again = restacker(watched=False)
    follow(again, [other, *quarter()[: quarter().index(first_epoch()) + 1]])
    assert again.in_force == version_of(other)


def first_epoch():
    return next(event for event in quarter() if isinstance(event, EpochReached))


def test_an_epoch_is_not_decided_before_its_turn():
    one = restacker()
    later = replace(first_epoch(), epoch=2)
    one.note(later)
    assert one.ready() is None
    with pytest.raises(InvariantError):
        one.decide(later)


def test_events_told_twice_change_nothing():
    assert tuple(follow(restacker(), [*quarter(), *quarter()])) == published()
    twice = [event for event in quarter() for _ in range(2)]
    assert tuple(follow(restacker(), twice)) == published()


def test_drift_alone_is_watched_without_a_plan():
    found = follow(restacker(None), quarter())
    assert [type(event) for event in found] == [DriftReported] * 3


@pytest.mark.parametrize(("version", "kind"), [(0, StackPromoted), (5, StackRejected)])
def test_orders_are_carried_out_or_refused_in_words(version, kind):
    plan = replace(PLAN, orders=(RollbackOrder(at_min=40 * DAY, version=version),))
    decision = follow(restacker(plan, watched=False), quarter())[1]
    assert isinstance(decision, kind)
    assert (decision.epoch, decision.how) == (2, "rollback")
    assert f"version {version} was ordered back" in decision.reason


def test_after_a_rollback_older_labels_are_not_fitted_to_again():
    plan = replace(PLAN, window_min=90 * DAY)
    decision = follow(restacker(plan, watched=False), quarter())[2]
    assert decision.window_from_min == 60 * DAY


def test_a_rollback_is_not_rolled_back_by_itself():
    blind_again = months(month(1, blind=True), month(2), month(3, blind=True))
    stacks = follow(restacker(watched=False), blind_again)
    assert [event.how for event in stacks][1:] == ["rollback", "restack"]


def test_nothing_is_promoted_for_its_version_number_twice():
    stacks = [event for event in published() if isinstance(event, StackPromoted)]
    assert [event.version for event in stacks] == list(range(1, len(stacks) + 1))
    assert [event.parent for event in stacks] == list(range(len(stacks)))


def test_labels_of_few_pictures_are_waited_for():
    events = [
        replace(event, image=replace(event.image, sha256=f"{int(event.case_id[-3:]) % 6}"))
        if hasattr(event, "image")
        else event
        for event in month()
    ]
    (decision,) = follow(restacker(watched=False), events)
    assert (decision.verdict, "pictures" in decision.reason) == ("waiting", True)


def test_without_a_gate_what_was_fitted_is_promoted():
    (decision,) = follow(restacker(replace(PLAN, gate=None), watched=False), month(blind=True))
    assert isinstance(decision, StackPromoted)
    assert decision.reason.endswith("promoted without being judged")


def test_cases_that_lacked_a_learner_are_judged_by_the_stack_without_it():
    events = [
        replace(event, log_odds={"knn": event.log_odds["knn"]}, missing=("svm",))
        if hasattr(event, "log_odds") and event.case_id.endswith("7")
        else event
        for event in month(blind=True)
    ]
    (decision,) = follow(restacker(watched=False), events)
    assert decision.how == "restack"
    assert len(decision.stacks) == 2 ** len(LEARNERS) - 1


def test_the_gate_weighs_by_what_is_known_whatever_the_fit_does():
    seen = []

    def judge(evidence, *_):
        seen.append(evidence)
        return passing()

    plan = replace(PLAN, weighting="none")
    one = Restacker(base(), reference(), "m", plan, judge=judge)
    follow(one, month(blind=True))
    weight = seen[0].weight
    assert weight[~seen[0].referred].min() > 2 * weight[seen[0].referred].max()
    labels = sum(isinstance(event, FeedbackReceived) for event in month(blind=True))
    assert 0 < len(seen[0]) < labels / 2
