"""`dermtwin data` and `train --skip-bad`, called in this process."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from isic_server import Fault, isic_server
from PIL import Image
from tiny_model import tiny_model
from typer.testing import CliRunner, Result

from services import console
from services.cli import app
from simulator.cases.datasets import load_images
from twin.errors import DataError, SettingsError


@pytest.fixture(autouse=True)
def streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner replaces standard output; nobody may keep hold of the real one."""
    monkeypatch.setattr("services.cli.claim_standard_output", lambda: None)
    monkeypatch.setattr(console, "_results", None)


def dermtwin(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def parsed(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def directory(root: Path, *more: str) -> Path:
    """Six pictures, three of each class; e.png is nearly a.png."""
    random = np.random.default_rng(1)
    (root / "images").mkdir(parents=True)
    for name in "abcdf":
        pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(root / f"images/{name}.png")
    with Image.open(root / "images/a.png") as original:
        original.point(lambda value: int(value * 0.9)).save(root / "images/e.png")
    rows = [f"images/{name}.png,benign,L{name}\n" for name in "abc"]
    rows += [f"images/{name}.png,malignant,L{name}\n" for name in "def"]
    (root / "manifest.csv").write_text("file,label,lesion_id\n" + "".join([*rows, *more]))
    return root


def test_check_tells_counts(tmp_path: Path) -> None:
    result = dermtwin("data", "check", str(directory(tmp_path / "data")), "--json")
    assert result.exit_code == 0, result.output
    found = parsed(result)
    assert (found["images"], found["lesions"], found["layout"]) == (6, 6, "manifest.csv")
    assert found["by"]["label"] == {"benign": 3, "malignant": 3}
    assert found["bad_rows"] == []


def test_check_ends_with_2_when_rows_are_bad_and_names_them(tmp_path: Path) -> None:
    root = directory(tmp_path / "data", "images/z.png,benign,L9\n")
    result = dermtwin("data", "check", str(root), "--json")
    assert result.exit_code == 2
    assert parsed(result)["bad_rows"] == [
        {
            "table": str(root / "manifest.csv"),
            "row": 8,
            "file": "images/z.png",
            "reason": "no such file in the directory: images/z.png",
        }
    ]
    skipping = dermtwin("data", "check", str(root), "--skip-bad", "--json")
    assert skipping.exit_code == 0
    assert parsed(skipping) == parsed(result)


def test_check_decodes_images_if_asked(tmp_path: Path) -> None:
    root = directory(tmp_path / "data", "images/g.png,benign,L9\n")
    (root / "images/g.png").write_bytes(b"no image")
    assert dermtwin("data", "check", str(root)).exit_code == 0
    result = dermtwin("data", "check", str(root), "--decode", "--json")
    assert result.exit_code == 2
    (bad,) = parsed(result)["bad_rows"]
    assert bad["row"] == 8
    assert "images/g.png: not an image" in bad["reason"]
    assert parsed(result)["images"] == 6


def test_check_prints_a_table(tmp_path: Path) -> None:
    result = dermtwin("data", "check", str(directory(tmp_path / "data")))
    assert "benign 3, malignant 3" in result.stdout


def test_near_duplicates_are_written_and_then_keep_lesions_together(tmp_path: Path) -> None:
    root = directory(tmp_path / "data")
    result = dermtwin("data", "near-duplicates", str(root), "--json")
    assert result.exit_code == 0, result.output
    found = parsed(result)
    assert (found["pairs"], found["across_labels"], found["across_lesions"]) == (1, 1, 1)
    assert found["stated"] is None
    with (root / "near_duplicates.csv").open() as table:
        (row,) = csv.DictReader(table)
    assert (row["file_a"], row["file_b"]) == ("images/a.png", "images/e.png")
    assert float(row["correlation"]) > 0.97
    groups = {image.path: image.group for image in load_images(root)}
    assert groups["images/a.png"] == groups["images/e.png"]


def test_a_list_that_is_there_is_compared_with_and_kept(tmp_path: Path) -> None:
    root = directory(tmp_path / "data")
    stated = "file_a,file_b\nimages/a.png,images/e.png\nimages/b.png,images/c.png\n"
    (root / "near_duplicates.csv").write_text(stated)
    refused = dermtwin("data", "near-duplicates", str(root))
    assert isinstance(refused.exception, SettingsError)
    assert "is there already" in str(refused.exception)
    nowhere = dermtwin("data", "near-duplicates", str(root), "--out", str(tmp_path / "no/p.csv"))
    assert isinstance(nowhere.exception, SettingsError)
    out = tmp_path / "pairs.csv"
    result = dermtwin("data", "near-duplicates", str(root), "--out", str(out), "--json")
    assert parsed(result)["stated"] == {
        "stated": 2,
        "found_of_them": 1,
        "recall": 0.5,
        "precision": 1.0,
    }
    assert out.is_file()
    assert (root / "near_duplicates.csv").read_text() == stated


def test_an_image_that_cannot_be_read_is_not_compared_and_said(tmp_path: Path) -> None:
    root = directory(tmp_path / "data", "images/g.png,benign,L9\n")
    (root / "images/g.png").write_bytes(b"no image")
    found = parsed(dermtwin("data", "near-duplicates", str(root), "--json"))
    assert found["pairs"] == 1
    (reason,) = found["not_compared"]
    assert "images/g.png" in reason


def test_near_duplicates_are_not_sought_among_bad_rows(tmp_path: Path) -> None:
    root = directory(tmp_path / "data", "images/z.png,benign,L9\n")
    assert isinstance(dermtwin("data", "near-duplicates", str(root)).exception, DataError)
    found = parsed(dermtwin("data", "near-duplicates", str(root), "--skip-bad", "--json"))
    assert (found["pairs"], [one["row"] for one in found["skipped"]]) == (1, [8])


@pytest.mark.slow
def test_train_goes_on_without_bad_rows_and_lists_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def learn(home: Path, root: Path, images: list[Any], *rest: object) -> tuple[Any, Path, bool]:
        seen.append([image.path for image in images])
        return tiny_model(), home, True

    def no_minimum(*args: object, **more: object) -> list[str]:
        return []  # this directory is smaller than any fit may be

    monkeypatch.setattr("services.learning.learn_images", learn)
    monkeypatch.setattr("services.ground.require_ground", no_minimum)
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path / "home"))
    root = directory(tmp_path / "data", "images/z.png,benign,L9\n")
    (root / "images/c.png").write_bytes(b"no image")
    table = root / "manifest.csv"
    text = table.read_text().replace("lesion_id\n", "lesion_id,sha256\n")
    table.write_text(text.replace("b.png,benign,Lb", f"b.png,benign,Lb,{'0' * 64}"))
    stopped = dermtwin("train", "--data", str(root))
    assert isinstance(stopped.exception, DataError)
    assert "row 3: sha256 of images/b.png" in str(stopped.exception)
    assert "row 8: no such file" in str(stopped.exception)
    went_on = dermtwin("train", "--data", str(root), "--skip-bad", "--json")
    assert went_on.exit_code == 0, went_on.output
    assert seen == [[f"images/{name}.png" for name in "adef"]]
    assert [(one["row"], one["file"]) for one in parsed(went_on)["skipped"]] == [
        (3, "images/b.png"),
        (4, "images/c.png"),
        (8, "images/z.png"),
    ]
    assert parsed(went_on)["train"] == {"images": 4, "malignant": 3}


NEVUS = {"diagnosis_1": "Benign", "diagnosis_3": "Nevus"}
MELANOMA = {"diagnosis_1": "Malignant", "diagnosis_3": "Melanoma Invasive"}


def test_fetch_isic_tells_what_came(tmp_path: Path) -> None:
    with isic_server() as server:
        server.add(1, NEVUS)
        server.add(2, MELANOMA)
        server.add(3, {"diagnosis_1": "Indeterminate"})
        words = ("data", "fetch-isic", "--out", str(tmp_path / "isic"), "--api", server.api)
        result = dermtwin(*words, "--collection", "61", "--collection", "70", "--json")
        assert server.requests[0].query["collections"] == "61,70"
        again = dermtwin(*words)
    assert result.exit_code == 0, result.output
    found = parsed(result)
    assert (found["listed"], found["new"], found["stopped"]) == (3, 2, False)
    assert found["labels"] == {"benign": 1, "malignant": 1}
    assert found["unlabelled"] == {"called indeterminate": 1}
    assert found["licences"] == {"CC-BY": 2}
    assert "2 images, whole and unaltered" in again.stdout
    assert dermtwin("data", "check", str(tmp_path / "isic")).exit_code == 0


def test_fetch_isic_ends_with_1_when_an_image_is_gone(tmp_path: Path) -> None:
    with isic_server() as server:
        server.always[f"/files/{server.add(1, NEVUS)}.jpg"] = Fault(status=404)
        server.add(2, MELANOMA)
        words = ("data", "fetch-isic", "--out", str(tmp_path), "--api", server.api)
        result = dermtwin(*words, "--json")
        assert result.exit_code == 1
        assert set(parsed(result)["failed"]) == {"ISIC_0000001"}
        table = dermtwin(*words)
    assert table.exit_code == 1
    assert "ISIC_0000001" in table.stderr
    assert "there are no benign images yet" in table.stderr


def test_ctrl_c_ends_fetch_isic_with_130_and_the_next_run_goes_on(tmp_path: Path) -> None:
    words = ["data", "fetch-isic", "--out", str(tmp_path / "isic"), "--json"]
    with isic_server() as server:
        for number in range(6):
            server.add(number, MELANOMA if number % 2 else NEVUS)
        # The fourth file is asked for again and again: the server is busy for minutes.
        busy = "/files/ISIC_0000003.jpg"
        server.always[busy] = Fault(status=503, headers={"Retry-After": "60"})
        words += ["--api", server.api, "--parallel", "1"]
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            while busy not in [one.path for one in server.requests]:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            told, said = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 130, said
        assert "run the same command again to go on" in said
        assert json.loads(told)["stopped"] is True
        assert (tmp_path / "isic/manifest.csv").read_text().count("ISIC_000") >= 3
        server.always.clear()
        found = parsed(dermtwin(*words))
    assert (found["kept"] >= 3, found["kept"] + found["new"]) == (True, 6)
