from pathlib import Path

import pytest
from data_directories import fill, manifest, reason

from simulator.cases.datasets import load_images, read_data

SPANISH = ("train/Nevo/1.jpg", "train/maligno/2.jpg")


def test_names_in_another_language_are_an_error_with_the_table_to_write(tmp_path: Path) -> None:
    said = reason(fill(tmp_path, *SPANISH))
    assert "Nevo, maligno are not named benign or malignant, and nothing is guessed" in said
    assert "name,label\n    Nevo,benign\n    maligno,malignant" in said


def test_the_table_makes_them_readable(tmp_path: Path) -> None:
    root = fill(tmp_path, *SPANISH, "train/lunar/3.jpg")
    (root / "classes.csv").write_text("name,label\nnevo,benign\nLunar,benign\nMaligno,malignant\n")
    notes: list[str] = []
    images = load_images(root, notes=notes)
    assert [(image.path, image.malignant) for image in images] == [
        ("train/Nevo/1.jpg", False),
        ("train/lunar/3.jpg", False),
        ("train/maligno/2.jpg", True),
    ]
    assert f"folder {Path('train/Nevo')} is read as benign" in notes


def test_one_foreign_name_beside_a_known_one_is_an_error(tmp_path: Path) -> None:
    said = reason(fill(tmp_path, "benign/1.jpg", "b\u00f6sartig/2.jpg"))
    assert "bösartig beside benign are not named" in said
    assert "bösartig,malignant" in said


def test_accents_may_be_written_in_two_ways(tmp_path: Path) -> None:
    root = fill(tmp_path, "gutartig/1.jpg", "bo\u0308sartig/2.jpg")
    (root / "classes.csv").write_text(
        "name,label\ngutartig,benign\nb\u00f6sartig,malignant\n", encoding="utf-8"
    )
    assert [image.malignant for image in load_images(root)] == [True, False]


def test_capitals_are_accepted_with_a_note(tmp_path: Path) -> None:
    root = fill(tmp_path, "Benign/1.jpg", "MALIGNANT/2.jpg")
    notes: list[str] = []
    assert len(load_images(root, notes=notes)) == 2
    assert notes == ["folder Benign is read as benign", "folder MALIGNANT is read as malignant"]


def test_labels_of_a_manifest_are_explained_by_the_table(tmp_path: Path) -> None:
    root = manifest(tmp_path, "images/a.jpg,benigno,,,,,,,\nimages/b.jpg,malignant,,,,,,,\n")
    assert "label 'benigno' is not benign or malignant; classes.csv may" in reason(root)
    (root / "classes.csv").write_text("name,label\nbenigno,benign\n")
    assert [image.malignant for image in load_images(root)] == [False, True]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("nevo,harmless\n", "a label is benign or malignant"),
        ("nevo,benign\nNEVO,malignant\n", "said to be both classes"),
        ("benign,malignant\n", "said to be both classes"),
    ],
)
def test_a_wrong_table_is_an_error(tmp_path: Path, rows: str, said: str) -> None:
    root = fill(tmp_path, "benign/1.jpg", "malignant/2.jpg")
    (root / "classes.csv").write_text("name,label\n" + rows)
    assert said in reason(root)


def test_images_without_labels_are_no_ground(tmp_path: Path) -> None:
    said = reason(fill(tmp_path, "1.jpg", "2.jpg"))
    assert "2 images without labels" in said


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    paths = ("train/benign/1.jpg", "train/malignant/2.jpg", "val/benign/3.jpg", "train/4.jpg")
    notes = read_data(fill(tmp_path, *paths)).notes
    assert "left out: folder val, which is neither train nor test" in notes
    assert f"left out: 1 images in {tmp_path / 'train'} itself, in no class folder" in notes
