"""The watch: a function of the log, alarms after a shift, memory over epochs."""

import random
from dataclasses import replace

import pytest
from drift_samples import DAY, PER_DAY, PLAN, epoch_of, reports, story, told
from loop_clinic import LEARNERS, base, label, reference

from twin.drift.monitor import watch_of
from twin.drift.plan import DETECTORS
from twin.errors import InvariantError
from twin.events import DriftReported, FeedbackReceived, VerdictIssued
from twin.restacking.ledger import Ledger
from twin.restacking.restacker import Restacker

STREAMS = {"input.0", "input.1", "score.svm", "score.knn", "disagreement", "loss"}


def alarms(found):
    return sorted(
        (signal.detector, signal.stream, at_min)
        for report in found
        for signal in report.signals
        for at_min in signal.alarms
    )


def test_every_stream_has_each_detector_and_alarms_come_after_the_shift():
    found = told()
    assert {(one.detector, one.stream) for one in found[1].signals} == {
        (detector, stream) for detector in DETECTORS for stream in STREAMS
    }
    raised = alarms(found)
    assert all(at_min >= 6 * DAY for _, _, at_min in raised)
    assert {detector for detector, _, _ in raised} == {*DETECTORS, "hotelling"}
    moved = {stream for _, stream, _ in raised}
    assert {"input.0", "input.1", "score.svm", "score.knn", "loss"} <= moved
    # Learners that move alike differ as before.
    assert "disagreement" not in moved


def test_reports_count_the_cases_and_mean_their_streams_since_the_last_epoch():
    found = told()
    assert [report.cases for report in found] == [PER_DAY] * 12
    mean = [
        next(one.value for one in report.signals if one.stream == "input.0") for report in found
    ]
    assert abs(mean[0]) < 0.5
    assert mean[-1] > 1.5


def test_no_alarm_without_a_shift():
    assert alarms(told(moved=0.0)) == []


def test_memory_over_epochs_equals_one_pass():
    daily, once = told(), told(every_min=12 * DAY, epochs=1)
    per_case = [one for one in alarms(daily) if one[0] != "hotelling"]
    assert per_case == [one for one in alarms(once) if one[0] != "hotelling"]
    assert daily[-1].estimates[0].valid is once[-1].estimates[0].valid is False


def test_order_of_the_events_and_messages_told_twice_change_nothing():
    events = [*story(), *story()]
    random.Random(1).shuffle(events)
    ledger = Ledger()
    for event in events:
        ledger.note(event)
    watch = watch_of(PLAN, reference(), base())
    again = [watch(epoch_of(k, story()), ledger, base()) for k in range(1, 13)]
    assert again == told()


def test_what_comes_at_or_after_an_epoch_is_not_in_its_report():
    known = [event for event in story() if event.at_min < 5 * DAY]
    assert reports(known, epochs=5) == told()[:5]


@pytest.mark.parametrize("killed_after", [1, 11])
def test_a_watch_begun_anew_says_the_same(killed_after):
    """Led through the log again by a new re-stacker that finds some reports there already."""
    found = told()
    log = [*found[:killed_after], *story(), *(epoch_of(k, story()) for k in range(1, 13))]
    one = Restacker(base(), reference(), "m", None, watch_of(PLAN, reference(), base()))
    for event in log:
        one.note(event)
    rest = []
    while (epoch := one.ready()) is not None:
        rest += one.decide(epoch)
    assert rest == found[killed_after:]
    assert all(isinstance(event, DriftReported) for event in rest)


def test_epochs_are_told_once_and_in_order():
    watch = watch_of(PLAN, reference(), base())
    with pytest.raises(InvariantError):
        watch(epoch_of(2, story()), Ledger(), base())


def test_an_epoch_without_cases_says_so():
    (report,) = reports((), epochs=1)
    assert (report.cases, report.signals) == (0, ())
    assert not any(one.valid for one in report.estimates)
    assert "0 cases" in report.estimates[0].reason


def test_a_verdict_with_another_sketch_stops_the_watch():
    events = [
        replace(event, sketch=(0.0,)) if isinstance(event, VerdictIssued) else event
        for event in story(days=1)
    ]
    with pytest.raises(InvariantError, match="sketch"):
        reports(events, epochs=1)


def without_svm(from_day):
    """The story without a shift, in which a learner fails on a day and stays dead."""
    return [
        replace(event, log_odds={"knn": event.log_odds["knn"]}, missing=("svm",))
        if isinstance(event, VerdictIssued) and event.at_min >= from_day * DAY
        else event
        for event in story(moved=0.0)
    ]


def test_a_learner_that_fails_is_no_drift():
    found = reports(without_svm(6))
    assert alarms(found) == []
    here = {one.stream for one in found[-1].signals}
    assert here == (STREAMS - {"score.svm", "disagreement"}) | {"all"}


def test_estimates_are_of_the_cases_with_the_learners_of_the_last_one():
    found = reports(without_svm(11), epochs=12)
    assert all(one.value is not None for one in found[-1].estimates)  # 60 cases: enough
    few = reports(without_svm(11.5), epochs=12)
    assert f"{PER_DAY // 2} cases by these learners" in few[-1].estimates[0].reason


def test_loss_is_in_the_order_in_which_labels_came_each_once():
    """A label that comes late is in the report after it came; a repeated one is not counted."""
    events = [event for event in story(days=3) if not isinstance(event, FeedbackReceived)]
    first, second = events[0].case_id, events[2].case_id
    events += [
        label(first, 2.2 * DAY, "malignant", 1),
        label(first, 2.3 * DAY, "malignant", 2),
        label(second, 0.5 * DAY, "benign", 1),
        label(second, 2.9 * DAY, "benign", 2),
        label("nobody", 2.5 * DAY, "benign", 1),
    ]
    found = reports(events, epochs=3)
    assert ["loss" in {one.stream for one in report.signals} for report in found] == [
        True,
        False,
        True,
    ]
    ledger = Ledger()
    for event in events:
        ledger.note(event)
    assert [case.arrived.case_id for case in ledger.labelled(2 * DAY, 3 * DAY)] == [first]
    assert [case.arrived.case_id for case in ledger.labelled(0, 3 * DAY)] == [second, first]


def test_a_correction_is_a_label_of_its_own():
    events = [event for event in story(days=3) if not isinstance(event, FeedbackReceived)]
    name = events[0].case_id
    ledger = Ledger()
    for event in (
        *events,
        label(name, 0.5 * DAY, "malignant", 1),
        label(name, 1.5 * DAY, "benign", 2, revision=1),
    ):
        ledger.note(event)
    assert [case.label.label for case in ledger.labelled(0, DAY)] == ["malignant"]
    assert [case.label.label for case in ledger.labelled(DAY, 2 * DAY)] == ["benign"]


def test_learners_are_watched_in_the_registrys_order():
    first = told()[0]
    order = list(dict.fromkeys(one.stream for one in first.signals))
    assert order == [
        "input.0",
        "input.1",
        *(f"score.{name}" for name in LEARNERS),
        "disagreement",
        "loss",
    ]


def test_labels_that_contradict_the_scores_make_the_estimate_not_valid():
    """As where learners are better or worse on new images than they were out of fold."""
    other = {"malignant": "benign", "benign": "malignant"}
    labels = [event for event in story(moved=0.0) if isinstance(event, FeedbackReceived)]
    wrong = {one.feedback_id for one in labels[::4]}
    events = [
        replace(event, label=other[event.label])
        if isinstance(event, FeedbackReceived) and event.feedback_id in wrong
        else event
        for event in story(moved=0.0)
    ]
    first, *_, last = (report.estimates[0] for report in reports(events))
    assert (first.metric, first.valid, last.valid) == ("accuracy", True, False)
    assert "labels that came back put accuracy at" in last.reason


def test_labels_that_agree_with_the_scores_leave_it_valid():
    found = [report.estimates[0] for report in told(moved=0.0)]
    assert sum(one.valid for one in found) >= 11
