import pytest
from samples import FakeStack, arrived

from twin.errors import InvariantError
from twin.events import StackPromoted
from twin.meta import MetaStack, MetaWeights
from twin.pipeline import Pipeline
from twin.stacks import Outage, StackBook, StackVersion, digest_of, plain, version_of


def promoted(version: int, at_min: float, **changes) -> StackPromoted:
    facts = {
        "at_min": at_min,
        "epoch": version,
        "version": version,
        "parent": version - 1,
        "how": "restack",
        "model_id": "m" * 12,
        "threshold": 0.4,
        "penalty": 0.01,
        "inputs": ("input.0",),
        "stacks": {"svm+knn": [0.5, 1.0, 2.0, 3.0], "svm": [0.1, 1.5, 2.5]},
        "digest": "d",
        "window_from_min": 0.0,
        "labels": 10,
        "malignant": 5,
        "reason": "better",
    }
    return StackPromoted(**{**facts, **changes})


def book(*events: StackPromoted) -> StackBook:
    meta = MetaStack(
        learners=("svm",), penalty=0.1, stacks={("svm",): MetaWeights(intercept=0, weights={})}
    )
    found = StackBook(StackVersion(number=0, meta=meta, threshold=0.5))
    for event in events:
        found.add(event)
    return found


def test_a_case_is_answered_by_the_last_stack_promoted_before_it_or_as_it_came():
    stacks = book(promoted(1, 10.0), promoted(2, 20.0))
    assert [stacks.at(at_min).number for at_min in (0, 9.9, 10, 19.9, 20, 99)] == [0, 0, 1, 1, 2, 2]


def test_a_promotion_is_taken_over_once_and_none_is_skipped():
    stacks = book(promoted(1, 10.0))
    assert not stacks.add(promoted(1, 10.0))
    with pytest.raises(InvariantError, match="stack 3 follows stack 1"):
        stacks.add(promoted(3, 30.0))


def test_weights_come_out_of_an_event_as_they_went_in():
    event = promoted(1, 10.0)
    version = version_of(event)
    assert plain(version.meta) == event.stacks
    assert version.meta.learners == ("svm", "knn")
    weights = version.meta.weights_for(["svm", "knn"])
    assert dict(weights.weights) == {"svm": 1.0, "knn": 2.0, "input.0": 3.0}


def test_the_pipeline_splits_a_batch_by_stack_and_by_learners_that_are_out():
    stack = FakeStack()
    outage = Outage(component="knn", from_min=12.0, to_min=15.0)
    pipeline = Pipeline(stack, None, book(promoted(1, 10.0)), [outage])
    answers = pipeline.handle([arrived(str(n), at_min=float(n)) for n in (8, 9, 11, 12, 14, 15)])
    assert stack.batches == [2, 1, 2, 1]
    assert [meta is None for meta, _ in stack.asked] == [True, False, False, False]
    absent = [sorted(out) for _, out in stack.asked]
    assert absent == [[], [], ["knn"], []]
    assert [(one.stack, one.threshold) for one in answers] == [(0, 0.5)] * 2 + [(1, 0.4)] * 4


def test_the_digest_covers_all_that_an_answer_follows_from():
    held = {"svm": [0.0, 1.0, 3.0]}
    one = digest_of(0.5, 0.01, held, ("input.0",))
    others = (
        digest_of(0.4, 0.01, held, ("input.0",)),
        digest_of(0.5, 0.02, held, ("input.0",)),
        digest_of(0.5, 0.01, {"svm": [0.0, 1.0, 2.0]}, ("input.0",)),
        digest_of(0.5, 0.01, {"knn": [0.0, 1.0, 3.0]}, ("input.0",)),
        digest_of(0.5, 0.01, held, ("input.1",)),
    )
    assert len({one, *others}) == 6
    assert one == digest_of(0.5, 0.01, {"svm": (0.0, 1.0, 3.0)}, ["input.0"])
