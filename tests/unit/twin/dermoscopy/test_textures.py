from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from twin.dermoscopy.textures import (
    EDGE_PX,
    LADDER,
    blotches,
    fractal,
    grain,
    grid,
    noise,
    octaves,
    smoothstep,
    static,
    wave,
)


def test_smoothstep_rises_from_0_to_1_and_stays_within() -> None:
    x = np.linspace(-2, 3, 501, dtype=np.float32)
    y = smoothstep(x)
    assert y[x <= 0].max() == 0
    assert y[x >= 1].min() == 1
    assert smoothstep(np.float32([0.5]))[0] == 0.5
    assert (np.diff(y) >= 0).all()


def test_the_grid_is_centred_and_cannot_be_changed() -> None:
    x, y = grid()
    assert x.shape == y.shape == (EDGE_PX, EDGE_PX)
    assert x[0, -1] == -x[0, 0] == y[-1, 0] == pytest.approx(1 - 1 / EDGE_PX)
    with pytest.raises(ValueError, match="read-only"):
        x[0, 0] = 0


def stream() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(1))


@pytest.mark.parametrize(
    "texture",
    [
        *(partial(noise, cells=cells) for cells in (4, 14, 28)),
        *(partial(fractal, weights=tuple(np.eye(4)[step])) for step in range(4)),
        partial(fractal, weights=(0.5, 0.5, 0.5, 0.5)),
        partial(octaves, cells=(4, 12), weights=(0.6, 0.8)),
        grain,
        static,
        blotches,
    ],
)
def test_noise_has_mean_0_and_variance_1(texture: Callable[..., np.ndarray]) -> None:
    draws = stream()
    fields = np.stack([texture(draws) for _ in range(40)])
    assert fields.dtype == np.float32
    assert fields.shape == (40, EDGE_PX, EDGE_PX)
    assert abs(fields.mean()) < 0.1
    assert fields.std() == pytest.approx(1, abs=0.1)


def test_noise_is_finer_with_more_cells() -> None:
    fields = [noise(stream(), cells) for cells in (4, 14, 28)]
    fields += [fractal(stream(), (0.0, 0.0, 0.0, 1.0)), blotches(stream()), static(stream())]
    slopes = [np.abs(np.diff(field)).mean() for field in fields]
    assert slopes == sorted(slopes)
    assert slopes[2] > 5 * slopes[0]


def test_each_rung_of_the_ladder_is_as_fine_as_it_says() -> None:
    for step, cells in enumerate(LADDER[:3]):
        fine = fractal(stream(), tuple(np.eye(4)[step]))
        assert np.abs(np.diff(fine)).mean() == pytest.approx(
            np.abs(np.diff(noise(stream(), cells))).mean(), rel=0.4
        )


def test_octaves_add_up() -> None:
    one, two = octaves(stream(), (5, 9), (1.0, 0.0)), octaves(stream(), (5, 9), (0.0, 1.0))
    both = octaves(stream(), (5, 9), (1.0, 1.0))
    assert np.abs(one + two - both).max() < 1e-5


def test_neighbours_share_grain_but_not_static() -> None:
    def alike(field: np.ndarray) -> float:
        return float(np.corrcoef(field[:, 1:].ravel(), field[:, :-1].ravel())[0, 1])

    assert alike(grain(stream())) == pytest.approx(0.5, abs=0.03)
    assert alike(static(stream())) == pytest.approx(0.0, abs=0.03)


def test_noise_is_smooth_across_cells() -> None:
    field = noise(np.random.Generator(np.random.Philox(1)), 8)
    # A cubic spline with knots 28 px apart bends by at most a few hundredths from pixel to pixel.
    assert np.abs(np.diff(field, 2)).max() < 0.03


def test_a_wave_is_the_cosine_of_turns() -> None:
    turns = np.linspace(-3, 3, 1000, dtype=np.float32)
    assert np.abs(wave(turns) - np.cos(2 * np.pi * turns)).max() < 0.004
