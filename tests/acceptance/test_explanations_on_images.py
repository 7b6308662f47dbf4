"""Whether maps of real images point at what the stack looks at; the benchmark asks it of 200."""

import os
from pathlib import Path

import pytest

from services.image_store import FileReader
from services.learning import Lesson, learn_images
from services.parts import parts_of
from simulator.cases.datasets import load_images
from twin.explain.explainer import Explainer
from twin.explain.faithfulness import faithfulness
from twin.explain.fillings import blurred
from twin.explain.maps import scaled
from twin.explain.rise import rise
from twin.imaging import Imaging

DATA = os.environ.get("DERMTWIN_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not DATA, reason="DERMTWIN_DATA names no directory of real images"),
]
IMAGES = 4
ENOUGH = 3
MASKS = 200  # of 500: coarser maps, which are to be better than chance all the same


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


def test_rise_beats_random_maps_on_real_images(home_of_real_images: Path) -> None:
    root = Path(str(DATA))
    learned = load_images(root, split="train")
    model, _, _ = learn_images(home_of_real_images, root, learned, Lesson(threads=2), quiet)
    parts = parts_of(model)
    explainer = Explainer(parts.explained, tuple(parts.learners), model.model_id)
    score = explainer.score()
    held_out = load_images(root, split="test")
    beats = []
    for place in range(IMAGES):
        image = held_out[place * len(held_out) // IMAGES]
        pixels = Imaging(FileReader(root)).pixels(image.ref)
        raw = rise(pixels, score, blurred(pixels), masks=MASKS)
        found = scaled(raw, method="rise", fidelity=1.0, model_id=model.model_id)
        check = faithfulness(pixels, found, score, blurred(pixels), seed=place, steps=7, count=3)
        beats.append(check.deletion_beats_random)
        if sum(beats) >= ENOUGH:
            break  # the images that are left cannot change it
    assert sum(beats) >= ENOUGH, beats
