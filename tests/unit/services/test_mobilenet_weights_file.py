from pathlib import Path

import pytest

from services.config import Settings
from services.reproduce import mobilenet_weights as module
from services.reproduce.mobilenet_weights import mobilenet_weights
from twin.arrays import pack
from twin.errors import SettingsError
from twin.mobilenet.weights import random_weights


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with weights beside it."""
    weights = tmp_path / "weights"
    weights.mkdir()
    packed = pack(random_weights(1).arrays)
    (weights / "mobilenet_v2_imagenet_bnfolded.npz").write_bytes(packed)
    (tmp_path / "isic").mkdir()
    return tmp_path / "isic"


def test_a_named_file_wins(data: Path, tmp_path: Path) -> None:
    named = tmp_path / "mine.npz"
    named.write_bytes(pack(random_weights(2).arrays))
    found = mobilenet_weights(str(named), Settings(data=data))
    assert (found.source, found.digest) == ("mine.npz", random_weights(2).digest)


def test_then_the_file_beside_the_data(data: Path) -> None:
    assert mobilenet_weights(None, Settings(data=data)).digest == random_weights(1).digest


def test_then_keras(data: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "imagenet", lambda: random_weights(3))
    for named, settings in (
        ("imagenet", Settings(data=data)),
        (None, Settings()),
        (None, Settings(data=tmp_path / "elsewhere" / "isic")),
    ):
        assert mobilenet_weights(named, settings).digest == random_weights(3).digest


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"none\.npz.*expected imagenet or a file"):
        mobilenet_weights("none.npz", Settings())
