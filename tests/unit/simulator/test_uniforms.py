"""Law 9 for many entities at once: number i belongs to entity i."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.draws.distributions import Constant, Exponential
from simulator.draws.streams import stream
from simulator.draws.uniforms import Draws, Uniforms


def test_values_are_those_of_every_other_day_and_host() -> None:
    # If these change, every digest of every run changes with them.
    assert Uniforms(20250901, 0, "service.read").block(0, 3).tolist() == [
        0.3496568244056987,
        0.8708247518765052,
        0.21002669743407154,
    ]


@given(cuts=st.lists(st.integers(0, 5000), max_size=6), start=st.integers(0, 10**13))
def test_any_cut_equals_the_whole(cuts: list[int], start: int) -> None:
    uniforms = Uniforms(1, 2, "age")
    edges = [0, *sorted(cuts), 5000]
    parts = [uniforms.block(start + low, high - low) for low, high in itertools.pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), uniforms.block(start, 5000))


@given(indices=st.lists(st.integers(0, 30_000) | st.integers(10**12, 10**12 + 5), max_size=60))
def test_a_number_does_not_depend_on_what_was_asked_before(indices: list[int]) -> None:
    used = Uniforms(1, 2, "age")
    draws = Draws(Uniforms(1, 2, "age"), Exponential(mean_min=6.0))
    for index in indices:
        number = Uniforms(1, 2, "age").block(index, 1)
        assert used[index] == number[0]
        assert draws[index] == Exponential(mean_min=6.0).from_uniform(number)[0]


def test_numbers_far_out() -> None:
    uniforms = Uniforms(1, 0, "age")
    assert 0 < uniforms[10**12] < 1
    assert uniforms[10**12] != uniforms[10**12 + 2**32]


@pytest.mark.parametrize("name", ["seed", "replication", "name"])
def test_any_part_of_the_key_makes_other_numbers(name: str) -> None:
    other = {"seed": 1, "replication": 2, "name": "age"} | {name: "3" if name == "name" else 3}
    first, second = Uniforms(1, 2, "age").block(0, 1000), Uniforms(**other).block(0, 1000)
    assert not set(first) & set(second)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.5 / np.sqrt(1000)


def test_they_are_not_the_numbers_of_a_stream() -> None:
    assert not set(Uniforms(1, 2, "age").block(0, 99)) & set(stream(1, 2, "age").random(99))


def test_numbers_are_uniform_and_uncorrelated() -> None:
    count = 200_000
    numbers = Uniforms(7, 0, "reader").block(0, count)
    assert abs(numbers.mean() - 1 / 2) < 4.5 * np.sqrt(1 / 12 / count)
    observed = np.histogram(numbers, bins=100, range=(0, 1))[0]
    # chi² with 99 degrees of freedom: 175 has p = 4e-6
    assert ((observed - count / 100) ** 2 / (count / 100)).sum() < 175
    for lag in (1, 2, 3, 4, 1024):
        assert abs(np.corrcoef(numbers[lag:], numbers[:-lag])[0, 1]) < 4.5 / np.sqrt(count)


@pytest.mark.parametrize("raw", [0, 2**64 - 1])
def test_both_ends_are_open(raw: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Extreme:
        def __init__(self, key: int, counter: int) -> None: ...

        def random_raw(self, count: int) -> object:
            return np.full(count, raw, dtype=np.uint64)

    monkeypatch.setattr(np.random, "Philox", Extreme)
    assert 0 < Uniforms(1, 0, "age")[0] < 1


def test_memory_is_flat() -> None:
    uniforms = Uniforms(1, 0, "age")
    for index in range(0, 100 * 1024, 512):
        assert uniforms[index] == uniforms[index]
    assert len(uniforms._kept) == 8
    assert uniforms._number == 99


def test_blocks_in_use_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    uniforms = Uniforms(1, 0, "age")
    block = Uniforms.block
    monkeypatch.setattr(
        Uniforms, "block", lambda self, *cut: (asked.append(cut[0]), block(self, *cut))[1]
    )
    for number in (0, 1, 2, 3, 4, 5, 6, 7, 0, 8, 0, 1):  # 8 pushes out 1, the longest unused
        uniforms[number * 1024]
    assert [first // 1024 for first in asked] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 1]


def test_draws_are_floats_in_minutes() -> None:
    draws = Draws(Uniforms(1, 0, "age"), Constant(value_min=6.0))
    assert type(draws[3]) is float
    assert [draws[i] for i in (0, 5000, 10**12)] == [6.0] * 3
    assert draws.block(2, 3).tolist() == [6.0] * 3


def test_a_changed_parameter_keeps_the_order_of_patients() -> None:
    short, long = (
        Draws(Uniforms(1, 0, "read"), Exponential(mean_min=mean)).block(0, 500) for mean in (6, 9)
    )
    assert np.array_equal(np.argsort(short, kind="stable"), np.argsort(long, kind="stable"))
    assert (long > short).all()


def test_negative_indices_are_refused() -> None:
    uniforms = Uniforms(1, 0, "age")
    for _ in range(2):
        with pytest.raises(IndexError, match="got -1"):
            uniforms[-1]
        uniforms[0]
    with pytest.raises(IndexError, match="got -3"):
        uniforms.block(-3, 5)


def test_they_can_be_sent_to_another_process() -> None:
    draws = Draws(Uniforms(1, 0, "age"), Exponential(mean_min=6.0))
    assert draws[5] == pickle.loads(pickle.dumps(draws))[5]  # noqa: S301 our own bytes
