"""Images that look alike are found, whatever block they fall in."""

import numpy as np
import pytest

from simulator.cases import near_duplicates
from simulator.cases.near_duplicates import near_pairs, thumbnail

RANDOM = np.random.default_rng(7)


def picture() -> np.ndarray:
    """A picture of a few soft blobs."""
    coarse = RANDOM.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    return coarse.repeat(28, axis=0).repeat(28, axis=1)


def test_a_brighter_and_noisier_copy_is_a_near_duplicate_and_another_picture_is_none() -> None:
    one, other = picture(), picture()
    noisy = np.clip(one * 0.8 + 30 + RANDOM.normal(0, 6, one.shape), 0, 255).astype(np.uint8)
    thumbnails = np.array([thumbnail(pixels) for pixels in (one, other, noisy)])
    ((a, b, correlation),) = near_pairs(thumbnails)
    assert (a, b) == (0, 2)
    assert 0.97 < correlation <= 1


@pytest.mark.parametrize("block", [1, 3, 4, 100])
def test_pairs_are_met_once_whatever_the_blocks(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(near_duplicates, "_BLOCK", block)
    thumbnails = np.array([thumbnail(picture()) for _ in range(10)])
    thumbnails[[3, 9]] = thumbnails[0]
    thumbnails[8] = thumbnails[7]
    pairs = sorted((a, b) for a, b, _ in near_pairs(thumbnails, 0.999))
    assert pairs == [(0, 3), (0, 9), (3, 9), (7, 8)]


def test_an_image_of_one_colour_is_like_none() -> None:
    flat = thumbnail(np.full((224, 224, 3), 90, dtype=np.uint8))
    assert not flat.any()
    assert not list(near_pairs(np.array([flat, flat])))


def test_progress_ends_with_all() -> None:
    told: list[tuple[str, int, int]] = []
    list(near_pairs(np.zeros((5, 1024), np.float32), on_progress=lambda *s: told.append(s)))
    assert told == [("compared", 5, 5)]
