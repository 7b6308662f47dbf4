from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.commands.train import train
from services.ground import leak_note, require_ground
from simulator.cases.datasets import LabelledImage
from twin.errors import DataError, ImageError


def images(benign: int, malignant: int, *, of_one_lesion: bool = False) -> list[LabelledImage]:
    return [
        LabelledImage(
            path=f"{place}.jpg",
            sha256="",
            malignant=place >= benign,
            split=None,
            group=str(place >= benign) if of_one_lesion else f"{place}.jpg",
        )
        for place in range(benign + malignant)
    ]


@pytest.mark.parametrize(
    ("given", "folds", "said"),
    [
        ([], 1, "no images for training"),
        (images(12, 0), 1, "12 benign and 0 malignant images for training: one class alone"),
        (images(30, 5), 5, "5 malignant lesions: 10 lesions of each class are the least for 5"),
        (images(30, 30, of_one_lesion=True), 5, "of 1 benign lesions: 10 lesions"),
    ],
)
def test_no_ground_no_score(given, folds: int, said: str) -> None:
    with pytest.raises(DataError) as caught:
        require_ground(given, "training", root=Path("data"), folds=folds)
    assert said in str(caught.value)


def test_little_ground_is_a_warning() -> None:
    warnings = require_ground(images(100, 20), "the test", root=Path("data"), folds=5)
    assert any(
        "20 malignant images for the test: figures on so few are rough" in w for w in warnings
    )
    assert any("no lesion ids" in warning for warning in warnings)
    assert not [w for w in warnings if "100 benign" in w]


def test_test_images_of_lesions_that_are_learned_from_are_told() -> None:
    given = images(4, 4, of_one_lesion=True)
    assert leak_note(given[:4], given[4:]) == []
    (told,) = leak_note(given[:2], given[2:])
    assert told.startswith("2 of 6 test images show a lesion of the training images")


def pictures(root: Path, **counts: int) -> Path:
    """Write pictures of noise, so many in each folder; _ in a name is a /."""
    stream = np.random.default_rng(0)
    for name, count in counts.items():
        folder = root / name.replace("_", "/")
        folder.mkdir(parents=True)
        for place in range(count):
            noise = stream.integers(0, 256, (224, 224, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / f"{place}.png")
    return root


HOSTILE = [
    ({"benign": 5, "malignant": 0}, "no malignant images"),
    ({"benigno": 5, "maligno": 5}, "benigno, maligno are not named benign or malignant"),
    ({"loose": 0}, "no images: expected manifest.csv"),
    ({"benign": 5, "malignant": 5}, "lesions of each class are the least"),
]


@pytest.mark.parametrize(("folders", "said"), HOSTILE)
def test_training_refuses_hostile_directories(tmp_path: Path, folders, said: str) -> None:
    root = pictures(tmp_path / "data", **folders)
    with pytest.raises(DataError) as caught:
        train(data=root)
    assert said in str(caught.value)


def test_an_unreadable_file_is_named_by_training(tmp_path: Path, capfd) -> None:
    root = pictures(tmp_path / "data", Benign=12, MALIGNANT=12)
    (root / "Benign" / "3.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"Benign/3\.png"):
        train(data=root, quick=True)
    told = capfd.readouterr()
    assert "folder Benign is read as benign" in told.err
    assert told.out == ""
