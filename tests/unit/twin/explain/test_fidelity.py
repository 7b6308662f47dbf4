import numpy as np
import pytest
from scipy.stats import spearmanr

from twin.errors import InvariantError
from twin.explain.fidelity import Fidelity, fidelity_of


def test_figures_are_spearmans_and_the_explained_variance():
    draws = np.random.default_rng(0)
    stack = draws.normal(size=200).round(1)  # with ties
    surrogate = stack + draws.normal(scale=0.5, size=200).round(1)
    found = fidelity_of(surrogate, stack)
    assert found.rank_correlation == pytest.approx(spearmanr(surrogate, stack)[0], abs=1e-6)
    expected = 1 - ((surrogate - stack) ** 2).sum() / ((stack - stack.mean()) ** 2).sum()
    assert found.r2 == pytest.approx(expected, abs=1e-6)
    assert found.images == 200


def test_another_scale_keeps_the_ranks_but_not_the_values():
    stack = np.arange(10.0)
    found = fidelity_of(np.exp(stack), stack)
    assert found.rank_correlation == 1
    assert found.r2 < 0


def test_a_surrogate_that_knows_nothing_is_marked():
    assert fidelity_of(np.zeros(5), np.arange(5.0)) == Fidelity(
        rank_correlation=0.0, r2=-2.0, images=5
    )
    assert fidelity_of(np.zeros(5), np.arange(5.0)).is_low
    assert not Fidelity(rank_correlation=0.9, r2=0.5, images=5).is_low


def test_a_stack_that_says_always_the_same_leaves_nothing_to_explain():
    assert fidelity_of(np.arange(5.0), np.ones(5)).rank_correlation == 0
    assert fidelity_of(np.ones(5), np.ones(5)).r2 == 0


@pytest.mark.parametrize(("one", "other"), [([1.0], [1.0]), ([1.0, 2.0], [1.0])])
def test_too_little_to_compare_is_an_error(one, other):
    with pytest.raises(InvariantError, match=f"compare {len(one)} answers with {len(other)}"):
        fidelity_of(np.array(one), np.array(other))
