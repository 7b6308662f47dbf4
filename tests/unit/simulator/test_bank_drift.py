"""Drift is watched in runs from a bank: alone, beside re-stacking, and again from the log."""

from functools import cache
from typing import Any

from loop_samples import looped, looped_bank, run

from simulator.clinic.bank_link import BankLink, bank_link
from simulator.clinic.journal import Journal
from simulator.language.loop_plans import drift_plan
from simulator.language.scenario import Scenario
from twin.drift.monitor import watch_of
from twin.events import DriftReported, EpochReached, StackPromoted, StackRejected
from twin.restacking.restacker import Restacker
from twin.stacks import StackVersion

DAY_MIN = 1440.0
BANK = looped_bank()
CAST = {"at": "4 d", "image": {"colour_cast": 4}}
FEEDBACK = {"delay": "6 h", "verified": {"discharged": 0.3}}


def watched(**fields: Any) -> tuple[Scenario, Journal, BankLink]:
    scenario = looped(drift={}, **fields)
    twin = bank_link(scenario, BANK)
    return scenario, run(scenario, BANK, twin), twin


@cache
def alone() -> tuple[Scenario, Journal, BankLink]:
    return watched(horizon="7 d", shifts=[CAST], feedback=FEEDBACK)


def reports(journal: Journal) -> list[DriftReported]:
    return [one for one in journal.stack_events if isinstance(one, DriftReported)]


def test_drift_alone_is_reported_daily_and_decides_nothing() -> None:
    _, journal, _ = alone()
    first, *rest = journal.stack_events
    assert isinstance(first, StackPromoted)
    assert first.version == 0
    assert [(type(one), one.epoch) for one in rest] == [(DriftReported, k) for k in range(1, 8)]


def test_a_colour_cast_raises_alarms_and_estimates_are_not_valid_any_more() -> None:
    _, journal, _ = alone()
    alarms = [
        at_min for one in reports(journal) for signal in one.signals for at_min in signal.alarms
    ]
    assert alarms
    assert min(alarms) >= 4 * DAY_MIN
    valid = [one.estimates[0].valid for one in reports(journal)]
    assert sum(valid[:4]) >= 3
    assert not any(valid[5:])


def test_the_log_alone_gives_the_same_reports() -> None:
    scenario, journal, twin = alone()
    plan, scorer = drift_plan(scenario), BANK.scorer
    assert plan is not None
    assert scorer is not None
    base = StackVersion(number=0, meta=scorer.meta, threshold=BANK.threshold)
    watch = watch_of(plan, scorer.reference, base)
    again = Restacker(base, scorer.reference, BANK.model_id, None, watch)
    for event in twin.log(journal):
        if not isinstance(event, DriftReported):
            again.note(event)
    found: list[object] = []
    while (epoch := again.ready()) is not None:
        found += again.decide(epoch)
    assert found == reports(journal)


def test_another_run_of_the_same_scenario_has_the_same_log() -> None:
    _, journal, twin = watched(horizon="2 d", feedback=FEEDBACK)
    _, other, again = watched(horizon="2 d", feedback=FEEDBACK)
    assert twin.digest(journal) == again.digest(other)


def test_without_feedback_everything_but_loss_is_watched() -> None:
    _, journal, _ = watched(horizon="1 d")
    (report,) = reports(journal)
    streams = {signal.stream for signal in report.signals}
    assert {"input.0", "input.1", "score.svm", "disagreement"} <= streams
    assert "loss" not in streams
    assert report.estimates[0].valid


def test_beside_restacking_each_epoch_is_reported_before_it_is_decided() -> None:
    _, journal, _ = watched(horizon="2 d", feedback=FEEDBACK, restack={"remedies": ["threshold"]})
    kinds = [type(one) for one in journal.stack_events[1:]]
    assert kinds[::2] == [DriftReported, DriftReported]
    assert set(kinds[1::2]) <= {StackPromoted, StackRejected}
    assert len(kinds) == 4
    assert any(isinstance(one, EpochReached) for one in journal.events)
