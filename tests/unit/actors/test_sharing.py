"""Batches shared out over the stems."""

from collections import Counter

import pytest

from actors.sharing import LEAST_SHARE, Sharing


@pytest.mark.parametrize("stems", [1, 2, 3])
@pytest.mark.parametrize("images", [0, 1, LEAST_SHARE, 2 * LEAST_SHARE, 64, 65])
def test_each_place_is_shared_out_once(stems: int, images: int) -> None:
    shares = Sharing(stems).of(range(images))
    assert sorted(place for _, some in shares for place in some) == list(range(images))
    assert len({stem for stem, _ in shares}) == len(shares)


def test_a_large_batch_is_shared_evenly() -> None:
    assert [len(some) for _, some in Sharing(3).of(range(64))] == [22, 21, 21]


def test_a_small_batch_is_one_stems() -> None:
    ((_, some),) = Sharing(2).of(range(2 * LEAST_SHARE - 1))
    assert len(some) == 2 * LEAST_SHARE - 1


@pytest.mark.parametrize("sizes", [(64, 1), (15, 1), (15, 15, 1), (1, 1, 1)])
def test_no_stem_waits_while_sizes_alternate(sizes: tuple[int, ...]) -> None:
    sharing = Sharing(2)
    given: Counter[int] = Counter()
    for _ in range(30):
        for size in sizes:
            for stem, some in sharing.of(range(size)):
                given[stem] += len(some)
    assert abs(given[0] - given[1]) <= max(sizes)
