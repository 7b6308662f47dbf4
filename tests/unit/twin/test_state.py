from hypothesis import given
from hypothesis import strategies as st
from samples import arrived, closed, rejected, verdict

from twin.events import ComponentChanged, Event
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
