"""Views and shortcuts of the paper's images: what README and audit say of them, held in CI."""

import os
from pathlib import Path

import numpy as np
import pytest

from services.audit.shortcuts import STRONG, shortcut
from services.evaluation.views import (
    FOLDS,
    FOLDS_MATCHED,
    MATCHED,
    SPLIT,
    UNLEAKED,
    fold_views,
    split_views,
)
from simulator.cases.datasets import LabelledImage, load_images
from twin.folds import lesion_folds

DATA = os.environ.get("DERMTWIN_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA, reason="DERMTWIN_DATA names no directory of real images"),
]


@pytest.fixture(scope="module")
def images() -> list[LabelledImage]:
    return load_images(Path(str(DATA)))


def test_views_hold_the_images_that_the_data_gives(images: list[LabelledImage]) -> None:
    test = [image for image in images if image.split == "test"]
    train = [image for image in images if image.split == "train"]
    counts = {}
    for given, views in ((test, split_views(test, train)), (images, fold_views(images))):
        for view in views:
            assert view.mask is not None, view.why_not
            ill = np.array([image.malignant for image in given])
            counts[view.key] = (int(view.mask.sum()), int((view.mask & ill).sum()))
    assert counts == {
        SPLIT: (660, 300),
        UNLEAKED: (544, 209),
        MATCHED: (407, 72),
        FOLDS: (3297, 1497),
        FOLDS_MATCHED: (2488, 688),
    }
    unleaked = next(view for view in split_views(test, train) if view.key == UNLEAKED)
    kept = [test[place] for place in np.flatnonzero(unleaked.mask)]
    for of in ("group", "isic_id", "sha256"):
        met = {getattr(image, of) for image in train} - {None}
        assert not met & {getattr(image, of) for image in kept}, of


def test_source_alone_tells_the_classes_apart(images: list[LabelledImage]) -> None:
    y = np.array([image.malignant for image in images])
    groups = [image.group for image in images]
    found = shortcut(
        "source", [image.source for image in images], y, groups, lesion_folds(y, groups, 5, 0)
    )
    assert found is not None
    assert found.low is not None and found.low > STRONG
