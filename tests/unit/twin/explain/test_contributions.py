import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import patients, tiny_model, tiny_parts

from actors.local import LocalStack
from twin.errors import DependencyError, InvariantError
from twin.explain.contributions import contributions
from twin.explain.stack_score import StackScore
from twin.imaging import Imaging
from twin.meta import INPUT, MetaStack, MetaWeights
from twin.model import learner_of, meta_of, sketch_of, stem_of
from twin.ports import Opinion

NAMES = ("svm", "knn")


def stack(intercept=-0.25, weights=(0.5, 0.75), lone=1.5, inputs=()) -> MetaStack:
    whole = dict(zip((*NAMES, *inputs), (*weights, *(0.125 for _ in inputs)), strict=True))
    stacks = {
        NAMES: MetaWeights(intercept=intercept, weights=whole),
        ("svm",): MetaWeights(intercept=0.1, weights={"svm": lone}),
        ("knn",): MetaWeights(intercept=0.2, weights={"knn": lone}),
    }
    return MetaStack(learners=NAMES, penalty=0.01, stacks=stacks, inputs=tuple(inputs))


votes = st.floats(-8, 8).map(lambda value: round(value, 6))


@given(votes, votes, st.floats(-3, 3), st.floats(-2, 2), st.floats(-2, 2))
def test_they_sum_to_the_stacks_log_odds_and_give_its_probability(
    svm, knn, intercept, first, second
):
    meta = stack(intercept, (first, second))
    found = contributions({"svm": svm, "knn": knn}, meta)
    exact = math.fsum([intercept, first * svm, second * knn])
    assert found.log_odds == pytest.approx(exact, abs=1e-6)
    columns = {"svm": np.array([svm]), "knn": np.array([knn])}
    assert found.p_malignant == meta.probability(columns)[0]


def test_without_a_learner_the_stack_for_the_others_is_told() -> None:
    found = contributions({"svm": 2.0}, stack())
    assert [(one.name, one.weight, one.nats) for one in found.parts] == [("svm", 1.5, 3.0)]
    assert (found.intercept, found.missing) == (0.1, ("knn",))


def test_columns_of_the_sketch_are_told_where_the_stack_weighs_them() -> None:
    meta = stack(inputs=(f"{INPUT}0", f"{INPUT}1"))
    found = contributions({"svm": 1.0, "knn": 1.0}, meta, (4.0, -8.0))
    assert [one.nats for one in found.parts] == [0.5, 0.75, 0.5, -1.0]
    assert found.log_odds == -0.25 + 0.75


def test_nobody_and_strangers_have_no_contributions() -> None:
    with pytest.raises(DependencyError):
        contributions({}, stack())
    with pytest.raises(InvariantError, match="forest"):
        contributions({"forest": 1.0}, stack())


@pytest.fixture(scope="module")
def opinions():
    local = LocalStack(tiny_parts(), None)
    refs = [patient.image for patient in patients(3, seed=8)]
    yield (
        refs,
        {
            absent: local.submit(refs, None, absent).collect()
            for absent in (frozenset(), frozenset({"svm", "xgboost"}))
        },
    )
    local.close()


def test_a_verdicts_probability_comes_out_of_its_contributions(opinions) -> None:
    meta = meta_of(tiny_model().files)
    for absent, answers in opinions[1].items():
        for answer in answers:
            assert isinstance(answer, Opinion)
            found = contributions(answer.log_odds, meta, answer.sketch)
            assert found.p_malignant == answer.p_malignant
            assert set(found.missing) == absent


def test_the_stack_as_a_function_of_pixels_is_the_serving_path(opinions) -> None:
    files = tiny_model().files
    refs, answers = opinions
    pixels = np.stack([Imaging().pixels(ref) for ref in refs])
    learners = {name: learner_of(files, name) for name in tiny_model().learners}
    stem, sketch, meta = stem_of(files), sketch_of(files), meta_of(files)
    for absent, told in answers.items():
        there = {name: one for name, one in learners.items() if name not in absent}
        found = StackScore(stem, sketch, there, meta)(pixels)
        expected = [contributions(one.log_odds, meta).log_odds for one in told]
        assert found == pytest.approx(expected, abs=1e-9)


def test_a_stack_that_weighs_the_sketch_is_asked_with_it(opinions) -> None:
    files = tiny_model().files
    refs, answers = opinions
    pixels = np.stack([Imaging().pixels(ref) for ref in refs])
    meta = stack(inputs=(f"{INPUT}0", f"{INPUT}3"))
    learners = {name: learner_of(files, name) for name in NAMES}
    found = StackScore(stem_of(files), sketch_of(files), learners, meta)(pixels)
    for value, answer in zip(found, answers[frozenset()], strict=True):
        votes = {name: answer.log_odds[name] for name in NAMES}
        assert value == pytest.approx(contributions(votes, meta, answer.sketch).log_odds)
