"""The measure of realism: what it asks about, and that it finds nothing where there is nothing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.console import progress_bars
from services.realism import realism, rendered_mix
from simulator.cases.lesion_tables import WAYS, WAYS_IN_ISIC
from twin.dermoscopy.render import render
from twin.errors import DataError


def test_the_mix_has_the_prevalence_asked_for_and_is_the_same_each_time() -> None:
    mix = rendered_mix(200, 0.45, 3)
    assert mix.malignant.sum() == 90
    assert len(set(mix.groups)) == 200
    assert mix.refs == rendered_mix(200, 0.45, 3).refs
    assert mix.refs[0] != rendered_mix(200, 0.45, 4).refs[0]


def test_only_a_confounded_mix_takes_pictures_by_class() -> None:
    def gap(*, confounded: bool) -> float:
        mix = rendered_mix(600, 0.5, 3, confounded=confounded)
        tint = np.array([ref.recipe.tint for ref in mix.refs])
        return float(abs(tint[mix.malignant].mean() - tint[~mix.malignant].mean()))

    assert gap(confounded=False) < 0.07
    assert gap(confounded=True) > 0.1
    for ways in (WAYS, *WAYS_IN_ISIC.values()):
        assert sum(ways) == pytest.approx(1, abs=0.01)


def written(root: Path, count: int, splits: tuple[str, ...]) -> Path:
    """Rendered lesions as image files, in folders by split and class."""
    for number, split in enumerate(splits):
        mix = rendered_mix(count, 0.5, 100 + number, confounded=True)
        for index, (ref, ill) in enumerate(zip(mix.refs, mix.malignant, strict=True)):
            folder = root / split / ("malignant" if ill else "benign")
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(render(ref.recipe)).save(folder / f"{index}.png")
    return root


def test_a_directory_without_a_test_split_is_refused(tmp_path: Path) -> None:
    with progress_bars() as bars, pytest.raises(DataError, match="has no test split"):
        realism(written(tmp_path, 8, ("train",)), bars=bars)


@pytest.mark.slow
def test_rendered_lesions_cannot_be_told_from_rendered_lesions(tmp_path: Path) -> None:
    root = written(tmp_path, 100, ("train", "test"))
    with progress_bars() as bars:
        found = realism(root, bars=bars, images=100, quick=True, threads=2)
    assert found["separability_auc"] < 0.7
    assert found["separability_by_one_statistic_median"] < 0.6
    assert found["images"] == {"rendered": 100, "real_train": 100, "real_test": 100}
    for name in ("rendered_to_real_auc", "real_to_rendered_auc", "rendered_to_rendered_auc"):
        assert 0.6 < found[name] <= 1
    assert found["pass"] == all(
        low <= found[name] <= high for name, (low, high) in found["gates"].items()
    )
