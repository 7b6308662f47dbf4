import numpy as np
import pytest

from twin.errors import ArtefactError
from twin.reference import Reference, load_reference
from twin.sketch import COLUMNS, fit_sketch, load_sketch


def features(count: int = 60) -> np.ndarray:
    stream = np.random.default_rng(1)
    mixed = stream.normal(size=(count, 12)) @ stream.normal(size=(12, 30))
    return np.c_[mixed, np.full(count, 7.0)].astype(np.float32)  # one feature never changes


def test_columns_are_uncorrelated_with_variance_one_on_the_training_images():
    columns = fit_sketch(features()).of(features())
    assert columns.shape == (60, COLUMNS)
    assert np.allclose(columns.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(columns.T @ columns / 60, np.eye(COLUMNS), atol=1e-3)


def test_columns_are_the_principal_components():
    x = features()[:, :30].astype(float)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    values = np.linalg.eigvalsh(z.T @ z / 60)[::-1]
    raw = fit_sketch(features())
    explained = 1 / (raw.basis[:30] * x.std(axis=0)[:, None] ** 1).T.__pow__(2).sum(axis=1)
    assert np.allclose(explained, values[:COLUMNS], rtol=1e-3)


def test_a_row_does_not_depend_on_the_rows_beside_it():
    sketch = fit_sketch(features())
    whole = sketch.of(features())
    assert np.array_equal(
        np.concatenate([sketch.of(features()[i : i + 1]) for i in range(60)]), whole
    )
    assert sketch.of(features()[:0]).shape == (0, COLUMNS)


def test_files_bring_the_same_back():
    sketch = fit_sketch(features())
    assert np.array_equal(load_sketch(sketch.to_bytes()).of(features()), sketch.of(features()))
    reference = Reference(np.ones((3, 2)), np.array([True, False, True]), np.zeros((3, 8)))
    back = load_reference(reference.to_bytes())
    assert np.array_equal(back.log_odds, reference.log_odds)
    assert back.malignant.tolist() == [True, False, True]


def test_what_is_no_sketch_or_reference_is_refused():
    with pytest.raises(ArtefactError, match="lacks"):
        load_sketch(Reference(np.ones((1, 1)), np.ones(1, bool), np.ones((1, 1))).to_bytes())
    with pytest.raises(ArtefactError, match="lacks log_odds"):
        load_reference(fit_sketch(features()).to_bytes())
