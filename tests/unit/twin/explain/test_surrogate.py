from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from twin.errors import ArtefactError
from twin.explain.fidelity import HeldOut, fidelity_of
from twin.explain.fitting import Block, fit_measured, fit_surrogate
from twin.explain.surrogate import load_surrogate
from twin.meta import MetaWeights

COUNT, WIDTH = 300, 12
ALL = Block(name="symmetric", width=WIDTH)


@dataclass
class Curve:
    """A learner with a smooth answer."""

    slope: float

    def score(self, x):
        return np.tanh(self.slope * x[:, 0]) + x[:, 1].astype(np.float64)

    def to_bytes(self):
        return b""


@dataclass
class Memory(Curve):
    """Knows the rows it has seen by heart, and is far surer there."""

    known: np.ndarray

    def score(self, x):
        seen = (x[:, None] == self.known).all(axis=2).any(axis=1)
        return np.where(seen, 8.0, super().score(x))


@dataclass
class Late(Curve):
    """Looks at the second half of its features."""

    def score(self, x):
        return super().score(x[:, WIDTH:])


def rows(seed=0, count=COUNT):
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)


LEARNERS = {"svm": Curve(1.0), "knn": Curve(-0.5)}


def said(x, learners=LEARNERS):
    return np.stack([one.score(x) for one in learners.values()], axis=1)


def test_unseen_rows_get_what_the_learners_say():
    surrogate = fit_surrogate(rows(), said(rows()), LEARNERS, block=ALL, seed=0)
    other = rows(9)
    found, true = surrogate.log_odds(other), said(other)
    for column in range(2):
        assert fidelity_of(found[:, column], true[:, column]).rank_correlation > 0.97
    assert surrogate.learners == ("svm", "knn")
    assert surrogate.fidelity(MetaWeights(intercept=0.0, weights={"svm": 1.0})) is None


def test_answers_on_rows_that_learners_know_by_heart_are_not_learned():
    x = rows()
    learners = {name: Memory(one.slope, x) for name, one in LEARNERS.items()}
    surrogate = fit_surrogate(x, said(x), learners, block=ALL, seed=0)
    assert fidelity_of(surrogate.log_odds(rows(9))[:, 0], said(rows(9))[:, 0]).r2 > 0.8


def test_a_surrogate_can_see_a_part_of_what_learners_see():
    x = np.concatenate([rows(5), rows()], axis=1)  # the first half tells nothing
    learners = {"svm": Late(1.0)}
    block = Block(name="symmetric", first=WIDTH, width=WIDTH)
    surrogate = fit_surrogate(x, said(x, learners), learners, block=block, seed=0)
    assert (surrogate.features, surrogate.first) == ("symmetric", WIDTH)
    other = np.concatenate([rows(8), rows(9)], axis=1)
    found, true = surrogate.log_odds(other)[:, 0], said(other, learners)[:, 0]
    assert fidelity_of(found, true).rank_correlation > 0.97
    other[:, :WIDTH] = 0
    assert np.array_equal(surrogate.log_odds(other)[:, 0], found)


def test_the_seed_fixes_the_surrogate():
    one, same, other = (
        fit_surrogate(rows(), said(rows()), LEARNERS, block=ALL, seed=seed).to_bytes()
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_a_weighted_sum_is_that_of_the_learners():
    surrogate = fit_surrogate(rows(), said(rows()), LEARNERS, block=ALL, seed=0)
    dual, constant = surrogate.combined({"knn": 2.0, "input.0": 5.0})
    single = replace(surrogate, learners=("sum",), dual=dual[:, None], mean=np.array([constant]))
    x = rows(3, 5)
    assert single.log_odds(x)[:, 0] == pytest.approx(2 * surrogate.log_odds(x)[:, 1], abs=1e-9)


def test_fidelity_is_measured_on_rows_that_were_held_out():
    x = rows()
    seen, unseen = np.arange(0, 200), np.arange(200, COUNT)
    first = {"svm": Curve(1.0), "knn": Curve(-0.5)}
    sketch = np.random.default_rng(4).normal(size=(COUNT, 2))
    z = said(x)
    with ThreadPoolExecutor(1) as pool:

        def measured(z):
            return fit_measured(
                x,
                z,
                sketch,
                learners=LEARNERS,
                first=first,
                block=ALL,
                split=(seen, unseen),
                seed=0,
                pool=pool,
            )

        good = measured(z)
        # Rows that nobody fitted to turn round: only a comparison on them notices.
        turned = z.copy()
        turned[unseen, 0] *= -1
        bad = measured(turned)
    svm, knn = (MetaWeights(intercept=0.5, weights={name: 1.0}) for name in LEARNERS)
    assert good.fidelity(svm).images == len(unseen)
    assert good.fidelity(svm).rank_correlation > 0.95
    assert bad.fidelity(svm).rank_correlation < -0.95
    assert bad.fidelity(knn) == good.fidelity(knn)
    # The sketch is the same on both sides, so that the more it weighs, the more they agree.
    weighed = MetaWeights(intercept=0.5, weights={"svm": 1.0, "input.1": 5.0})
    assert good.fidelity(svm).r2 < good.fidelity(weighed).r2 < 1
    assert bad.fidelity(svm).r2 < 0 < bad.fidelity(weighed).r2


def test_bytes_bring_the_same_surrogate_back():
    surrogate = replace(
        fit_surrogate(rows(), said(rows()), LEARNERS, block=ALL, seed=0),
        held_out=HeldOut(surrogate=said(rows(1, 9)), learners=said(rows(2, 9)), sketch=rows(3, 9)),
    )
    back = load_surrogate(surrogate.to_bytes())
    assert back.to_bytes() == surrogate.to_bytes()
    stack = MetaWeights(intercept=0.0, weights={"svm": 1.0, "knn": 0.3, "input.0": 0.1})
    assert back.fidelity(stack) == surrogate.fidelity(stack)
    assert back.learners == surrogate.learners
    x = rows(3, 5)
    assert back.log_odds(x) == pytest.approx(surrogate.log_odds(x), abs=1e-5)


def test_other_files_are_refused():
    with pytest.raises(ArtefactError, match=r"surrogate\.npz"):
        load_surrogate(b"no arrays")
