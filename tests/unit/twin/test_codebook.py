"""The code against the Fisher vector as its paper writes it, and what must not change it."""

from functools import cache

import numpy as np
import pytest
from test_features import cells, mirrored, transposed

from twin.codebook import codebook_of, fit_codebook
from twin.features import CellMaps, cell_radius, local_textures

pytestmark = pytest.mark.slow  # scikit-learn


@cache
def codebook(seed=0):
    return fit_codebook([cells(place) for place in range(12)], seed)


def probabilities(x):
    """Each component's probability for each cell, by the Gaussians' own formula."""
    book = codebook()
    apart = (x[:, None] - book.centres) / book.sds
    logarithms = np.log(book.weights) - np.log(book.sds).sum(1) - (apart**2).sum(2) / 2
    dense = np.exp(logarithms - logarithms.max(1, keepdims=True))
    return dense / dense.sum(1, keepdims=True), apart


def test_the_code_is_the_improved_fisher_vector_with_distances_from_the_middle():
    book, maps = codebook(), cells(40)
    x = (local_textures(maps).astype(np.float64) - book.mean) @ book.axes
    near, apart = probabilities(x)
    count, root = len(x), np.sqrt(book.weights)[:, None]
    away = cell_radius() / cell_radius().max()
    parts = [
        near.sum(0),
        np.einsum("nk,nkd->kd", near, apart) / root,
        np.einsum("nk,nkd->kd", near, apart**2 - 1) / (np.sqrt(2) * root),
        near.T @ np.stack([away, away**2], axis=1),
    ]
    whole = np.concatenate([part.ravel() for part in parts]) / count
    expected = np.sign(whole) * np.sqrt(np.abs(whole))
    expected /= np.linalg.norm(expected)
    found = book.encode(maps)
    assert found.shape == (book.dimension,)
    # Roots of numbers near zero magnify rounding, so their squares are compared, too
    assert found == pytest.approx(expected, abs=2e-3)
    assert found * np.abs(found) == pytest.approx(expected * np.abs(expected), abs=1e-6)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("moved", [mirrored, transposed])
def test_a_turned_or_mirrored_image_has_the_same_code(moved):
    before, after = (codebook().encode(maps) for maps in (cells(41), moved(cells(41))))
    assert after * np.abs(after) == pytest.approx(before * np.abs(before), abs=1e-6)


def test_other_textures_have_another_code():
    rough = cells(42)
    smooth = CellMaps(mean=rough.mean, square=rough.mean**2 + (rough.square - rough.mean**2) / 9)
    assert np.abs(codebook().encode(rough) - codebook().encode(smooth)).max() > 0.05


def test_the_same_sample_and_seed_give_the_same_codebook_and_its_arrays_bring_it_back():
    again = fit_codebook([cells(place) for place in range(12)], 0)
    kept = codebook_of(codebook().arrays())
    for name, array in codebook().arrays().items():
        assert np.array_equal(array, again.arrays()[name])
        assert np.array_equal(array, kept.arrays()[name])
    other = fit_codebook([cells(place) for place in range(12)], 1)
    assert not np.array_equal(other.centres, codebook().centres)


def test_there_are_no_more_components_than_images():
    assert len(codebook().weights) == 12
    assert codebook().weights.sum() == pytest.approx(1, abs=1e-5)
