"""Acquisition shifts lower the AUC on real dermoscopic images; a small model on some of them."""

import os
from pathlib import Path

import pytest

from services.learning import Lesson, learn_images
from services.robustness import judge, score_shifted
from simulator.cases.datasets import load_images

DATA = os.environ.get("DERMTWIN_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.timeout(900),  # half a minute on a machine that is not busy
    pytest.mark.skipif(not DATA, reason="DERMTWIN_DATA names no directory of real images"),
]


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


def test_overexposure_and_motion_lower_the_auc_step_by_step(tmp_path: Path) -> None:
    root = Path(str(DATA))
    learned, held_out = load_images(root, split="train")[::6], load_images(root, split="test")[::4]
    lesson = Lesson(quick=True, threads=2)
    model, _, _ = learn_images(tmp_path, root, learned, lesson, quiet)
    scores = score_shifted(model, root, held_out, ["brightness", "motion"], quiet)
    found = judge(scores)
    assert found["images"] == len(held_out)
    assert found["auc"]["low"] > 0.8
    for shift in found["shifts"].values():
        assert shift["monotone"]
        assert shift["lowers_auc"]
        assert shift["severities"][4]["auc"] < shift["severities"][0]["auc"] - 0.05
