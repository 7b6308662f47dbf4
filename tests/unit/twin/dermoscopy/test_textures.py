import numpy as np
import pytest

from twin.dermoscopy.textures import EDGE_PX, grid, noise, smoothstep, wave


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


@pytest.mark.parametrize("cells", [4, 14, 56])
def test_noise_has_mean_0_and_variance_1(cells: int) -> None:
    stream = np.random.Generator(np.random.Philox(1))
    fields = np.stack([noise(stream, cells) for _ in range(40)])
    assert fields.dtype == np.float32
    assert abs(fields.mean()) < 0.1
    assert fields.std() == pytest.approx(1, abs=0.1)


def test_noise_is_finer_with_more_cells() -> None:
    stream = np.random.Generator(np.random.Philox(1))
    coarse, fine = (np.abs(np.diff(noise(stream, cells))).mean() for cells in (5, 50))
    assert fine > 5 * coarse


def test_noise_is_smooth_across_cells() -> None:
    field = noise(np.random.Generator(np.random.Philox(1)), 8)
    # A cubic spline with knots 28 px apart bends by at most a few hundredths from pixel to pixel.
    assert np.abs(np.diff(field, 2)).max() < 0.03


def test_a_wave_is_the_cosine_of_turns() -> None:
    turns = np.linspace(-3, 3, 1000, dtype=np.float32)
    assert np.abs(wave(turns) - np.cos(2 * np.pi * turns)).max() < 0.004
