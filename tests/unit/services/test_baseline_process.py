"""The process that fine-tunes, on a handful of pictures and a network that knows nothing."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from services.reproduce.baseline_process import TuningOrder, tune
from twin.errors import DependencyError, ImageError
from twin.images import FileRef
from twin.mobilenet.tuned import TuningSettings
from twin.mobilenet.weights import random_weights

pytestmark = pytest.mark.slow  # TensorFlow, in a process of its own

SETTINGS = TuningSettings(first_trained="Conv_1", epochs=2, batch=8, validation_share=0.25)


def silent(stage, done, total) -> None:
    """Show nothing."""


def ignore(epoch, state) -> None:
    """Keep nothing."""


@pytest.fixture(scope="module")
def order(tmp_path_factory) -> TuningOrder:
    root, refs = tmp_path_factory.mktemp("pictures"), []
    stream = np.random.default_rng(0)
    for place in range(8):
        file = root / f"{place}.png"
        Image.fromarray(stream.integers(0, 256, (224, 224, 3), dtype=np.uint8)).save(file)
        refs.append(FileRef(path=file.name, sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
    return TuningOrder(
        root=root,
        images=tuple(refs),
        malignant=(True, False) * 4,
        groups=tuple(str(place) for place in range(8)),
        weights=random_weights(0),
        settings=SETTINGS,
        seed=0,
        threads=1,
    )


def test_it_tells_every_epoch_and_goes_on_from_a_state(order) -> None:
    kept, told = [], []
    tuned = tune(order, None, lambda *epoch: kept.append(epoch), lambda *step: told.append(step))
    assert [epoch for epoch, _ in kept] == list(tuned.curve)
    assert len(tuned.curve) == 2
    assert ("frozen blocks", 8, 8) in told
    assert told[-1] == ("epochs", 2, 2)
    again = []
    resumed = tune(order, kept[0][1], lambda *epoch: again.append(epoch), silent)
    assert [epoch for epoch, _ in again] == [tuned.curve[1]]
    assert resumed.curve == tuned.curve
    for name, array in tuned.arrays.items():
        assert resumed.arrays[name].tobytes() == array.tobytes(), name


def test_what_goes_wrong_there_is_raised_here(order) -> None:
    lost = replace(order, images=(replace(order.images[0], path="none.png"), *order.images[1:]))
    with pytest.raises(ImageError, match=r"none\.png: no such file"):
        tune(lost, None, ignore, silent)


def test_a_process_that_dies_is_an_error(order, monkeypatch) -> None:
    monkeypatch.setattr("services.reproduce.baseline_process._work", _die)
    with pytest.raises(DependencyError, match="died"):
        tune(order, None, ignore, silent)


def _die(order, state, there) -> None:
    raise SystemExit(3)
