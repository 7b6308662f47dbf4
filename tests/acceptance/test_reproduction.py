"""`dermtwin reproduce` on rendered lesions and a network that was never trained."""

import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image
from tiny_model import patients

from services.commands.reproduce import reproduce
from services.learning import Lesson
from services.reproduce.job import BASELINE, Order, carry_out
from services.reproduce.page import numbers, result_page
from services.reproduce.plan import QUICK, chosen
from simulator.cases.datasets import load_images
from twin.errors import DataError, ImageError
from twin.explain.methods import METHODS
from twin.imaging import Imaging
from twin.mobilenet.weights import random_weights

PLAN = replace(QUICK, map_images=30, epochs=1, explained=2, resamples=100)


class Interrupting:
    """Progress bars that lose patience at a step of a stage."""

    def __init__(self, stage=None, at=0):
        self.stage, self.at, self.told = stage, at, []

    def __call__(self, stage, done, total):
        self.told.append(stage)
        if stage == self.stage and done == self.at:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Class folders of 40 training and 24 test images."""
    root = tmp_path_factory.mktemp("lesions")
    counts = {True: 0, False: 0}
    for patient in patients(90, seed=11):
        place = counts[patient.malignant]
        counts[patient.malignant] += 1
        if place < 32:
            split = "train" if place < 20 else "test"
            label = "malignant" if patient.malignant else "benign"
            file = root / split / label / f"{place}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(Imaging().pixels(patient.image)).save(file)
    return root


@pytest.fixture(scope="module")
def order(folder, tmp_path_factory):
    return Order(
        root=folder,
        images=load_images(folder),
        plan=PLAN,
        weights=random_weights(3),
        why_no_weights="",
        home=tmp_path_factory.mktemp("home"),
        folder=tmp_path_factory.mktemp("report"),
        seed=0,
        threads=2,
    )


@pytest.fixture(scope="module")
def found(order):
    for stage, at in (("maps of early layers", 3), ("fold 2 of 2: features", 5)):
        with pytest.raises(KeyboardInterrupt):
            carry_out(order, Interrupting(stage, at))
    bars = Interrupting()
    return carry_out(order, bars), bars


def test_an_interrupted_reproduction_goes_on_where_it_was(found):
    carried_out, bars = found
    assert {"model", "early-layers", "map", "baseline", "times"} <= set(carried_out.reused)
    assert not {"early layers", "frozen blocks", "fold 1 of 2: features"} & set(bars.told)
    assert "fold 2 of 2: features" in bars.told


def test_interrupted_or_not_the_numbers_are_the_same(found, order, tmp_path):
    def told(one):
        kept = numbers(one)
        return {
            key: kept[key]
            for key in ("model_id", "evaluation", "early_layers", "baseline", "explanations")
        }

    (tmp_path / "steps").mkdir()
    for kind in ("maps", "fidelity", "times"):  # what was not interrupted need not be done again
        for file in (order.folder / "steps").glob(f"{kind}-*"):
            shutil.copy(file, tmp_path / "steps")
    undisturbed = carry_out(replace(order, folder=tmp_path), Interrupting())
    assert "baseline" not in undisturbed.reused
    assert told(undisturbed) == told(found[0])


def test_numbers_are_plain_json_with_every_answerer_in_every_view_it_has(found):
    kept = json.loads(json.dumps(numbers(found[0]), allow_nan=False))
    views = kept["evaluation"]["views"]
    split = views["split"]["answers"]
    assert {"stack", "knn", BASELINE} <= set(split)
    assert split["stack"]["n"] == 24
    assert views["folds"]["answers"]["stack"]["n"] == 64
    assert views["matched"]["why_not"] == "the directory states no sources"
    assert len(kept["meta"]["path"]) == 13
    assert kept["data"]["splits"]["train"]["images"] == 40
    assert kept["explanations"]["images"] == 2
    assert set(kept["explanations"]["methods"]) == set(METHODS)
    assert kept["fidelity"]["images"] == 24


def test_the_page_shows_every_part_and_says_what_it_is_not(found):
    page = result_page(found[0])
    for title in (
        "Table 2",
        "L1 path",
        "Training curve",
        "t-SNE of",
        "Where MobileNetV2",
        "Grad-CAM",
    ):
        assert title in page
    assert "stand for nothing" in page
    assert page.count("Grad-CAM of ") == len(found[0].baseline_maps) == 4
    assert {one.malignant for one in found[0].baseline_maps} == {True, False}
    assert "Test of one source is left out" in page
    assert "default-src &#x27;none&#x27;" in page  # nothing is fetched


@pytest.mark.usefixtures("found")
def test_without_the_network_its_parts_are_left_out_and_that_is_said(order):
    bare = replace(order, weights=None, why_no_weights="no file")
    found = carry_out(bare, Interrupting())
    assert any("no MobileNetV2: no file" in one for one in found.degraded)
    kept = numbers(found)
    assert kept["baseline"] is None
    assert BASELINE not in kept["evaluation"]["views"]["split"]["answers"]
    assert "Training curve" not in result_page(found)


def test_a_choice_of_images_is_spread_and_keeps_both_classes_of_each_split(folder):
    images = load_images(folder)
    some = chosen(images, 8)
    assert len(some) == 4 * 8
    assert {(one.split, one.malignant) for one in some} == {
        ("train", True),
        ("train", False),
        ("test", True),
        ("test", False),
    }
    assert chosen(images, None) == images


def test_a_quick_plan_learns_quickly():
    assert Lesson(quick=PLAN.is_quick_model).settings.name == "quick"


def some(folder, root, count):
    """Copy a few images of each class, without a split."""
    for label in ("benign", "malignant"):
        (root / label).mkdir(parents=True)
        for file in sorted((folder / "train" / label).iterdir())[:count]:
            shutil.copy(file, root / label)
    return root


def test_ten_images_are_no_ground_and_nothing_is_written(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path / "home"))
    data, out = some(folder, tmp_path / "ten", 5), tmp_path / "out"
    with pytest.raises(DataError, match=r"5 benign and 5 malignant .* 10 lesions of each class"):
        reproduce(data=data, without_mobilenet=True, quick=True, out=out)
    assert not out.exists()


def test_a_broken_image_is_named_or_left_out_on_request(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path / "home"))
    data = some(folder, tmp_path / "data", 18)
    (data / "benign" / "broken.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"broken\.png: not an image"):
        reproduce(data=data, without_mobilenet=True, quick=True, out=tmp_path / "out")
    reproduce(
        data=data,
        without_mobilenet=True,
        quick=True,
        out=tmp_path / "out",
        skip_bad=True,
        as_json=True,
    )
    result = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in result["skipped"]] == ["benign/broken.png"]
    assert any("no test split" in one for one in result["degraded"])
    assert (tmp_path / "out" / "reproduction.html").is_file()
