"""What is wrong with a data set is named by row, all at once, or left out and listed."""

import errno
import hashlib
from pathlib import Path

import pytest
from data_directories import fill, manifest, reason

from simulator.cases import checksums
from simulator.cases.datasets import BadRow, LabelledImage, load_images
from twin.errors import DataError

GOOD = "images/a.jpg,benign,,,,,,,\nimages/b.jpg,malignant,,,,,,,\n"


def skipped(root: Path, split: str | None = None) -> tuple[list[LabelledImage], list[BadRow]]:
    bad: list[BadRow] = []
    return load_images(root, split=split, verify=True, skip_bad=bad), bad


def test_all_wrong_rows_are_named_at_once(tmp_path: Path) -> None:
    rows = "images/c.jpg,cancer,,,,,,,\nnowhere.jpg,benign,,,,,,,\n"
    root = manifest(tmp_path, GOOD + rows)
    assert reason(root) == (
        f"{root / 'manifest.csv'}: row 4: label 'cancer' is not benign or malignant; "
        "classes.csv may explain it\n"
        "  row 5: no such file in the directory: nowhere.jpg"
    )


def test_no_more_than_a_screenful_is_named(tmp_path: Path) -> None:
    rows = "".join(f"nowhere/{number}.jpg,benign,,,,,,,\n" for number in range(50))
    lines = reason(manifest(tmp_path, GOOD + rows)).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "  and 30 more"


def test_skipped_rows_are_listed_and_the_others_loaded(tmp_path: Path) -> None:
    rows = "images/c.jpg,cancer,,,,,,,\n../x.jpg,benign,,,,,,,\nimages/d.jpg,benign,,,,,,,,more\n"
    root = manifest(tmp_path, GOOD + rows)
    images, bad = skipped(root)
    assert [image.path for image in images] == ["images/a.jpg", "images/b.jpg"]
    assert [(one.table.name, one.row, one.file) for one in bad] == [
        ("manifest.csv", 4, "images/c.jpg"),
        ("manifest.csv", 5, "../x.jpg"),
        ("manifest.csv", 6, "images/d.jpg"),
    ]
    assert [one.reason for one in bad] == [
        "label 'cancer' is not benign or malignant; classes.csv may explain it",
        "no such file in the directory: ../x.jpg",
        "more cells than columns",
    ]


def test_nothing_is_listed_of_a_sound_directory(tmp_path: Path) -> None:
    images, bad = skipped(manifest(tmp_path, GOOD))
    assert (len(images), bad) == (2, [])


def test_a_wrong_checksum_is_found_when_files_are_read(tmp_path: Path) -> None:
    right = hashlib.sha256(b"images/c.jpg").hexdigest()
    rows = f"images/c.jpg,benign,,{right},,,,,\nimages/d.jpg,benign,,{'0' * 64},,,,,\n"
    root = manifest(tmp_path, GOOD + rows)
    assert len(load_images(root)) == 4
    with pytest.raises(
        DataError, match=r"row 5: sha256 of images/d.jpg is [0-9a-f]{12}…, not 0000"
    ):
        load_images(root, verify=True)
    images, bad = skipped(root)
    assert [image.path for image in images] == ["images/a.jpg", "images/b.jpg", "images/c.jpg"]
    assert [one.row for one in bad] == [5]


def test_reading_files_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    load_images(manifest(tmp_path, GOOD), on_progress=lambda *step: told.append(step))
    assert told == [("checksums", 1, 2), ("checksums", 2, 2)]


def test_an_unreadable_file_is_a_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(file: Path) -> str:
        if file.name == "c.jpg":
            raise PermissionError(errno.EACCES, "Permission denied")
        return file.name

    monkeypatch.setattr(checksums, "sha256_of_file", denied)
    root = manifest(tmp_path, GOOD + "images/c.jpg,benign,,,,,,,\n")
    assert reason(root).endswith("row 4: images/c.jpg cannot be read: Permission denied")
    assert [one.row for one in skipped(root)[1]] == [4]


@pytest.mark.parametrize("column", ["isic_id", "image_id"])
def test_an_id_stands_once(tmp_path: Path, column: str) -> None:
    rows = "images/a.jpg,benign,I1\nimages/b.jpg,malignant,I2\nimages/c.jpg,benign,I1\n"
    root = manifest(tmp_path, rows, f"file,label,{column}\n")
    assert reason(root).endswith(f"manifest.csv: row 4: {column} I1 stands in row 2 too")
    assert len(skipped(root)[0]) == 2


def test_one_image_under_two_labels_is_left_out_twice(tmp_path: Path) -> None:
    root = manifest(
        tmp_path, GOOD + "images/c.jpg,malignant,,,L1,,,,\nimages/d.jpg,benign,,,L1,,,,\n"
    )
    (root / "images/d.jpg").write_text("images/c.jpg")
    assert reason(root).splitlines() == [
        f"{root / 'manifest.csv'}: row 4: called malignant, but the same image in row 5 is benign",
        "  row 5: called benign, but the same image in row 4 is malignant",
    ]
    assert [image.path for image in skipped(root)[0]] == ["images/a.jpg", "images/b.jpg"]


def test_one_image_in_two_class_folders_is_named_by_its_files(tmp_path: Path) -> None:
    root = fill(tmp_path, "benign/1.jpg", "benign/2.jpg", "malignant/3.jpg", "malignant/4.jpg")
    (root / "malignant/4.jpg").write_text("benign/2.jpg")
    assert "benign/2.jpg: called benign, but the same image in malignant/4.jpg is" in reason(root)
    images, bad = skipped(root)
    assert [image.path for image in images] == ["benign/1.jpg", "malignant/3.jpg"]
    assert [(one.row, one.file) for one in bad] == [
        (None, "benign/2.jpg"),
        (None, "malignant/4.jpg"),
    ]


def test_an_empty_group_is_named_by_the_first_row_of_its_split(tmp_path: Path) -> None:
    rows = "images/c.jpg,benign,test,,,,,,\nimages/d.jpg,benign,test,,,,,,\n"
    root = manifest(tmp_path, GOOD + rows)
    assert reason(root).endswith(
        "row 4: split test, of 2 images from here on, has no malignant images"
    )
    images, bad = skipped(root)
    assert [image.path for image in images] == ["images/a.jpg", "images/b.jpg"]
    assert [one.row for one in bad] == [4]
    with pytest.raises(DataError, match="no malignant images in split test"):
        skipped(root, "test")


def test_a_class_that_is_empty_once_bad_rows_are_gone_is_an_error(tmp_path: Path) -> None:
    root = manifest(tmp_path, "images/a.jpg,benign,,,,,,,\nnowhere.jpg,malignant,,,,,,,\n")
    with pytest.raises(DataError, match="no malignant images"):
        skipped(root)


def test_what_a_skipped_image_joins_hangs_together(tmp_path: Path) -> None:
    root = manifest(tmp_path / "isic", GOOD + "images/d.jpg,benign,,,,,,,\n")
    fill(root, "images/c.jpg")
    with (root / "manifest.csv").open("a") as table:
        table.write("isic/images/c.jpg,cancer,,,,,,,\n")
    (root / "near_duplicates.csv").write_text(
        "file_a,file_b\nimages/a.jpg,images/c.jpg\nimages/d.jpg,images/c.jpg\n"
    )
    images, bad = skipped(root)
    assert [one.row for one in bad] == [5]
    groups = {image.path: image.group for image in images}
    assert groups["images/a.jpg"] == groups["images/d.jpg"] != groups["images/b.jpg"]


def test_a_pair_of_a_stranger_is_a_bad_row_of_its_own_table(tmp_path: Path) -> None:
    root = manifest(tmp_path, GOOD)
    (root / "near_duplicates.csv").write_text("file_a,file_b\nimages/a.jpg,images/z.jpg\n")
    images, bad = skipped(root)
    assert len(images) == 2
    assert [str(one) for one in bad] == [
        f"{root / 'near_duplicates.csv'}: row 2: "
        "names an image that is not in the data: images/z.jpg"
    ]
