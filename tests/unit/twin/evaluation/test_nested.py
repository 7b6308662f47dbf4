from dataclasses import replace

import numpy as np
import pytest
from tiny_model import patients

from twin.errors import DataError
from twin.evaluation.nested import outer_fold
from twin.folds import lesion_folds
from twin.imaging import Imaging
from twin.stem_weights import analytic
from twin.training import QUICK

pytestmark = pytest.mark.slow

FAST = replace(
    QUICK,
    calibration_images=10,
    learners={
        **QUICK.learners,
        "catboost": {**QUICK.learners["catboost"], "iterations": 5},
        "xgboost": {**QUICK.learners["xgboost"], "rounds": 5},
        "random_forest": {**QUICK.learners["random_forest"], "n_estimators": 5},
        "gradient_boosting": {**QUICK.learners["gradient_boosting"], "n_estimators": 5},
        "svm": {**QUICK.learners["svm"], "dimensions": 10},
        "knn": {**QUICK.learners["knn"], "dimensions": 10},
    },
)


def test_training_meets_no_image_of_the_outer_folds_lesions() -> None:
    drawn = patients(64, seed=11)
    labels = np.array([one.malignant for one in drawn])
    groups = [f"lesion {place // 2}" if place < 20 else str(place) for place in range(64)]
    for place in range(0, 20, 2):
        labels[place + 1] = labels[place]
    imaging = Imaging()
    met: list[int] = []
    stages: list[tuple[str, int]] = []

    def pixels(place: int) -> np.ndarray:
        met.append(place)
        return imaging.pixels(drawn[place].image)

    def told(stage: str, done: int, total: int) -> None:
        if stage == "meta":
            stages.append((stage, len(met)))

    found = outer_fold(
        pixels,
        labels,
        groups,
        1,
        outer=4,
        inner=2,
        stem=analytic(),
        settings=FAST,
        seed=3,
        threads=1,
        on_progress=told,
    )
    before = set(met[: stages[-1][1]])
    held_out = set(found.places.tolist())
    assert before and held_out and not before & held_out
    assert before | held_out == set(range(64))
    assert not {groups[place] for place in before} & {groups[place] for place in held_out}
    assert set(found.log_odds) == set(QUICK.learners)
    assert ((found.p_malignant >= 0) & (found.p_malignant <= 1)).all()


def test_too_few_lesions_for_folds_are_told_with_the_least_number() -> None:
    labels = np.array([True] * 3 + [False] * 30)
    with pytest.raises(DataError, match="3 malignant lesions, but 5 folds need 10 or more"):
        lesion_folds(labels, [str(place) for place in range(33)], 5, 0)
