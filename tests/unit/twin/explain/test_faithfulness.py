import numpy as np
import pytest

from twin.explain.faithfulness import area, curves, faithfulness
from twin.explain.maps import scaled
from twin.explain.random_maps import random_maps
from twin.explain.sensitivity import sensitivity

STREAM = np.random.default_rng(3)
PIXELS = STREAM.integers(0, 255, (224, 224, 3), np.uint8, endpoint=True)
FILLING = np.zeros_like(PIXELS)


def smooth(seed=0) -> np.ndarray:
    """Where a made-up stack looks: a few broad bumps."""
    y, x = np.mgrid[:224, :224] / 224
    places = np.random.default_rng(seed).random((4, 2))
    return sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) * 60) for a, b in places)


def linear(weights):
    """A stack whose log-odds are a weighted sum of pixels."""
    share = weights / weights.sum()
    return lambda images: (images.mean(3) / 255 * share).sum((1, 2))


def of(raw, method="any"):
    return scaled(raw, method=method, fidelity=None, model_id="m")


def test_the_true_weights_beat_random_maps_and_their_opposite_does_not() -> None:
    weights = smooth()
    score = linear(weights)
    good = faithfulness(PIXELS, of(weights), score, FILLING, seed=1)
    assert good.deletion_beats_random
    assert good.insertion_beats_random
    bad = faithfulness(PIXELS, of(-weights), score, FILLING, seed=1)
    assert not bad.deletion_beats_random
    assert not bad.insertion_beats_random
    assert good.deletion_area < bad.deletion_area
    assert good.insertion_area > bad.insertion_area


def test_curves_run_from_the_image_to_the_filling_and_back() -> None:
    score = linear(smooth())
    going, coming = curves(PIXELS, smooth(), score, FILLING, steps=7, seed=0)
    assert going.shape == coming.shape == (8,)
    whole, empty = score(np.stack([PIXELS, FILLING]))
    assert (going[0], going[-1]) == (whole, empty) == (coming[-1], coming[0])
    assert (np.diff(going) <= 0).all()
    assert (np.diff(coming) >= 0).all()


def test_each_step_takes_as_many_pixels_even_of_a_flat_map() -> None:
    count = lambda images: (images == 0).all(3).sum((1, 2)).astype(float)  # noqa: E731
    white = np.full((224, 224, 3), 255, np.uint8)
    going, coming = curves(white, np.zeros((224, 224)), count, FILLING, steps=7, seed=0)
    assert going.tolist() == [step * 224 * 32 for step in range(8)]
    assert coming.tolist() == going[::-1].tolist()


def test_random_maps_have_the_maps_spectrum_and_nothing_else_of_it() -> None:
    weights = smooth()
    found = random_maps(weights, 3, seed=5)
    assert found.shape == (3, 224, 224)
    expected = np.abs(np.fft.fft2(weights - weights.mean()))
    for one in found:
        assert np.allclose(np.abs(np.fft.fft2(one)), expected, atol=1e-6 * expected.max())
        assert abs(np.corrcoef(one.ravel(), weights.ravel())[0, 1]) < 0.5
    assert np.array_equal(found, random_maps(weights, 3, seed=5))
    assert not np.array_equal(found, random_maps(weights, 3, seed=6))


def test_random_maps_of_a_flat_map_are_noise() -> None:
    (found,) = random_maps(np.zeros((224, 224), np.float32), 1, seed=0)
    assert found.std() > 0


def test_a_random_map_beats_random_maps_about_every_other_time() -> None:
    score = linear(smooth())
    beats = []
    for place, one in enumerate(random_maps(smooth(1), 10, seed=9)):
        found = faithfulness(PIXELS, of(one), score, FILLING, seed=place, steps=4, count=2)
        beats.append(found.deletion_beats_random)
    assert 2 <= sum(beats) <= 8


def test_areas_are_mean_heights() -> None:
    assert area(np.array([3.0, 3.0, 3.0])) == 3.0
    assert area(np.array([4.0, 0.0])) == 2.0


def test_a_map_that_does_not_look_at_the_image_is_not_sensitive() -> None:
    found = sensitivity(PIXELS, lambda _: of(smooth()), seed=0)
    assert (found.greatest, found.mean) == (0.0, 0.0)


def test_sensitivity_is_the_relative_change_of_raw_values() -> None:
    seen: list[np.ndarray] = []

    def explain(pixels):
        seen.append(pixels)
        return of(np.full((224, 224), 1.0 + 0.5 * (len(seen) > 1)))

    found = sensitivity(PIXELS, explain, seed=0, rounds=3)
    assert found.greatest == pytest.approx(0.5)
    assert found.mean == pytest.approx(0.5)
    assert len(seen) == 4
    moved = np.abs(seen[1].astype(int) - PIXELS)
    assert 0 < moved.max() <= 2
