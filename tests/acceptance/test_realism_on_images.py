"""Rendered lesions teach about real ones, and real ones about rendered ones.

With one SVM on a part of the images: `dermtwin realism` measures the same with whole stacks.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from services.image_store import FileReader
from services.realism import rendered_mix
from simulator.cases.datasets import load_images
from twin.evaluate import auc
from twin.images import ImageRef
from twin.imaging import Imaging
from twin.stem import Stem
from twin.stem_weights import analytic, calibrated
from twin.training import FULL

DATA = os.environ.get("DERMTWIN_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="DERMTWIN_DATA names no directory of real images"),
]


def test_stacks_cross_over_between_rendered_and_real() -> None:
    root = Path(str(DATA))
    imaging = Imaging(FileReader(root))
    # Training images: nothing here may depend on those that a stack is tested on.
    photographs = load_images(root, split="train")[::4]
    lesions, others = rendered_mix(700, 0.45, 1), rendered_mix(400, 0.45, 2)
    sample = (imaging.pixels(image.ref) for image in photographs[::8])
    stem = Stem(calibrated(analytic(), sample, FULL.response_sd), FULL.analytic_features)

    def seen(refs: Sequence[ImageRef]) -> np.ndarray:
        return np.array([stem.features(imaging.pixels(ref)) for ref in refs])

    real, real_truth = (
        seen([image.ref for image in photographs]),
        np.array([image.malignant for image in photographs]),
    )
    of_real = make_pipeline(StandardScaler(), SVC(C=3)).fit(real, real_truth)
    of_rendered = make_pipeline(StandardScaler(), SVC(C=3)).fit(
        seen(lesions.refs), lesions.malignant
    )
    asked = seen(others.refs)
    found = {
        "rendered to real": auc(of_rendered.decision_function(real), real_truth),
        "real to rendered": auc(of_real.decision_function(asked), others.malignant),
        "rendered to rendered": auc(of_rendered.decision_function(asked), others.malignant),
    }
    assert found["rendered to real"] > 0.75, found
    assert found["real to rendered"] > 0.70, found  # of a quarter of the photographs
    assert 0.90 < found["rendered to rendered"] < 0.98, found
