"""One suite of contract checks over every component (twin/component.py)."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tiny_model import patients, tiny_parts

from actors.hosts import LearnerHost, MetaHost, StemAnswer, StemHost
from twin.component import Component
from twin.images import BlobRef
from twin.learners.registry import LEARNERS


class AnyWords(str):
    """Equals all that begins so."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(str(self))


NAMES = ["stem", *LEARNERS, "meta"]


LEARNER_WORDS = (AnyWords("3 rows × 822 features"), AnyWords("3 log-odds, last "))
WORDS = {
    "stem": (AnyWords("3 images, last synthetic:"), AnyWords("3 rows × 822 features")),
    "meta": (AnyWords("3 rows × 6 columns"), AnyWords("3 probabilities, last 0.")),
}


def host(name: str) -> Component[Any, Any]:
    parts = tiny_parts()
    if name == "stem":
        return StemHost(name, parts.model_id, parts.stem, None)
    if name == "meta":
        return MetaHost(name, parts.model_id, parts.meta)
    return LearnerHost(name, parts.model_id, parts.learners[name])


@pytest.fixture(scope="module")
def hosts() -> dict[str, Component[Any, Any]]:
    return {name: host(name) for name in NAMES}


@pytest.fixture(scope="module")
def seen(hosts: dict[str, Component[Any, Any]]) -> StemAnswer:
    answer: StemAnswer = hosts["stem"].handle([patient.image for patient in patients(9, seed=8)])
    return answer


def batch_of(name: str, seen: StemAnswer, rows: slice) -> Any:
    if name == "stem":
        return [patient.image for patient in patients(9, seed=8)][rows]
    if name == "meta":
        columns = {learner: seen.features[rows, place] for place, learner in enumerate(LEARNERS)}
        return {learner: column.astype(np.float64) for learner, column in columns.items()}
    return StemAnswer(seen.features[rows], {}, seen.sketch[rows])


def values(answer: Any) -> np.ndarray[Any, Any]:
    return answer.features if isinstance(answer, StemAnswer) else answer


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_an_answer_does_not_depend_on_the_batch(self, name, hosts, seen) -> None:
        whole = values(hosts[name].handle(batch_of(name, seen, slice(0, 9))))
        for cut in (1, 4):
            parts = [
                values(hosts[name].handle(batch_of(name, seen, rows)))
                for rows in (slice(0, cut), slice(cut, 9))
            ]
            assert np.array_equal(np.concatenate(parts), whole)

    def test_a_host_built_again_from_the_artefact_answers_the_same(self, name, hosts, seen) -> None:
        batch = batch_of(name, seen, slice(0, 3))
        assert np.array_equal(values(host(name).handle(batch)), values(hosts[name].handle(batch)))

    def test_handling_leaves_its_input_as_it_was(self, name, hosts, seen) -> None:
        batch = batch_of(name, seen, slice(0, 3))
        before = pickle.dumps(batch)
        hosts[name].handle(batch)
        assert pickle.dumps(batch) == before

    def test_an_empty_batch_gets_an_empty_answer(self, name, hosts, seen) -> None:
        assert len(values(hosts[name].handle(batch_of(name, seen, slice(0, 0))))) == 0

    def test_it_counts_what_it_did(self, name, hosts, seen) -> None:
        before = hosts[name].describe()
        hosts[name].handle(batch_of(name, seen, slice(0, 3)))
        after = hosts[name].describe()
        assert (after.name, after.model_id) == (name, tiny_parts().model_id)
        done, had = after.work, before.work
        assert (done.batches - had.batches, done.items - had.items, done.errors) == (1, 3, 0)
        assert done.busy_s > had.busy_s
        assert 0 < done.latency_ms_p50 <= done.latency_ms_max
        assert after.rss_mb > 10
        assert (done.last_input, done.last_output) == WORDS.get(name, LEARNER_WORDS)


def test_an_unreadable_image_is_told_in_its_place_and_the_others_are_scored(hosts) -> None:
    refs = [patient.image for patient in patients(2, seed=8)]
    answer = hosts["stem"].handle([refs[0], BlobRef(sha256="0" * 64), refs[1]])
    assert list(answer.faults) == [1]
    assert "blob:000000000000" in answer.faults[1]
    assert hosts["stem"].describe().work.errors == 1
    assert hosts["stem"].describe().work.last_output.startswith("2 rows")
    assert np.array_equal(answer.features, hosts["stem"].handle(refs).features)


def test_a_batch_that_raises_is_counted_as_an_error() -> None:
    one = host("knn")
    with pytest.raises(ValueError, match=r"dimension|shape|mismatch|operands|broadcast"):
        one.handle(StemAnswer(np.zeros((2, 3), np.float32), {}, np.zeros((2, 1))))
    work = one.describe().work
    assert (work.batches, work.items, work.errors) == (1, 0, 1)
    assert work.last_input == "2 rows × 3 features"
    assert work.error_share == 1.0


@pytest.fixture
def scores(hosts, seen) -> Callable[..., Any]:
    def of(*learners: str) -> Any:
        return {name: hosts[name].handle(seen) for name in learners}

    return of


def test_the_meta_learner_answers_without_some_learners(hosts, scores) -> None:
    every = hosts["meta"].handle(scores(*LEARNERS))
    fewer = hosts["meta"].handle(scores("svm", "knn"))
    assert every.shape == fewer.shape == (9,)
    assert not np.array_equal(every, fewer)
