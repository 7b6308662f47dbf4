"""HAM10000's and the ISIC archive's own tables, and one vocabulary over all of them."""

import os
from collections import Counter
from pathlib import Path

import pytest
from data_directories import fill, manifest, reason

from simulator.cases.datasets import load_images, read_data
from simulator.cases.diagnoses import (
    DIAGNOSES,
    HAM10000,
    diagnosis_of,
    isic_diagnosis_of,
    isic_label_of,
)

HAM = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"


def ham10000(root: Path, rows: str) -> Path:
    (root / "HAM10000_metadata.csv").write_text(HAM + rows)
    return root


def test_a_ham10000_directory_is_read(tmp_path: Path) -> None:
    root = fill(
        tmp_path,
        "ISIC_1.jpg",
        "images/ISIC_2.jpg",
        "HAM10000_images_part_1/ISIC_3.jpg",
        "HAM10000_images_part_2/ISIC_4.jpg",
    )
    ham10000(
        root,
        "HAM_1,ISIC_1,nv,histo,45.0,male,trunk\n"
        "HAM_2,ISIC_2,mel,histo,50.0,female,back\n"
        "HAM_2,ISIC_3,mel,histo,50.0,female,back\n"
        "HAM_3,ISIC_4,akiec,histo,,unknown,unknown\n",
    )
    images = {image.path.rsplit("/")[-1]: image for image in load_images(root)}
    first = images["ISIC_1.jpg"]
    assert (first.malignant, first.diagnosis, first.group) == (False, "nevus", "HAM_1")
    assert (first.age, first.sex, first.site, first.split) == (45, "male", "trunk", None)
    assert images["ISIC_2.jpg"].group == images["ISIC_3.jpg"].group == "HAM_2"
    last = images["ISIC_4.jpg"]
    assert (last.path, last.malignant) == ("HAM10000_images_part_2/ISIC_4.jpg", True)
    assert (last.diagnosis, last.age, last.sex, last.site) == ("actinic_keratosis", *[None] * 3)


@pytest.mark.parametrize(("dx", "malignant"), [(dx, dx in "mel bcc akiec") for dx in HAM10000])
def test_malignancy_follows_from_ham10000s_diagnosis(
    tmp_path: Path, dx: str, malignant: bool
) -> None:
    root = fill(tmp_path, "images/a.jpg", "images/b.jpg", "images/c.jpg")
    ham10000(root, f"L1,a,nv,,,,\nL2,b,mel,,,,\nL3,c,{dx},,,,\n")
    assert load_images(root)[2].malignant == malignant


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("L3,c,scc,,,,", "row 4: dx 'scc' is none of nv, bkl, df, vasc, mel, bcc, akiec"),
        ("L3,z,nv,,,,", "row 4: no such file in the directory: z"),
        ("L3,a,nv,,,,", "row 4: a stands in row 2 too"),
        ("L3,../images/c,nv,,old,,", "row 4: age 'old'"),
    ],
)
def test_a_wrong_row_of_ham10000_is_named(tmp_path: Path, row: str, words: str) -> None:
    root = fill(tmp_path, "images/a.jpg", "images/b.jpg", "images/c.jpg")
    ham10000(root, f"L1,a,nv,,,,\nL2,b,mel,,,,\n{row}\n")
    assert f"HAM10000_metadata.csv: {words}" in reason(root)


def test_the_archives_own_metadata_is_read(tmp_path: Path) -> None:
    root = fill(tmp_path, "ISIC_1.jpg", "images/ISIC_2.JPG", "ISIC_3.jpg", "ISIC_4.jpg")
    (root / "metadata.csv").write_text(
        "isic_id,attribution,copyright_license,age_approx,anatom_site_general,diagnosis_1,"
        "diagnosis_2,diagnosis_3,fitzpatrick_skin_type,lesion_id,sex\n"
        "ISIC_1,Somebody,CC-0,55,head/neck,Benign,Benign melanocytic proliferations,Nevus,III,IL_1,"
        "female\n"
        "ISIC_2,Somebody,CC-0,60,,Malignant,Malignant melanocytic proliferations (Melanoma),"
        "Melanoma Invasive,,,male\n"
        "ISIC_3,Somebody,CC-0,60,,Indeterminate,,Atypical Spitz tumor,,,male\n"
        "ISIC_4,Somebody,CC-0,60,,,,,,,male\n"
    )
    data = read_data(root)
    assert not data.bad
    assert [(one.row, one.reason) for one in data.unlabelled] == [
        (4, "called indeterminate"),
        (5, "neither benign nor malignant is said of it"),
    ]
    nevus, melanoma = data.images
    assert (nevus.malignant, nevus.diagnosis, nevus.group) == (False, "nevus", "IL_1")
    assert (nevus.age, nevus.sex, nevus.site) == (55, "female", "head/neck")
    assert nevus.skin_tone == "III"
    assert (melanoma.path, melanoma.malignant) == ("images/ISIC_2.JPG", True)
    assert (melanoma.diagnosis, melanoma.skin_tone) == ("melanoma", None)


def test_a_manifest_wins_over_other_tables(tmp_path: Path) -> None:
    root = manifest(tmp_path, "images/a.jpg,benign,,,,,,,\nimages/b.jpg,malignant,,,,,,,\n")
    (root / "metadata.csv").write_text("isic_id\nz\n")
    ham10000(root, "L1,z,nv,,,,\n")
    assert len(load_images(root)) == 2


@pytest.mark.parametrize("column", ["fitzpatrick_skin_type", "skin_tone"])
def test_skin_tones_are_fitzpatrick_types(tmp_path: Path, column: str) -> None:
    cells = ["I", "vi", "3", "", "unknown"]
    rows = "".join(
        f"images/{place}.jpg,{'malignant' if place else 'benign'},{cell}\n"
        for place, cell in enumerate(cells)
    )
    root = manifest(tmp_path, rows, f"file,label,{column}\n")
    assert [image.skin_tone for image in load_images(root)] == ["I", "VI", "III", None, None]
    with (root / "manifest.csv").open("a") as table:
        table.write("images/0.jpg,benign,7\n")
    assert "row 7: skin tone '7' is no Fitzpatrick type I to VI" in reason(root)


@pytest.mark.parametrize(
    ("word", "diagnosis"),
    [
        ("nv", "nevus"),
        ("Nevus", "nevus"),
        ("BKL", "seborrheic_keratosis"),
        ("seborrheic_keratosis", "seborrheic_keratosis"),
        ("lichenoid keratosis", "seborrheic_keratosis"),
        ("Basal cell carcinoma", "basal_cell_carcinoma"),
        ("not melanoma", "not melanoma"),
        ("Squamous cell carcinoma, Invasive", "Squamous cell carcinoma, Invasive"),
        ("", None),
    ],
)
def test_diagnoses_have_one_vocabulary(word: str, diagnosis: str | None) -> None:
    assert diagnosis_of(word) == diagnosis


def test_every_class_of_ham10000_has_a_name_of_ours() -> None:
    assert set(HAM10000.values()) == set(DIAGNOSES)


@pytest.mark.parametrize(
    ("fields", "diagnosis"),
    [
        ({"diagnosis": "melanoma"}, "melanoma"),
        ({"diagnosis": "cafe-au-lait macule"}, "cafe-au-lait macule"),
        ({"diagnosis_1": "Benign"}, None),
        ({"diagnosis_2": "Benign soft tissue proliferations - Vascular"}, "vascular_lesion"),
        ({"diagnosis_2": "Benign epidermal proliferations"}, "Benign epidermal proliferations"),
        ({"diagnosis_2": "Cysts", "diagnosis_3": "Milium"}, "Milium"),
        ({"diagnosis_3": "Nevus", "diagnosis_4": "Nevus, Spitz"}, "nevus"),
        ({"diagnosis_3": "Nevus", "diagnosis": "melanoma"}, "nevus"),
    ],
)
def test_the_archives_path_of_diagnoses_has_one_name(
    fields: dict[str, str], diagnosis: str | None
) -> None:
    assert isic_diagnosis_of(fields) == diagnosis


@pytest.mark.parametrize(
    ("fields", "malignant"),
    [
        ({"diagnosis_1": "Benign"}, False),
        ({"diagnosis_1": "Malignant", "benign_malignant": "benign"}, True),
        ({"diagnosis_1": "Indeterminate", "benign_malignant": "benign"}, None),
        ({"benign_malignant": "malignant"}, True),
        ({"benign_malignant": "indeterminate/malignant"}, None),
        ({"diagnosis": "melanoma"}, None),
        ({}, None),
    ],
)
def test_the_archives_label_is_never_guessed(
    fields: dict[str, str], malignant: bool | None
) -> None:
    assert isic_label_of(fields) is malignant


@pytest.mark.data
def test_the_papers_diagnoses_are_in_our_vocabulary() -> None:
    root = os.environ.get("DERMTWIN_DATA")
    if not root:
        pytest.skip("DERMTWIN_DATA is not set")
    counts = Counter(image.diagnosis for image in load_images(Path(root), verify=True))
    assert (counts["nevus"], counts["melanoma"]) == (1801, 1065)
    assert set(counts) <= {*DIAGNOSES, None, "not melanoma"}
