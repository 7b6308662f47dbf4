"""Orders to go back, from the log: carried out once, whenever they come and whoever reads again."""

from dataclasses import replace
from functools import cache

import pytest
from loop_clinic import DAY, base, month, months, reference

from twin.events import EpochReached, StackOrdered, StackPromoted, StackRejected
from twin.restacking.gate import Judgement
from twin.restacking.plan import RestackPlan
from twin.restacking.restacker import Restacker

PLAN = RestackPlan(every_min=30 * DAY, window_min=30 * DAY, rollback=False)
ORDER = StackOrdered(order_id="o1", at_min=31 * DAY, version=0, by="Dr Wu", reason="it is worse")


def restacker():
    return Restacker(
        base(),
        reference(),
        "m",
        PLAN,
        judge=lambda *_: Judgement("pass", (), "better"),
    )


def follow(one, events):
    published = []
    for event in events:
        one.note(event)
        while (epoch := one.ready()) is not None:
            published += one.decide(epoch)
    return published


@cache
def quarter():
    return tuple(months(month(1, blind=True), month(2, blind=True), month(3, blind=True)))


def after_epoch(number, *events):
    """The quarter with events that come onto the log right after an epoch's marker."""
    found = []
    for event in quarter():
        found.append(event)
        if isinstance(event, EpochReached) and event.epoch == number:
            found += events
    return found


def backs(decisions):
    return [(one.epoch, one.how) for one in decisions if one.how == "rollback"]


def test_an_order_on_the_log_is_carried_out_once_at_the_next_epoch():
    found = follow(restacker(), after_epoch(1, ORDER, ORDER))
    assert backs(found) == [(2, "rollback")]
    assert found[1].restores == 0
    assert found[1].reason == "version 0 was ordered back by Dr Wu: it is worse"


def test_an_order_that_comes_too_late_for_its_epoch_stands_until_the_next():
    late = replace(ORDER, at_min=59 * DAY)  # epoch 2, on day 60, is decided when it is heard of
    assert backs(follow(restacker(), after_epoch(2, late))) == [(3, "rollback")]


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("at_day", [20, 31, 60])
def test_who_reads_the_log_again_carries_out_the_same(epoch, at_day):
    told = after_epoch(epoch, replace(ORDER, at_min=at_day * DAY))
    once = follow(restacker(), told)
    assert len(backs(once)) == 1
    for known in range(len(once)):
        # A new re-stacker finds some decisions on the log and makes the others.
        new = restacker()
        for event in (*once[:known], *told[: _place_of(told, known + 1)]):
            new.note(event)
        assert follow(new, told) == once[known:]


def _place_of(told, epoch):
    return next(
        place
        for place, event in enumerate(told)
        if isinstance(event, EpochReached) and event.epoch == epoch
    )


def test_of_several_orders_the_latest_counts_and_the_others_go_with_it():
    earlier = replace(ORDER, order_id="o0", at_min=30.5 * DAY, version=1)
    found = follow(restacker(), after_epoch(1, ORDER, earlier))
    assert [(one.epoch, one.restores) for one in found if one.how == "rollback"] == [(2, 0)]


def test_an_order_for_a_version_that_is_not_there_is_refused_once_in_words():
    wrong = replace(ORDER, version=9)
    found = follow(restacker(), after_epoch(1, wrong))
    assert isinstance(found[1], StackRejected)
    assert found[1].reason.endswith("it is worse; there is no such version")
    assert isinstance(found[2], StackPromoted | StackRejected)
    assert backs(found) == [(2, "rollback")]
