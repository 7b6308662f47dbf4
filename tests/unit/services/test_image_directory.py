from pathlib import Path

import pytest
from data_directories import HEADER, manifest

from services import image_directory
from services.image_directory import ImageDirectory
from twin.errors import DataError, SettingsError

ROWS = "images/a.png,benign,train,,,,,,\nimages/b.png,malignant,train,,,,,,\n"
BAD = "images/c.png,perhaps,train,,,,,,\n"


def test_a_split_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = ImageDirectory(manifest(tmp_path / "data", ROWS))
    first = images.split("train", "cases are images")
    monkeypatch.setattr(image_directory, "load_images", None)  # whoever reads again fails
    assert images.split("train", "model learns from images") is first
    assert [image.path for image in first] == ["images/a.png", "images/b.png"]


def test_a_bad_row_is_an_error_or_is_left_out_and_told(tmp_path: Path) -> None:
    root = manifest(tmp_path / "data", ROWS + BAD, HEADER)
    with pytest.raises(DataError, match=r"row 4.*perhaps"):
        ImageDirectory(root).split("train", "cases are images")
    images = ImageDirectory(root, skip_bad=True)
    assert len(images.split("train", "cases are images")) == 2
    images.split("all", "model learns from images")  # the same row is told once
    (told,) = images.complaints()
    assert told.startswith("left out: ")
    assert "row 4" in told
    assert "perhaps" in told


def test_no_directory_is_told_with_what_needs_it() -> None:
    with pytest.raises(SettingsError, match="this scenario's bank is made of images"):
        ImageDirectory(None).split("all", "bank is made of images")
