import pytest
from samples import FakeStack, FakeTicket, arrived

from twin.errors import DependencyError, InvariantError
from twin.events import CaseRejected, VerdictIssued
from twin.pipeline import Pipeline
from twin.ports import Answer


def test_each_case_gets_one_answer_in_order() -> None:
    answers = Pipeline(FakeStack()).handle(
        [arrived("7", 3.0), arrived("x", 4.0), arrived("2", 5.0)]
    )
    assert [answer.case_id for answer in answers] == ["7", "x", "2"]
    assert [type(answer) for answer in answers] == [VerdictIssued, CaseRejected, VerdictIssued]


def test_a_verdict_carries_the_event_time_of_its_case_and_what_is_missing() -> None:
    (answer,) = Pipeline(FakeStack()).handle([arrived("7", 3.0)])
    assert isinstance(answer, VerdictIssued)
    assert (answer.at_min, answer.p_malignant, answer.missing) == (3.0, 0.7, ("knn",))
    assert answer.model_id == FakeStack.model_id


@pytest.mark.parametrize(("threshold", "malignant"), [(None, True), (0.7, True), (0.71, False)])
def test_the_operating_point_decides(threshold: float | None, malignant: bool) -> None:
    (answer,) = Pipeline(FakeStack(), threshold).handle([arrived("7")])
    assert isinstance(answer, VerdictIssued)
    assert answer.malignant is malignant


def test_a_dependency_that_fails_is_told_and_the_same_cases_can_be_submitted_again() -> None:
    pipeline = Pipeline(FakeStack([DependencyError("gone")]))
    pending = pipeline.submit([arrived("7")])
    with pytest.raises(DependencyError):
        pipeline.collect(pending)
    assert len(pipeline.collect(pipeline.submit(pending.cases))) == 1


def test_an_answer_too_few_is_our_fault() -> None:
    class Forgetful(FakeTicket):
        def collect(self) -> list[Answer]:
            return super().collect()[1:]

    class ForgetfulStack(FakeStack):
        def submit(self, images, meta=None, absent=frozenset()):
            return Forgetful(list(images), [])

    with pytest.raises(InvariantError, match="1 answers to 2 cases"):
        Pipeline(ForgetfulStack()).handle([arrived("1"), arrived("2")])
