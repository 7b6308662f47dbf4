import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_model import patients

from services.audit.auditing import audit
from services.audit.doubts import doubts
from services.audit.looks import file_facts, look_at
from services.audit.shortcuts import shortcut
from services.audit.verdicts import BAD
from services.commands.audit_data import audit_data
from services.commands.audit_page import audit_page, audit_table
from simulator.cases.datasets import LabelledImage, read_data
from twin.dermoscopy.render import render
from twin.errors import DataError, ImageError
from twin.folds import lesion_folds


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have rendered lesions: malignant ones are compressed in another way, and one leaks."""
    root = tmp_path_factory.mktemp("audited")
    for place, patient in enumerate(patients(60, seed=21)):
        label = "malignant" if patient.malignant else "benign"
        folder = root / ("test" if place >= 40 else "train") / label
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(render(patient.image.recipe))
        sampling = 2 if patient.malignant else 0
        picture.save(folder / f"{place}.jpg", quality=92, subsampling=sampling)
    again = next((root / "train" / "benign").iterdir())
    Image.open(again).save(root / "test" / "benign" / "again.jpg", quality=80, subsampling=0)
    (root / "test" / "benign" / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    Image.new("RGB", (224, 224), (90, 40, 40)).save(root / "test" / "benign" / "blank.jpg")
    return root


@pytest.fixture(scope="module")
def result(root: Path):
    return {
        **audit(read_data(root), quick=True, on_progress=quiet, threads=1),
        "wall_s": 1.0,
    }


def words(result, verdict: str) -> str:
    return " ".join(one["words"] for one in result["verdicts"] if one["verdict"] == verdict)


def test_a_leaked_picture_is_found_by_its_looks(result) -> None:
    assert result["leaks"]["leaked"] == ["test/benign/again.jpg"]
    assert "1 of" in words(result, BAD) and "quote the part without" in words(result, BAD).lower()
    near = result["duplicates"]["near"]
    assert [one["across_splits"] for one in near] == [True]


def test_compression_that_differs_by_class_is_a_shortcut(result) -> None:
    found = {one["name"]: one for one in result["shortcuts"]["files"]}
    sampling = found["JPEG chroma subsampling"]
    assert sampling["auc"] > 0.95
    assert sampling["by_class"]["malignant"].startswith("4:2:0 100%")
    assert "without any pixel" in words(result, BAD)
    assert "width" in result["shortcuts"]["constant"]


def test_faults_and_oddities_are_named(result) -> None:
    assert any("broken.jpg" in fault for fault in result["faults"])
    assert result["oddities"] == ["test/benign/blank.jpg: one colour all over"]


def test_what_is_not_known_is_said(result) -> None:
    said = words(result, "not known")
    assert "Sources are not stated" in said
    assert "--quick" in said


def test_page_and_table_hold_the_verdicts(result) -> None:
    shown = audit_page(result)
    assert "JPEG chroma subsampling" in shown
    assert "test/benign/again.jpg" in shown
    assert len(audit_table(result).renderables) >= 3


def test_a_fact_that_is_noise_does_not_help() -> None:
    stream = np.random.default_rng(4)
    y = stream.random(400) < 0.4
    groups = [str(place // 2) for place in range(400)]
    folds = lesion_folds(y, groups, 5, 0)
    noise = shortcut("noise", stream.random(400).tolist(), y, groups, folds)
    assert noise is not None and not noise.helps
    assert noise.low < 0.5 < noise.high
    ages = [None if k % 7 == 0 else float(v) for k, v in enumerate(50 + 12 * y)]
    told = shortcut("age", ages, y, groups, folds)
    assert told is not None and told.helps
    assert "unknown" in told.by_class["benign"]
    assert shortcut("same", ["jpg"] * 400, y, groups, folds) is None


def test_doubts_are_ordered_by_the_strength_of_contradiction() -> None:
    images = [
        LabelledImage(path=str(place), sha256="", malignant=ill, split=None, group=str(place))
        for place, ill in enumerate([True, True, False, False, True])
    ]
    found = doubts(images, np.array([0.04, 0.01, 0.97, 0.5, 0.9]))
    assert [(one.path, one.label, one.rank) for one in found] == [
        ("1", "malignant", 1),
        ("2", "benign", 1),
        ("0", "malignant", 2),
    ]


def test_what_is_no_image_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"text")
    assert "a.jpg" in str(look_at(tmp_path, "a.jpg").fault)
    assert "missing.jpg" in str(look_at(tmp_path, "missing.jpg").fault)
    with pytest.raises(ImageError):
        file_facts(b"text")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("benign/1.jpg",), "no malignant images"),
        (("gutartig/1.jpg", "melanom/1.jpg"), "not named benign or malignant"),
        (("benign/1.jpg", "malignant/1.jpg"), "4 lesions of each class are the least"),
    ],
)
def test_hostile_directories_are_refused(tmp_path: Path, names, said: str) -> None:
    for place, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), (100 * place, 40, 40)).save(tmp_path / name)
    with pytest.raises(DataError, match=said):
        audit_data(tmp_path, quick=True)


def test_ten_images_are_audited_with_warnings_and_without_doubts(tmp_path: Path) -> None:
    stream = np.random.default_rng(2)
    for place in range(10):
        folder = tmp_path / ("benign" if place < 5 else "malignant")
        folder.mkdir(exist_ok=True)
        noise = stream.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{place}.png")
    found = audit(read_data(tmp_path), quick=False, on_progress=quiet, threads=1)
    assert found["labels"] is None
    assert any("50 lesions of each class are the least" in note for note in found["notes"])
    assert "may have missed it" in words(found, "be careful")


@pytest.mark.slow
def test_the_command_writes_page_and_json_with_labels_in_doubt(
    root: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("DERMTWIN_THREADS", "1")
    monkeypatch.setattr("services.audit.auditing._FEWEST_TO_DOUBT", 10)
    audit_data(root, out=tmp_path / "out")
    found = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert 0 <= found["labels"]["cross_validated"]["auc"] <= 1
    assert (tmp_path / "out" / "audit.html").read_text().startswith("<!doctype html>")
    assert found["labels"]["doubts"] == sorted(
        found["labels"]["doubts"],
        key=lambda one: abs(one["p_malignant"] - (one["label"] == "benign")),
    )
