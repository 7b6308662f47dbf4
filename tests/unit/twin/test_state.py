from hypothesis import given
from hypothesis import strategies as st
from samples import arrived, closed, rejected, verdict

from twin.events import (
    ComponentChanged,
    DriftReported,
    EpochReached,
    Event,
    FeedbackReceived,
    StackOrdered,
    StackRejected,
)
from twin.labels import REASONS
from twin.lifecycle import CaseStage
from twin.state import Record, TwinState, fingerprint, fold

CASES: list[Event | None] = [arrived("a"), None, arrived("b"), closed("a"), closed("b")]
VERDICTS: list[Event | None] = [verdict("a"), rejected("b"), verdict("a")]


def records(topic: str, events: list[Event | None]) -> list[Record]:
    return [Record(topic, 0, offset, event) for offset, event in enumerate(events)]


def test_a_case_grows_from_arrived_to_answered_to_closed() -> None:
    state = TwinState()
    stages = []
    for offset, event in enumerate([arrived(), verdict(), closed()]):
        state.apply(Record("t", 0, offset, event))
        stages.append(state.cases["c1"].stage)
    assert stages == [CaseStage.ARRIVED, CaseStage.ANSWERED, CaseStage.CLOSED]
    assert state.cases["c1"].revision == 3


@given(st.permutations([0] * len(CASES) + [1] * len(VERDICTS)))
def test_any_interleaving_of_topics_gives_the_same_state(turns: list[int]) -> None:
    queues = [records("cases", CASES), records("verdicts", VERDICTS)]
    mixed = [queues[turn].pop(0) for turn in turns]
    assert fingerprint(fold(mixed)) == fingerprint(
        fold([*records("cases", CASES), *records("verdicts", VERDICTS)])
    )


@given(st.integers(0, len(CASES)))
def test_records_that_come_again_change_nothing(seen: int) -> None:
    once = fold(records("cases", CASES))
    again = fold([*records("cases", CASES)[:seen], *records("cases", CASES)])
    assert again == once


def test_a_repeated_verdict_is_counted_and_the_first_one_stands() -> None:
    first, other = verdict(p_malignant=0.7), verdict(p_malignant=0.2)
    state = fold(records("verdicts", [first, first, other]))
    assert state.cases["c1"].answer == first
    assert (state.counts["verdicts"], state.counts["duplicates"], state.counts["conflicts"]) == (
        1,
        1,
        1,
    )


def test_bytes_that_are_no_event_are_counted() -> None:
    assert fold(records("cases", CASES)).counts["invalid"] == 1


def test_the_latest_report_of_a_component_stands_and_is_not_in_the_fingerprint() -> None:
    def report(state: str) -> ComponentChanged:
        return ComponentChanged(
            component="knn", at_unix_s=1.0, state=state, restarts=0, model_id="m"
        )

    state = fold(records("components", [report("ready"), report("failed")]))
    assert state.components["knn"].state == "failed"
    assert fingerprint(state) == fingerprint(TwinState())


def message(feedback_id: str, label: str, at_min: float = 5.0, **more) -> FeedbackReceived:
    case_id = more.pop("case_id", "a")
    return FeedbackReceived(
        feedback_id=feedback_id, case_id=case_id, at_min=at_min, label=label, **more
    )


SAID: list[Event | None] = [
    message("f1", "malignant"),
    message("f2", "malignant", 6.0),
    message("f3", "benign", 7.0, revision=1),
    message("f4", "mole"),
    message("f5", "benign", 0.5),  # before the case arrived
    message("f6", "benign", case_id="b"),  # whose image could not be scored
    message("f7", "benign", case_id="nobody"),
    message("f1", "malignant"),  # the same message once more
]
APART = {
    "superseded": 2,
    "unknown class": 1,
    "before its verdict": 1,
    "case has no scores": 1,
    "unknown case": 1,
}


@given(st.permutations([0] * len(CASES) + [1] * len(VERDICTS) + [2] * len(SAID)))
def test_labels_are_counted_once_in_any_order(turns: list[int]) -> None:
    queues = [
        records(topic, events)
        for topic, events in (("cases", CASES), ("verdicts", VERDICTS), ("feedback", SAID))
    ]
    state = fold([queues[turn].pop(0) for turn in turns])
    apart = {reason: state.counts[f"apart.{reason}"] for reason in REASONS}
    assert {reason: count for reason, count in apart.items() if count} == APART
    assert (state.counts["labels"], state.counts["feedback"]) == (1, 7)
    assert state.counts["duplicates"] == 2  # a verdict and a message
    in_turn = [
        record
        for topic, events in (("feedback", SAID), ("verdicts", VERDICTS), ("cases", CASES))
        for record in records(topic, events)
    ]
    assert fingerprint(state) == fingerprint(fold(in_turn))
    assert len(state.of_record()) == 4 + 2 + 7


def test_a_thousand_duplicates_count_once() -> None:
    said = [message(f"f{number:04d}", "malignant") for number in range(1000)]
    events = [arrived("a"), verdict("a"), *said, *said]
    state = fold(records("t", events))
    assert (state.counts["labels"], state.counts["apart.duplicate"]) == (1, 999)
    assert (state.counts["feedback"], state.counts["duplicates"]) == (1000, 1000)


def test_stacks_drift_epochs_and_orders_are_kept_and_repetitions_counted() -> None:
    waits = StackRejected(
        at_min=9.0,
        epoch=1,
        version=0,
        verdict="waiting",
        how="",
        window_from_min=0.0,
        labels=3,
        malignant=0,
        reason="too few labels",
    )
    events: list[Event | None] = [
        EpochReached(at_min=9.0, epoch=1, cases=3, feedback=0),
        DriftReported(at_min=9.0, epoch=1, cases=3),
        waits,
        StackOrdered(order_id="o", at_min=10.0, version=0, by="me", reason="why"),
    ]
    state = fold(records("stacks", [*events, *events]))
    told = ("epochs", "drift", "stacks.waiting", "orders", "duplicates", "conflicts")
    assert [state.counts[name] for name in told] == [1, 1, 1, 1, 4, 0]
    assert state.of_record() == [events[0], waits, events[1], events[3]]
    assert state.in_force is None
    assert fingerprint(state) != fingerprint(fold(records("stacks", events[:3])))
