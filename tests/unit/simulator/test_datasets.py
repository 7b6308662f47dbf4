"""Directories of images: two layouts, and an error that names the place for all else."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from data_directories import fill, manifest, reason

from simulator.cases.datasets import LabelledImage, data_digest, load_images
from twin.images import FileRef


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_class_folders_are_read(tmp_path: Path) -> None:
    root = fill(tmp_path, "malignant/b.png", "benign/c.JPG", "benign/a.jpeg")
    images = load_images(root)
    assert [(image.path, image.malignant) for image in images] == [
        ("benign/a.jpeg", False),
        ("benign/c.JPG", False),
        ("malignant/b.png", True),
    ]
    assert images[0] == LabelledImage(
        path="benign/a.jpeg",
        sha256=sha256("benign/a.jpeg"),
        malignant=False,
        split=None,
        group="benign/a.jpeg",
    )
    assert images[0].ref == FileRef(path="benign/a.jpeg", sha256=sha256("benign/a.jpeg"))


SPLIT = ("train/benign/1.jpg", "train/malignant/2.jpg", "test/benign/3.jpg", "test/malignant/4.jpg")


def test_class_folders_in_splits_are_read(tmp_path: Path) -> None:
    root = fill(tmp_path, *SPLIT)
    assert [(image.path, image.split) for image in load_images(root)] == [
        ("test/benign/3.jpg", "test"),
        ("test/malignant/4.jpg", "test"),
        ("train/benign/1.jpg", "train"),
        ("train/malignant/2.jpg", "train"),
    ]
    assert [image.path for image in load_images(root, split="train")] == list(SPLIT[:2])


def test_names_of_folders_may_be_in_capitals(tmp_path: Path) -> None:
    images = load_images(fill(tmp_path, "Train/Benign/1.jpg", "Train/MALIGNANT/2.jpg"))
    assert [(image.path, image.split, image.malignant) for image in images] == [
        ("Train/Benign/1.jpg", "train", False),
        ("Train/MALIGNANT/2.jpg", "train", True),
    ]


def test_folders_that_differ_by_case_only_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, "benign/1.jpg", "Benign/2.jpg", "malignant/3.jpg")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system does not tell capitals apart")
    assert "by case only" in reason(tmp_path)


def test_files_that_are_no_images_are_left_out(tmp_path: Path) -> None:
    root = fill(tmp_path, "benign/1.jpg", "benign/Thumbs.db", "malignant/2.jpg", "notes/x.jpg")
    (root / "benign" / "folder.jpg").mkdir()
    assert [image.path for image in load_images(root)] == ["benign/1.jpg", "malignant/2.jpg"]


def test_a_manifest_is_read(tmp_path: Path) -> None:
    root = manifest(
        tmp_path,
        f"images/b.jpg,Malignant,TEST,{'AB' * 32},L1,mel,61.0,Male,back\n"
        "images/a.jpg,benign,test,,,,,,\n",
    )
    assert load_images(root) == [
        LabelledImage(
            path="images/a.jpg",
            sha256=sha256("images/a.jpg"),
            malignant=False,
            split="test",
            group="images/a.jpg",
        ),
        LabelledImage(
            path="images/b.jpg",
            sha256="ab" * 32,  # as stated: whoever reads the image verifies it
            malignant=True,
            split="test",
            group="L1",
            age=61,
            sex="male",
            site="back",
            diagnosis="melanoma",
        ),
    ]


def test_two_columns_are_enough(tmp_path: Path) -> None:
    root = manifest(tmp_path, "images/a.jpg,benign\nimages/b.jpg,malignant\n", "file,label\n")
    assert [image.malignant for image in load_images(root)] == [False, True]


def test_a_byte_order_mark_spaces_and_further_columns_do_not_matter(tmp_path: Path) -> None:
    rows = "images/a.jpg, benign,face,x\nimages/b.jpg,malignant ,unknown,y\n"
    images = load_images(manifest(tmp_path, rows, "\ufefffile,label,site,comment\n"))
    assert [(image.malignant, image.site) for image in images] == [(False, "face"), (True, None)]


def test_unknown_is_unknown(tmp_path: Path) -> None:
    rows = (
        "images/a.jpg,benign,,,,unknown,unknown,Unknown,unknown\nimages/b.jpg,malignant,,,,,,f,\n"
    )
    first, second = load_images(manifest(tmp_path, rows))
    assert (first.diagnosis, first.age, first.sex, first.site) == (None,) * 4
    assert second.sex == "female"


def test_a_manifest_wins_over_folders(tmp_path: Path) -> None:
    fill(tmp_path, "benign/x.jpg", "malignant/y.jpg")
    root = manifest(tmp_path, "images/a.jpg,benign,,,,,,,\nimages/b.jpg,malignant,,,,,,,\n")
    assert [image.path for image in load_images(root)] == ["images/a.jpg", "images/b.jpg"]


def test_cells_may_begin_with_the_directorys_own_name(tmp_path: Path) -> None:
    root = fill(tmp_path / "isic", "test/benign/1.jpg", "test/malignant/2.jpg")
    (root / "manifest.csv").write_text(
        "file,label\nisic/test/benign/1.jpg,benign\ntest/malignant/2.jpg,malignant\n"
    )
    assert [image.path for image in load_images(root)] == [
        "test/benign/1.jpg",
        "test/malignant/2.jpg",
    ]


def test_the_directory_may_be_named_in_any_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fill(tmp_path / "real", "benign/1.jpg", "malignant/2.jpg")
    (root / "manifest.csv").write_text(
        "file,label\nisic/benign/1.jpg,benign\nisic/malignant/2.jpg,malignant\n"
    )
    (tmp_path / "isic").symlink_to(root)
    wanted = ["benign/1.jpg", "malignant/2.jpg"]
    assert [image.path for image in load_images(tmp_path / "isic")] == wanted
    monkeypatch.chdir(tmp_path)
    assert [image.path for image in load_images(Path("real/../isic"))] == wanted


def test_images_of_one_lesion_share_a_group_across_splits(tmp_path: Path) -> None:
    rows = (
        "images/a.jpg,benign,train,,L1,,,,\n"
        "images/b.jpg,malignant,train,,L2,,,,\n"
        "images/c.jpg,benign,test,,L1,,,,\n"
        "images/d.jpg,malignant,test,,,,,,\n"
    )
    root = manifest(tmp_path, rows)
    groups = {image.path: image.group for image in load_images(root)}
    assert groups["images/a.jpg"] == groups["images/c.jpg"]
    assert len(set(groups.values())) == 3
    assert {image.group for image in load_images(root, split="test")} == {
        groups["images/c.jpg"],
        groups["images/d.jpg"],
    }


def test_equal_content_is_one_group(tmp_path: Path) -> None:
    root = fill(tmp_path, "benign/1.jpg", "benign/2.jpg", "malignant/3.jpg")
    (root / "benign/2.jpg").write_text("benign/1.jpg")
    groups = [image.group for image in load_images(root)]
    assert groups[0] == groups[1] != groups[2]


@pytest.mark.parametrize("backwards", [False, True])
def test_near_duplicates_merge_groups_in_any_order(tmp_path: Path, backwards: bool) -> None:
    rows = "".join(
        f"images/{name}.jpg,{label},,,{lesion},,,,\n"
        for name, label, lesion in [
            ("a", "benign", "L9"),
            ("b", "benign", "L1"),
            ("c", "malignant", "L1"),
            ("d", "malignant", ""),
            ("e", "malignant", "L5"),
        ]
    )
    root = manifest(tmp_path, rows)
    pairs = ["images/a.jpg,images/b.jpg\n", "images/d.jpg,images/c.jpg\n"]
    (root / "near_duplicates.csv").write_text(
        "file_a,file_b\n" + "".join(reversed(pairs) if backwards else pairs)
    )
    # a, b, c and d hang together by a-b, b's lesion, and d-c; the least name stands for all.
    assert [image.group for image in load_images(root)] == ["L1", "L1", "L1", "L1", "L5"]


def test_near_duplicates_must_be_in_the_data(tmp_path: Path) -> None:
    root = fill(tmp_path, "benign/1.jpg", "malignant/2.jpg", "other/3.jpg")
    (root / "near_duplicates.csv").write_text("file_a,file_b\nbenign/1.jpg,other/3.jpg\n")
    assert "near_duplicates.csv: row 2: names an image that is not in the data" in reason(root)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert reason(tmp_path / "nowhere").endswith("nowhere: no such directory")


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    assert reason(fill(tmp_path, "a.jpg") / "a.jpg").endswith("no such directory")


def test_a_directory_without_images_says_what_was_expected(tmp_path: Path) -> None:
    assert "no images: expected manifest.csv, or folders" in reason(tmp_path)


@pytest.mark.parametrize("path", ["cats/1.jpg", "train/cats/1.jpg"])
def test_folders_that_name_no_class_are_named(tmp_path: Path, path: str) -> None:
    said = reason(fill(tmp_path, path))
    assert "class folders cats are not named benign or malignant" in said
    assert str(tmp_path / "classes.csv") in said


def test_a_manifest_without_rows_has_no_images(tmp_path: Path) -> None:
    assert "no images" in reason(manifest(tmp_path, ""))


@pytest.mark.parametrize(("there", "empty"), [("benign", "malignant"), ("malignant", "benign")])
def test_an_empty_class_is_named(tmp_path: Path, there: str, empty: str) -> None:
    root = fill(tmp_path, f"{there}/1.jpg")
    (root / empty).mkdir()
    assert reason(root).endswith(f"no {empty} images")


def test_an_empty_class_in_one_split_is_named_when_that_split_is_asked_for(tmp_path: Path) -> None:
    root = fill(tmp_path, *SPLIT[:3])
    assert len(load_images(root, split="train")) == 2
    assert reason(root, "test").endswith("no malignant images in split test")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("images/z.jpg,cancer,,,,,,,", "row 3: label 'cancer' is not benign or malignant"),
        ("images/z.jpg,,,,,,,,", "row 3: label '' is not benign or malignant"),
        ("nowhere/z.jpg,benign,,,,,,,", "row 3: no such file in the directory: nowhere/z.jpg"),
        (",benign,,,,,,,", "row 3: no such file"),
        (".,benign,,,,,,,", "row 3: no such file"),
        ("../outside.jpg,benign,,,,,,,", "row 3: no such file"),
        ("images/a.jpg,benign,,,,,,,", "row 3: images/a.jpg stands in row 2 too"),
        ("images/../images/a.jpg,benign,,,,,,,", "stands in row 2 too"),
        ("images/z.jpg,benign,dev,,,,,,", "row 3: split 'dev' is not train or test"),
        ("images/z.jpg,benign,,abc,,,,,", "row 3: sha256 'abc' is not 64 hexadecimal digits"),
        ("images/z.jpg,benign,,,,,old,,", "row 3: age 'old' is no age in years"),
        ("images/z.jpg,benign,,,,,-3,,", "row 3: age '-3' is no age in years"),
        ("images/z.jpg,benign,,,,,nan,,", "row 3: age 'nan' is no age in years"),
        ("images/z.jpg,benign,,,,,,x,", "row 3: sex 'x' is not female or male"),
        ("images/z.jpg,benign,,,,,,,,,extra", "row 3: more cells than columns"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, words: str) -> None:
    fill(tmp_path, "outside.jpg")
    root = tmp_path / "data"
    root.mkdir()
    manifest(root, f"images/a.jpg,malignant,,,,,,,\n{row}\n")
    text = reason(root)
    assert text.startswith(f"{root / 'manifest.csv'}: row 3: ")
    assert words in text


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    assert "row 1: no column label" in reason(manifest(tmp_path, "images/a.jpg\n", "file\n"))


def test_an_empty_manifest_has_no_columns(tmp_path: Path) -> None:
    assert "row 1: no column file, label" in reason(manifest(tmp_path, "", ""))


def test_a_manifest_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"file,label\n\xff\xfe,benign\n")
    assert "is no CSV file in UTF-8" in reason(tmp_path)


def test_the_digest_depends_on_paths_contents_and_labels_and_not_on_order(tmp_path: Path) -> None:
    images = load_images(fill(tmp_path, "benign/1.jpg", "malignant/2.jpg"))
    digest = data_digest(images)
    assert len(digest) == 64
    assert data_digest(reversed(images)) == digest
    assert data_digest([replace(image, age=5, group="x") for image in images]) == digest
    for change in ({"path": "x.jpg"}, {"sha256": "0" * 64}, {"malignant": True}):
        assert data_digest([replace(images[0], **change), images[1]]) != digest  # type: ignore[arg-type]
    assert data_digest(images[:1]) != digest


@pytest.mark.data
def test_the_papers_data_set_is_read_as_published() -> None:
    root = os.environ.get("DERMTWIN_DATA")
    if not root:
        pytest.skip("DERMTWIN_DATA is not set")
    train, test = (load_images(Path(root), split=split) for split in ("train", "test"))
    assert [sum(image.malignant for image in part) for part in (train, test)] == [1197, 300]
    assert [len(part) for part in (train, test)] == [2637, 660]
    # Lesions that stand on both sides must be known as such.
    assert len({image.group for image in train} & {image.group for image in test}) >= 96
    some = test[7]
    assert hashlib.sha256((Path(root) / some.path).read_bytes()).hexdigest() == some.sha256
