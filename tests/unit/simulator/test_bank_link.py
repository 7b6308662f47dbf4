"""A bank answers as the twin would: by the stack in force, without who is out, once for each."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from clinics import facts
from loop_samples import CAST, SIX, FakeRestacker, link, looped, looped_bank, meta, run

from services.experiments.work import Piece, do
from simulator.cases.bank import AS_THEY_COME
from simulator.cases.bank_entries import reference_of
from simulator.clinic.bank_link import BankLink, bank_link
from simulator.clinic.journal import Journal
from simulator.language.scenario import Scenario, resolved
from twin.errors import InvariantError
from twin.events import (
    CaseArrived,
    CaseRejected,
    EpochReached,
    FeedbackReceived,
    StackPromoted,
    VerdictIssued,
)
from twin.log import in_order
from twin.stacks import Outage, StackVersion

DAY_MIN = 1440.0
BANK = looped_bank()
FEEDBACK = {"delay": "6 h", "verified": {"discharged": 0.3}}


def verdicts(twin: BankLink) -> list[VerdictIssued]:
    return [one for one in twin.answers.values() if isinstance(one, VerdictIssued)]


def entries(journal: Journal) -> dict[str, int]:
    return {f"r0-{key:06d}": int(n) for (_, key), n in facts(journal, "bank_entry").items()}


def told(scenario: Scenario, restacker: FakeRestacker | None = None) -> tuple[Journal, BankLink]:
    twin = link(scenario, BANK, restacker)
    return run(scenario, BANK, twin), twin


def test_a_verdict_is_the_bank_s_score_where_nothing_changes() -> None:
    shift = {"at": "2 d", "image": {"colour_cast": 4}}
    scenario = looped(feedback=FEEDBACK, shifts=[shift])
    journal, twin = told(scenario)
    of = entries(journal)
    cases = {one.case_id: one for one in journal.events if isinstance(one, CaseArrived)}
    ways: Counter[object] = Counter()
    for one in verdicts(twin):
        way = CAST if one.at_min >= 2 * DAY_MIN else AS_THEY_COME
        scores, place = BANK.scores[way], of[one.case_id]
        assert one.p_malignant == scores.p_malignant[place]
        assert one.malignant == (one.p_malignant >= 0.5)
        assert list(one.log_odds.items()) == list(
            zip(SIX, scores.log_odds[place].tolist(), strict=True)
        )
        assert one.sketch == tuple(scores.sketch[place])
        assert (one.missing, one.model_id, one.stack) == ((), BANK.model_id, 0)
        assert BANK.scorer is not None
        assert cases[one.case_id].image == reference_of(BANK.scorer.images[place], way)
        ways[way] += 1
    assert min(ways.values()) > 300


def test_the_journal_has_what_was_answered() -> None:
    journal, twin = told(looped(feedback=FEEDBACK))
    p, flagged = facts(journal, "p_malignant"), facts(journal, "flagged")
    for one in verdicts(twin):
        who = ("patient", int(one.case_id[3:]))
        assert (p[who], flagged[who]) == (one.p_malignant, one.malignant)
    assert set(facts(journal, "stack").values()) == {0}
    assert set(facts(journal, "missing").values()) == {-1}


def test_in_an_outage_verdicts_are_of_those_who_remain() -> None:
    faults = [
        {"at": "1 d", "for": "12 h", "component": "svm"},
        {"at": "30 h", "for": "1 d", "component": "knn"},
    ]
    journal, twin = told(looped(faults=faults))
    missing, of = facts(journal, "missing"), entries(journal)
    seen: Counter[tuple[str, ...]] = Counter()
    for one in verdicts(twin):
        out = [
            *(["svm"] if DAY_MIN <= one.at_min < 1.5 * DAY_MIN else []),
            *(["knn"] if 1.25 * DAY_MIN <= one.at_min < 2.25 * DAY_MIN else []),
        ]
        assert list(one.missing) == out
        assert set(one.log_odds) == set(SIX) - set(out)
        rest = tuple(name for name in SIX if name not in out)
        weights = meta().stacks[rest]
        scores = BANK.scores[AS_THEY_COME].log_odds[of[one.case_id]]
        by_name = dict(zip(SIX, scores.tolist(), strict=True))
        assert one.p_malignant == weights.p_malignant(by_name)
        assert missing["patient", int(one.case_id[3:])] == ("+".join(out) or -1)
        seen[one.missing] += 1
    assert set(seen) == {(), ("svm",), ("svm", "knn"), ("knn",)}


def test_a_promoted_stack_answers_those_who_arrive_from_then_on() -> None:
    scenario = looped(feedback=FEEDBACK, restack={"every": "1 d"})
    journal, twin = told(scenario, FakeRestacker({1: 0.3, 3: 0.8}))
    thresholds = {0: 0.5, 1: 0.3, 2: 0.8}
    stack = facts(journal, "stack")
    for one in verdicts(twin):
        version = int(one.at_min >= DAY_MIN) + int(one.at_min >= 3 * DAY_MIN)
        assert (one.stack, one.threshold) == (version, thresholds[version])
        assert one.malignant == (one.p_malignant >= thresholds[version])
        assert stack["patient", int(one.case_id[3:])] == version
    promoted = [one for one in journal.stack_events if isinstance(one, StackPromoted)]
    assert [(one.epoch, one.version) for one in promoted] == [(0, 0), (1, 1), (3, 2)]


def test_other_weights_are_used_with_the_sketch() -> None:
    """A stack that weighs columns of the sketch answers by them."""

    class Passing(FakeRestacker):
        def _promoted(self, *given: object) -> StackPromoted:
            event = super()._promoted(*given)
            if event.epoch == 0:
                return event
            stacks = {joined: [*row, 0.0, 3.0] for joined, row in event.stacks.items()}
            return replace(event, inputs=("input.0", "input.1"), stacks=stacks)

    scenario = looped(feedback=FEEDBACK, restack={"every": "1 d"})
    journal, twin = told(scenario, Passing({1: 0.5}))
    of = entries(journal)
    later = [one for one in verdicts(twin) if one.stack == 1]
    assert len(later) > 300
    for one in later:
        scores, place = BANK.scores[AS_THEY_COME], of[one.case_id]
        weights = meta().stacks[SIX]
        total = weights.intercept + 3.0 * scores.sketch[place, 1]
        total += scores.log_odds[place] @ [weights.weights[name] for name in SIX]
        assert one.p_malignant == pytest.approx(1 / (1 + np.exp(-total)), abs=2e-6)


def test_the_restacker_hears_everything_that_came_before_an_epoch() -> None:
    scenario = looped(feedback=FEEDBACK, restack={"every": "1 d"})
    restacker = FakeRestacker()
    journal, twin = told(scenario, restacker)
    heard = {id(event) for event in restacker.noted}
    assert all(id(event) in heard for event in twin.answers.values())
    labels = [one for one in journal.events if isinstance(one, FeedbackReceived)]
    assert labels
    assert all(id(one) in heard for one in labels)
    for epoch in (one for one in journal.events if isinstance(one, EpochReached)):
        before = restacker.noted[: restacker.before[epoch.epoch]]
        arrived = [one for one in before if isinstance(one, CaseArrived)]
        answered = [one for one in before if isinstance(one, VerdictIssued)]
        assert len(arrived) == len(answered) == epoch.cases
        assert sum(isinstance(one, FeedbackReceived) for one in before) == epoch.feedback


def test_images_that_could_not_be_scored_are_rejected() -> None:
    bank = looped_bank(faults={3: "image blob:3: truncated", 8: "image blob:8: truncated"})
    scenario = looped(feedback=FEEDBACK)
    twin = link(scenario, bank)
    journal = run(scenario, bank, twin)
    of, rejected = entries(journal), facts(journal, "rejected")
    for case_id, answer in twin.answers.items():
        fault = {3: "image blob:3: truncated", 8: "image blob:8: truncated"}.get(of[case_id])
        assert isinstance(answer, CaseRejected) == (fault is not None)
        assert rejected["patient", int(case_id[3:])] == (fault or -1)
    assert any(isinstance(answer, CaseRejected) for answer in twin.answers.values())


def test_classes_have_case_ids_of_their_own() -> None:
    classes = [{"id": "urgent", "share": 0.3}, {"id": "routine", "share": 0.7}]
    journal, twin = told(looped(feedback=FEEDBACK, classes=classes))
    assert len(twin.answers) == journal.arrived
    assert {name.split("-")[1] for name in twin.answers} == {"urgent", "routine"}
    labels = [one for one in journal.events if isinstance(one, FeedbackReceived)]
    assert len({one.feedback_id for one in labels}) == len(labels) > 100


def test_what_is_not_known_is_our_own_fault() -> None:
    scenario = looped(feedback=FEEDBACK)
    twin = link(scenario, BANK)
    with pytest.raises(InvariantError, match="never submitted"):
        twin.answer("r0-000001")
    assert twin.poll("r0-000001") is None
    epoch = EpochReached(at_min=1.0, epoch=1, cases=0, feedback=0)
    with pytest.raises(InvariantError, match="without re-stacking or drift"):
        twin.epoch(epoch)

    class Waiting(FakeRestacker):
        def ready(self) -> None:
            return None

    with pytest.raises(InvariantError, match="events are missing"):
        link(scenario, BANK, Waiting()).epoch(epoch)


def test_a_bank_without_a_loop_is_told_nothing() -> None:
    journal = run(looped(), BANK)
    assert journal.events == []
    assert "stack" not in journal.patients.columns


def test_the_log_is_that_of_a_twin_in_the_loop() -> None:
    scenario = looped(feedback=FEEDBACK, restack={"every": "1 d"})
    journal, twin = told(scenario, FakeRestacker({2: 0.4}))
    kinds = Counter(type(event).__name__ for event in in_order(twin.log(journal)))
    assert kinds["CaseArrived"] == kinds["CaseClosed"] == kinds["VerdictIssued"] == journal.arrived
    assert kinds["EpochReached"] == 4
    assert kinds["StackPromoted"] == 2
    assert kinds["StackRejected"] == 3
    by_case = defaultdict(list)
    for event in in_order(twin.log(journal)):
        by_case[getattr(event, "case_id", "")].append(type(event).__name__)
    assert all(
        kinds[:2] == ["CaseArrived", "VerdictIssued"] for name, kinds in by_case.items() if name
    )


def piece(replication: int = 0) -> Piece:
    scenario = looped(
        horizon="8 d",
        feedback={"delay": "6 h", "verified": {"discharged": 0.3}},
        restack={"every": "2 d"},
        faults=[{"at": "1 d", "for": "12 h", "component": "svm"}],
        shifts=[{"at": "4 d", "image": {"colour_cast": 4}}],
    )
    text = resolved(scenario)
    return Piece(scenario=text, replication=replication, warmup_min=0.0, bank=BANK)


def test_a_piece_of_work_has_one_digest_however_often_it_is_done() -> None:
    """With the re-stacker itself."""
    one, again, other = do(piece()), do(piece()), do(piece(1))
    assert one.result is not None
    assert again.result == one.result
    assert other.result is not None
    assert other.result["digest"] != one.result["digest"]


def test_the_restacker_of_a_scenario_decides_at_every_epoch() -> None:
    scenario = looped(feedback=FEEDBACK, restack={"every": "1 d"}, decision={"threshold": 0.4})
    twin = bank_link(scenario, BANK)
    journal = run(scenario, BANK, twin)
    first, *rest = journal.stack_events
    assert isinstance(first, StackPromoted)
    assert (first.epoch, first.version, first.threshold) == (0, 0, 0.4)
    assert [one.epoch for one in rest] == [1, 2, 3, 4]
    assert {one.threshold for one in verdicts(twin) if one.stack == 0} == {0.4}


def test_a_base_is_what_the_link_is_given() -> None:
    base = StackVersion(number=0, meta=meta(), threshold=0.9)
    scenario = looped(feedback=FEEDBACK)
    twin = BankLink(BANK, base, [Outage(component="svm", from_min=0.0, to_min=1e9)])
    run(scenario, BANK, twin)
    assert {one.threshold for one in verdicts(twin)} == {0.9}
    assert {one.missing for one in verdicts(twin)} == {("svm",)}
