"""The explainer in this process; on Ray it is in test_system.py."""

import pickle

import numpy as np
import pytest
from tiny_model import patients, tiny_model, tiny_parts

import actors.local
from actors.hosts import EXPLAINER, ExplainerHost
from actors.local import LocalStack
from twin.errors import InvariantError
from twin.explain.contributions import contributions
from twin.explain.explanation import Explanation
from twin.images import BlobRef
from twin.model import meta_of, surrogate_of
from twin.ports import Unscorable

METHODS = ("grad-cam", "occlusion")


def images(count=2):
    return [patient.image for patient in patients(count, seed=8)]


def host() -> ExplainerHost:
    parts = tiny_parts()
    return ExplainerHost(EXPLAINER, parts.model_id, parts.explained, tuple(parts.learners), None)


@pytest.fixture(scope="module")
def stack():
    stack = LocalStack(tiny_parts(), None)
    yield stack
    stack.close()


def test_every_image_gets_its_maps_or_its_fault_in_order(stack: LocalStack) -> None:
    refs = images()
    found = stack.explain([refs[0], BlobRef(sha256="0" * 64), refs[1]], METHODS)
    assert [type(one) for one in found] == [Explanation, Unscorable, Explanation]
    assert "blob:000000000000" in found[1].reason
    for one in (found[0], found[2]):
        assert [each.method for each in one.maps] == list(METHODS)
        assert all(each.values.shape == (224, 224) for each in one.maps)
        assert all(each.model_id == tiny_model().model_id for each in one.maps)
        assert one.checks == {}
    (alone,) = stack.explain([refs[1]], METHODS)
    assert np.array_equal(alone.maps[0].values, found[2].maps[0].values)


def test_maps_explain_the_stack_that_answered(stack: LocalStack) -> None:
    meta, absent = meta_of(tiny_model().files), frozenset({"svm"})
    ref = images(1)
    for out in (frozenset(), absent):
        (opinion,) = stack.submit(ref, None, out).collect()
        (found,) = stack.explain(ref, (), None, out)
        expected = contributions(opinion.log_odds, meta).log_odds
        assert found.log_odds == pytest.approx(expected, abs=1e-9)


def test_maps_carry_the_fidelity_to_the_stack_that_they_explain(stack: LocalStack) -> None:
    def fidelity(**more) -> dict[str, float | None]:
        (found,) = stack.explain(images(1), METHODS, **more)
        return {one.method: one.fidelity for one in found.maps}

    measured = tiny_model().content["surrogate"]["rank_correlation"]
    assert fidelity() == {"grad-cam": measured, "occlusion": 1.0}
    meta = meta_of(tiny_model().files)
    assert fidelity(meta=meta) == fidelity()
    heavy = max(meta.weights_for(meta.learners).weights.items(), key=lambda pair: pair[1])[0]
    without = surrogate_of(tiny_model().files).fidelity(
        meta.weights_for(name for name in meta.learners if name != heavy)
    )
    found = fidelity(absent=frozenset({heavy}))
    assert found == {"grad-cam": without.rank_correlation, "occlusion": 1.0}
    assert without.rank_correlation != measured


def test_checks_come_when_asked_for(stack: LocalStack) -> None:
    (found,) = stack.explain(images(1), ("saliency",), checked=True)
    check = found.checks["saliency"]
    assert check.deletion[0] == check.insertion[-1] == found.log_odds
    assert len(check.random_deletion) == len(check.random_insertion) > 1


def test_an_explainer_is_loaded_by_the_first_who_asks(monkeypatch) -> None:
    built: list[str] = []

    class Counted(ExplainerHost):
        def __init__(self, name, *more) -> None:
            built.append(name)
            super().__init__(name, *more)

    monkeypatch.setattr(actors.local, "ExplainerHost", Counted)
    stack = LocalStack(tiny_parts(), None)
    try:
        stack.submit(images(1)).collect()
        assert built == []
        assert stack.explain([], ()) == []
        assert stack.explain([], ()) == []
        assert built == [EXPLAINER]
    finally:
        stack.close()


def test_an_unknown_explainer_is_our_fault(stack: LocalStack) -> None:
    with pytest.raises(InvariantError, match="no explainer tarot; there are"):
        stack.explain(images(1), ["tarot"])


def test_the_host_keeps_the_contract_of_components() -> None:
    one, again = host(), host()
    assert one.handle([], METHODS) == []
    batch = images(1)
    before = pickle.dumps(batch)
    answers = [each.handle(batch, METHODS)[0] for each in (one, again)]
    assert pickle.dumps(batch) == before
    assert np.array_equal(answers[0].maps[0].values, answers[1].maps[0].values)
    facts = one.describe()
    assert (facts.name, facts.model_id) == (EXPLAINER, tiny_parts().model_id)
    assert (facts.work.batches, facts.work.items) == (2, 1)
    assert facts.work.busy_s > 0
    assert facts.work.last_output.startswith("1 explanation with ")
    assert pickle.loads(pickle.dumps(answers[0])).log_odds == answers[0].log_odds  # noqa: S301
