"""What a data set consists of, counted."""

from pathlib import Path

from data_directories import manifest

from simulator.cases.datasets import read_data
from simulator.cases.inventory import inventory

ROWS = (
    "images/a.jpg,benign,train,,L1,nv,39,male,back\n"
    "images/b.jpg,benign,test,,L1,nv,40,male,back\n"
    "images/c.jpg,malignant,train,,L2,mel,,female,face\n"
    "images/d.jpg,malignant,test,,L3,nv,80,,\n"
    "images/e.jpg,benign,train,,L2,,85,,\n"
    "images/f.jpg,malignant,test,,L4,scc,130,,\n"
)


def test_images_are_counted_by_what_is_known(tmp_path: Path) -> None:
    found = inventory(read_data(manifest(tmp_path, ROWS)))
    assert found.images == 6
    assert found.by["split"] == {"test": 3, "train": 3}
    assert found.by["label"] == {"benign": 3, "malignant": 3}
    assert found.by["label and split"]["malignant, test"] == 2
    assert found.by["diagnosis"] == {"nevus": 3, "melanoma": 1, "scc": 1, "unknown": 1}
    assert found.by["sex"] == {"male": 2, "female": 1, "unknown": 3}
    assert found.by["age band"] == {"0-39": 1, "40-59": 1, "60-79": 0, "80+": 3, "unknown": 1}
    assert found.by["site"] == {"back": 2, "face": 1, "unknown": 3}
    assert found.by["skin tone"] == {"unknown": 6}


def test_lesions_across_splits_and_doubts_are_named(tmp_path: Path) -> None:
    found = inventory(read_data(manifest(tmp_path, ROWS)))
    assert (found.lesions, found.lesions_with_several_images) == (4, 2)
    assert (found.lesions_across_splits, found.images_of_lesions_across_splits) == (1, 2)
    assert found.against_diagnosis == ("images/d.jpg",)
    assert found.lesions_with_two_labels == ("L2",)
    assert (found.same_content, found.near_duplicates) == (0, 0)


def test_stated_near_duplicates_are_counted(tmp_path: Path) -> None:
    root = manifest(tmp_path, ROWS + "images/g.jpg,cancer,,,,,,,\n")
    (root / "images/f.jpg").write_text("images/d.jpg")
    (root / "near_duplicates.csv").write_text(
        "file_a,file_b\nimages/a.jpg,images/d.jpg\nimages/c.jpg,images/e.jpg\n"
        "images/a.jpg,images/g.jpg\n"
    )
    found = inventory(read_data(root))
    assert found.near_duplicates == 2  # the third names an image that was left out
    assert found.near_duplicates_across_splits == 1
    assert found.near_duplicates_across_labels == 2
    assert found.same_content == 1
