"""Grad-CAM of the baseline on some test images, as in the paper: the step, and its pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from services.explaining.judging import balanced
from services.explaining.overlay import overlay
from services.explaining.pictures import image_of
from services.image_store import FileReader
from services.steps import Result, Steps
from simulator.cases.datasets import LabelledImage
from simulator.report.markup import Html, tag
from twin.explain.maps import Map, Pixels, scaled
from twin.imaging import Imaging
from twin.mobilenet.baseline import Baseline
from twin.mobilenet.gradcam import grad_cams
from twin.mobilenet.tuned import Tuned
from twin.mobilenet.weights import MobileNetWeights
from twin.training import Progress

_SHOWN: Final = 4  # images, half of each class


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaselineMap:
    """One image, what the baseline calls it, and where that comes from."""

    path: str
    malignant: bool  # the truth
    log_odds: float  # of malignancy, nats
    pixels: Pixels
    found: Map  # of the class that is called


def baseline_maps(
    steps: Steps,
    root: Path,
    images: Sequence[LabelledImage],
    weights: MobileNetWeights,
    tuned: Tuned,
    bars: Progress,
) -> list[BaselineMap]:
    """Return maps of some test images, of the class that the baseline calls.

    Parameters:
        images: of the test part.
    """
    chosen = balanced(images, _SHOWN)
    imaging = Imaging(FileReader(root))
    pixels = [imaging.pixels(image.ref) for image in chosen]

    def made() -> Result:
        baseline = Baseline(weights, tuned)
        found = grad_cams(
            baseline, pixels.__getitem__, len(pixels), of_called=True, on_progress=bars
        )
        return Result(facts={"log_odds": found.log_odds.tolist()}, arrays={"maps": found.maps})

    own = {
        "images": [image.sha256 for image in chosen],
        "mobilenet": weights.digest,
        "tuned": tuned.facts(),
    }
    kept = steps("baseline-maps", made, **own)
    return [
        BaselineMap(
            path=image.path,
            malignant=image.malignant,
            log_odds=log_odds,
            pixels=seen,
            found=scaled(
                raw.astype(np.float64), method="grad-cam", fidelity=1.0, model_id="MobileNetV2"
            ),
        )
        for image, log_odds, seen, raw in zip(
            chosen, kept.facts["log_odds"], pixels, kept.arrays["maps"], strict=True
        )
    ]


def baseline_pictures(maps: Sequence[BaselineMap]) -> Html:
    """Return each image beside its map."""
    shown = []
    for one in maps:
        called = "malignant" if one.log_odds >= 0 else "benign"
        truth = "malignant" if one.malignant else "benign"
        words = f" called {called} ({one.log_odds:+.2f} nats), is {truth}"
        shown.append(
            tag(
                "li",
                tag(
                    "figure",
                    image_of(one.pixels, f"the image {one.path}"),
                    image_of(overlay(one.pixels, one.found), f"Grad-CAM of {called}, {one.path}"),
                    tag("figcaption", tag("strong", one.path), words),
                ),
            )
        )
    return tag("ul", *shown, class_="maps")
