import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiny_model import patients, tiny_model, tiny_parts

from actors.local import LocalStack
from services.artefacts import ArtefactStore
from services.commands.robustness_page import result_page
from services.image_store import FileReader
from services.robustness import PLAIN, Scores, judge, score_shifted, taken
from simulator.cases.datasets import LabelledImage, load_images
from twin.acquisition.acquisition import SEVERITIES
from twin.dermoscopy.render import render
from twin.errors import DataError
from twin.evaluate import auc
from twin.evaluation.resampling import weighted_aucs
from twin.ports import Opinion

COUNT = 6


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have a directory of rendered lesions, half of them called malignant."""
    root = tmp_path_factory.mktemp("lesions")
    for place, patient in enumerate(patients(COUNT, seed=9)):
        folder = root / "test" / ("malignant" if place % 2 else "benign")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(render(patient.image.recipe)).save(folder / f"{place}.png")
    return root


def labelled(score: np.ndarray, truth: np.ndarray, **more) -> Scores:
    groups = more.pop("groups", [f"lesion {place}" for place in range(len(truth))])
    return Scores({PLAIN: score, **more["under"]}, truth, groups, ())


@given(
    st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=1),
)
def test_weights_count_like_repeated_images(cases) -> None:
    score = np.array([one for one, _, _ in cases]) / 8
    truth = np.array([one for _, one, _ in cases])
    weights = np.array([[one for _, _, one in cases], [1] * len(cases)], float)
    for row, found in zip(weights, weighted_aucs(score, truth, weights), strict=True):
        times = row.astype(int)
        expected = auc(np.repeat(score, times), np.repeat(truth, times))
        assert np.isnan(found) if expected is None else found == pytest.approx(expected)


def test_scores_are_those_of_the_serving_path(root: Path) -> None:
    images = load_images(root, split="test")
    told: list[tuple[int, int]] = []
    names = ["hair", "jpeg"]
    scores = score_shifted(
        tiny_model(), root, images, names, lambda _, done, total: told.append((done, total))
    )
    assert told[-1] == (COUNT * 11, COUNT * 11)
    assert set(scores.p_malignant) == {PLAIN, *((n, s) for n in names for s in SEVERITIES)}
    stack = LocalStack(tiny_parts(), FileReader(root))
    try:
        for condition, found in scores.p_malignant.items():
            answers = stack.submit([taken(image, condition) for image in images]).collect()
            assert [one.p_malignant for one in answers if isinstance(one, Opinion)] == list(found)
    finally:
        stack.close()
    assert any((scores.p_malignant["jpeg", 5] != scores.p_malignant[PLAIN]).tolist())
    assert [bool(one) for one in scores.malignant] == [image.malignant for image in images]


def broken(root: Path) -> LabelledImage:
    (root / "broken.png").write_bytes(b"none")
    sha256 = hashlib.sha256(b"none").hexdigest()
    return LabelledImage(path="broken.png", sha256=sha256, malignant=True, split=None, group="x")


def test_what_cannot_be_read_is_told_and_left_out_everywhere(root: Path) -> None:
    images = [broken(root), *load_images(root, split="test")]
    scores = score_shifted(tiny_model(), root, images, ["hair"], quiet)
    assert len(scores.unscorable) == 1
    assert "broken.png" in scores.unscorable[0]
    assert {len(found) for found in scores.p_malignant.values()} == {COUNT}
    assert judge(scores)["unscorable"] == list(scores.unscorable)


def test_a_class_without_an_image_is_an_error(root: Path) -> None:
    with pytest.raises(DataError, match=r"no benign image could be scored.*broken\.png"):
        score_shifted(tiny_model(), root, [broken(root)], ["hair"], quiet)
    benign = [image for image in load_images(root) if not image.malignant]
    with pytest.raises(DataError, match=r"no malignant image could be scored$"):
        score_shifted(tiny_model(), root, benign, ["hair"], quiet)


def separated(by: float, truth: np.ndarray) -> np.ndarray:
    """Return scores that tell the classes apart by so many standard deviations."""
    return np.random.default_rng(4).standard_normal(len(truth)) + by * truth


TRUTH = np.arange(300) % 2 == 0


def verdict(strengths: list[float], **more):
    under = {("hair", place): separated(by, TRUTH) for place, by in enumerate(strengths, start=1)}
    return judge(labelled(separated(2.0, TRUTH), TRUTH, under=under, **more))["shifts"]["hair"]


def test_a_fall_is_monotone_and_lower() -> None:
    found = verdict([1.8, 1.4, 1.0, 0.6, 0.2])
    assert found["monotone"]
    assert found["lowers_auc"]
    falls = [one["difference"] for one in found["severities"]]
    assert falls == sorted(falls, reverse=True)
    assert all(one["low"] <= one["difference"] <= one["high"] for one in found["severities"])


def test_a_rise_is_named_where_it_is() -> None:
    found = verdict([1.8, 1.4, 0.3, 1.5, 0.2])
    assert not found["monotone"]
    assert found["rises_at"] == [4]
    assert verdict([2.5, 2.0, 1.0, 0.5, 0.2])["rises_at"] == [1]  # above the images as they come


def test_no_change_is_no_rise_and_no_fall() -> None:
    found = verdict([2.0] * 5)
    assert found["monotone"]
    assert not found["lowers_auc"]
    assert {one["low"] for one in found["severities"]} == {0.0}


def test_images_of_few_lesions_say_less() -> None:
    strengths = [1.9, 1.8, 1.7, 1.6, 1.5]
    alone = verdict(strengths)["severities"][4]
    together = verdict(strengths, groups=[f"lesion {place // 30}" for place in range(300)])
    width = together["severities"][4]["high"] - together["severities"][4]["low"]
    assert width != alone["high"] - alone["low"]
    assert verdict(strengths)["severities"][4] == alone  # the same resamples every time


def test_the_page_stands_alone_and_shows_every_shift() -> None:
    found = judge(labelled(separated(2, TRUTH), TRUTH, under={
        (name, place): separated(2 - place / 4, TRUTH)
        for name in ("hair", "jpeg") for place in SEVERITIES
    }))  # fmt: skip
    page = result_page(
        {"model_id": "abc", "split": "test", "limited": False, "wall_s": 1.0, **found}
    )
    assert page.startswith("<!doctype html>")
    assert page.count("<option") == 2
    assert "2 of 2 shifts lower it monotonically" in page
    assert "Lee et al. 1997" in page
    assert "http-equiv" in page


@pytest.mark.slow
def test_the_command_prints_one_object_and_writes_a_page(root: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    ArtefactStore(home).save(tiny_model())

    def dermtwin(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.cli", "robustness", "--data", str(root), *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "DERMTWIN_HOME": str(home)},
        )

    ran = dermtwin("--shift", "noise", "--limit", "4", "--json", "--out", str(out))
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert (result["images"], result["malignant"], result["limited"]) == (4, 2, True)
    assert list(result["shifts"]) == ["noise"]
    assert json.loads((out / "robustness.json").read_text()) == result
    assert "noise" in (out / "robustness.html").read_text()
    assert "images under shifts" in ran.stderr
    unknown = dermtwin("--shift", "fog")
    assert unknown.returncode == 2
    assert "--shift='fog': there are marker_ink, hair" in unknown.stderr
