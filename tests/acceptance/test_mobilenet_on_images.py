"""MobileNetV2 with ImageNet's weights on real images: what it sees is of use for lesions.

With a part of the images and little training: `dermtwin reproduce` does the whole.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from services.image_store import FileReader
from simulator.cases.datasets import load_images
from twin.imaging import Imaging
from twin.mobilenet.early import EARLY_LAYERS, describe_early_layers
from twin.mobilenet.fine_tuning import FineTuning
from twin.mobilenet.network import MobileNet
from twin.mobilenet.tuned import TuningSettings
from twin.mobilenet.weights import from_npz
from twin.stem import Stem
from twin.stem_weights import from_npz as stem_from_npz
from twin.tensorflow import import_tensorflow

DATA = os.environ.get("DERMTWIN_DATA")
_BESIDE = Path(DATA or ".").parent / "weights" / "mobilenet_v2_imagenet_bnfolded.npz"
WEIGHTS = Path(os.environ.get("DERMTWIN_WEIGHTS") or _BESIDE)
pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="DERMTWIN_DATA names no directory of real images"),
    pytest.mark.skipif(
        not WEIGHTS.is_file(),
        reason="no MobileNetV2 weights: neither DERMTWIN_WEIGHTS nor weights/ beside the data",
    ),
]
EVERY = 10  # of the training images


@pytest.fixture(scope="module")
def photographs():
    root = Path(str(DATA))
    imaging = Imaging(FileReader(root))
    images = load_images(root, split="train")[::EVERY]
    return images, [imaging.pixels(image.ref) for image in images]


@pytest.fixture(scope="module")
def weights():
    return from_npz(WEIGHTS.read_bytes(), WEIGHTS.name)


def test_its_first_layer_is_the_twins_stem_with_the_same_weights(photographs, weights) -> None:
    pixels = photographs[1][0]
    stem = Stem(stem_from_npz(WEIGHTS.read_bytes(), WEIGHTS.name), "grid")
    found = MobileNet(weights).looking(["Conv1_relu"])(pixels)[0]
    assert np.abs(found - stem.activation(pixels)).max() < 1e-5
    described = describe_early_layers(
        [pixels].__getitem__, 1, weights, on_progress=lambda *step: None
    )
    assert all(np.isfinite(described[name]).all() for name in EARLY_LAYERS)


def test_a_short_training_tells_unseen_lesions_apart(photographs, weights) -> None:
    images, pixels = photographs
    look = MobileNet(weights).looking(["block_15_add"])
    front = np.stack([look(image)[0] for image in pixels])[:, None].astype(np.float16)
    tuning = FineTuning(
        import_tensorflow(),
        front,
        np.array([image.malignant for image in images]),
        [image.group for image in images],
        weights,
        TuningSettings(first_trained="block_16", epochs=3, validation_share=0.4),
        0,
    )
    curve = list(tuning.epochs())
    assert curve[-1].validation_auc > 0.85
    assert curve[-1].train_loss < curve[0].train_loss
