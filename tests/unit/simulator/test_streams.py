"""Law 9: each draw has a stream of its own."""

import itertools

import numpy as np
import pytest

from simulator.draws.streams import hashed_key, stream


def draws(*key: object, count: int = 4) -> tuple[float, ...]:
    return tuple(stream(*key).random(count))  # type: ignore[arg-type]


def test_the_same_key_gives_the_same_draws() -> None:
    assert draws(1, 2, "age", "c1") == draws(1, 2, "age", "c1")


def test_values_are_those_of_every_other_day_and_host() -> None:
    # If these change, every digest of every run changes with them.
    assert stream(20250901, 0, "age", "c1").bit_generator.random_raw(2).tolist() == [
        0x81880C6BDE88F89D,
        0xA568AB630A70FB15,
    ]
    assert draws(1, 0, "arrivals", count=2) == (0.889708189050952, 0.3798817160376713)


@pytest.mark.parametrize(
    "other",
    [(2, 2, "age", "c1"), (1, 3, "age", "c1"), (1, 2, "sex", "c1"), (1, 2, "age", "c2")],
    ids=["seed", "replication", "name", "entity"],
)
def test_any_part_of_the_key_makes_another_stream(other: tuple[object, ...]) -> None:
    assert not set(draws(*other)) & set(draws(1, 2, "age", "c1"))


def test_draws_of_one_stream_leave_the_others_alone() -> None:
    alone = draws(1, 0, "b", "c1", count=10)
    first, second = stream(1, 0, "a", "c1"), stream(1, 0, "b", "c1")
    mixed = []
    for _ in range(10):
        first.normal(size=3)
        mixed.append(second.random())
    assert tuple(mixed) == alone


def test_no_two_keys_are_written_alike() -> None:
    keys = [
        (1, 23, "a", "b"),
        (12, 3, "a", "b"),
        (1, 2, "3a", "b"),
        (1, 23, "ab", ""),
        (1, 23, "a", 'b", "'),
        (1, 23, 'a", "b', ""),
        (1, 23, "a\0", "b"),
        (1, 23, "a", "\0b"),
        (1, 23, "a,b", ""),
        (-1, 23, "a", "b"),
        (1, 23, "å", "b"),
        (1, 23, "\\u00e5", "b"),
    ]
    firsts = [draws(*key, count=1) for key in keys]
    assert len(set(firsts)) == len(keys)


def test_no_entity_is_the_empty_entity() -> None:
    assert draws(1, 0, "arrivals") == draws(1, 0, "arrivals", "")


def test_integers_of_numpy_count_as_integers() -> None:
    assert draws(np.int64(1), np.int32(0), "age") == draws(1, 0, "age")


def test_streams_of_many_entities_are_uniform_and_uncorrelated() -> None:
    values = np.array([draws(1, 0, "age", f"c{index}", count=2) for index in range(4000)])
    assert abs(values.mean() - 0.5) < 0.01
    assert abs(values.var() - 1 / 12) < 0.003
    within = np.corrcoef(values.T)[0, 1]
    between = np.corrcoef(values[1:, 0], values[:-1, 0])[0, 1]
    names = np.array([draws(1, 0, "sex", f"c{index}", count=1)[0] for index in range(4000)])
    across = np.corrcoef(values[:, 0], names)[0, 1]
    # 4.5 standard errors of a correlation of 4,000 independent pairs
    assert max(map(abs, (within, between, across))) < 4.5 / np.sqrt(4000)


def test_large_seeds_are_told_apart() -> None:
    seeds = [0, 1, 2**32, 2**32 + 1, 2**63 - 1, 2**64]
    firsts = [draws(seed, 0, "a") for seed in seeds]
    assert all(not set(a) & set(b) for a, b in itertools.combinations(firsts, 2))


def test_uses_of_a_key_are_told_apart() -> None:
    assert hashed_key(b"dermtwin.stream", 1, 0, "a") != hashed_key(b"dermtwin.other", 1, 0, "a")
