"""Raking: margins are met, what holds between properties is kept, the unknown keeps its share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulator.cases.weighting import Margin, effective_size, rake


def margin(key: str, codes: list[int] | np.ndarray, targets: list[float]) -> Margin:
    return Margin(key=key, codes=np.array(codes, dtype=np.intp), targets=np.array(targets))


@given(st.integers(0, 10**6), arrays(np.float64, 3, elements=st.floats(0.05, 1)))
def test_all_margins_are_met(seed: int, shares: np.ndarray) -> None:
    draws = np.random.default_rng(seed)
    # Every combination of values is there, so the margins cannot contradict each other.
    cells = np.array([(a, b, c) for a in range(2) for b in range(3) for c in range(2)])
    codes = np.concatenate([cells, cells[draws.integers(len(cells), size=50)]])
    wanted = [margin("truth", codes[:, 0], [0.9, 0.1])]
    wanted.append(margin("tone", codes[:, 1], list(shares / shares.sum())))
    wanted.append(margin("sex", codes[:, 2], [0.3, 0.7]))
    weights, unmet = rake(draws.uniform(0.2, 1, len(codes)), wanted)
    assert unmet is None
    assert weights.sum() == pytest.approx(1)
    for one in wanted:
        reached = np.bincount(one.codes, weights, minlength=len(one.targets))
        assert reached == pytest.approx(one.targets, abs=1e-8)


def test_odds_ratios_are_kept() -> None:
    truth, sex = (
        np.repeat([0, 0, 1, 1], [40, 20, 10, 30]),
        np.repeat([0, 1, 0, 1], [40, 20, 10, 30]),
    )
    weights, _ = rake(
        np.ones(100), [margin("t", truth, [0.92, 0.08]), margin("s", sex, [0.5, 0.5])]
    )
    table = np.bincount(2 * truth + sex, weights)
    assert table[0] * table[3] / (table[1] * table[2]) == pytest.approx(40 * 30 / (20 * 10))


def test_what_is_not_known_keeps_its_share() -> None:
    weights, unmet = rake(np.ones(10), [margin("sex", [0] * 6 + [1] * 2 + [-1] * 2, [0.5, 0.5])])
    assert unmet is None
    assert weights[8:].sum() == pytest.approx(0.2)
    assert weights[:6].sum() == pytest.approx(weights[6:8].sum()) == pytest.approx(0.4)


def test_margins_that_contradict_each_other_are_named() -> None:
    codes = [0, 0, 1, 1]  # men alone have melanomas: 20 % and 50 % cannot both be
    _, unmet = rake(np.ones(4), [margin("a", codes, [0.2, 0.8]), margin("b", codes, [0.5, 0.5])])
    assert unmet is not None
    assert unmet.key in {"a", "b"}


def test_kish_counts_lesions() -> None:
    clusters = np.array([0, 1, 2, 2], np.int32)
    assert effective_size(np.array([1.0, 1.0, 0.5, 0.5]), clusters) == pytest.approx(3)
    assert effective_size(np.array([1.0, 0.0, 0.0, 0.0]), clusters) == 1
    assert effective_size(np.zeros(4), clusters) == 0
