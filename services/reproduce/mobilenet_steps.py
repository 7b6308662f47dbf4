"""Steps around MobileNetV2: its early layers on maps, what it costs, and direct classification."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.image_store import FileReader
from services.reproduce.baseline_process import TuningOrder, tune
from services.steps import Result, Steps
from simulator.cases.datasets import LabelledImage
from twin.imaging import Imaging
from twin.mobilenet.baseline import Baseline
from twin.mobilenet.costs import Times, times, times_of
from twin.mobilenet.early import describe_early_layers
from twin.mobilenet.fine_tuning import State
from twin.mobilenet.separability import (
    LayerSeparability,
    Separability,
    all_layers,
    sample_of,
    separability_of,
)
from twin.mobilenet.tuned import Epoch, Tuned, TuningSettings, tuned_of
from twin.mobilenet.weights import MobileNetWeights
from twin.stem_weights import StemWeights
from twin.training import Progress

_STATE: Final = "baseline-epochs"


def early_layers(
    steps: Steps,
    root: Path,
    images: Sequence[LabelledImage],
    weights: MobileNetWeights,
    stem: StemWeights,
    *,
    map_images: int,
    seed: int,
    threads: int,
    bars: Progress,
) -> Separability:
    """Return scores and maps of the early layers of MobileNetV2 and of the twin's stem.

    Parameters:
        images: of the training part.
        stem: calibrated weights of the twin's own stem.
    """
    labels = np.array([image.malignant for image in images])
    groups = [image.group for image in images]
    own = {"mobilenet": weights.digest, "stem": stem.scale.tolist(), "seed": seed}
    imaging = Imaging(FileReader(root))

    def described() -> Result:
        found = describe_early_layers(
            lambda place: imaging.pixels(images[place].ref),
            len(images),
            weights,
            stem,
            threads=threads,
            on_progress=bars,
        )
        # Half precision on disk: eleven bits are more than a map or a linear classifier sees.
        return Result(
            facts={"layers": list(found)},
            arrays={name: rows.astype(np.float16) for name, rows in found.items()},
        )

    descriptors = steps("early-layers", described, **own)
    sample = sample_of(labels, seed, map_images)
    layers = {}
    names = descriptors.facts["layers"]
    for place, name in enumerate(names, start=1):
        rows = descriptors.arrays[name]

        def scored(name: str = name, rows: NDArray[Any] = rows) -> Result:
            one = separability_of(name, rows.astype(np.float32), labels, groups, sample, seed)
            return Result(facts=one.facts(), arrays={"embedding": one.embedding})

        kept = steps("map", scored, layer=name, sample=map_images, **own)
        layers[name] = LayerSeparability(**kept.facts, embedding=kept.arrays["embedding"])
        bars("maps of early layers", place, len(names))
    return all_layers(layers, sample)


def network_times(steps: Steps, weights: MobileNetWeights) -> Times:
    """Return measured times of MobileNetV2's layers on this machine."""

    def measured() -> Result:
        return Result(facts=times(weights, time.perf_counter).facts())

    return times_of(steps("times", measured, mobilenet=weights.digest).facts)


def tuned_baseline(
    steps: Steps,
    root: Path,
    images: Sequence[LabelledImage],
    weights: MobileNetWeights,
    *,
    epochs: int,
    seed: int,
    threads: int,
    bars: Progress,
) -> Tuned:
    """Return MobileNetV2 fine-tuned on the training part; every epoch is kept when it is done."""
    settings = TuningSettings(epochs=epochs)
    own = {"mobilenet": weights.digest, "settings": asdict(settings), "seed": seed}
    own["threads"] = threads  # bits depend on them
    order = TuningOrder(
        root=root,
        images=tuple(image.ref for image in images),
        malignant=tuple(image.malignant for image in images),
        groups=tuple(image.group for image in images),
        weights=weights,
        settings=settings,
        seed=seed,
        threads=threads,
    )

    def keep(epoch: Epoch, state: State) -> None:
        steps.keep(_STATE, Result(facts=asdict(epoch), arrays=state), **own)

    def trained() -> Result:
        before = steps.kept(_STATE, **own)
        tuned = tune(order, None if before is None else before.arrays, keep, bars)
        return Result(facts=tuned.facts(), arrays=tuned.arrays)

    found = steps("baseline", trained, **own)
    return tuned_of(found.facts, found.arrays)


def baseline_answers(
    steps: Steps,
    root: Path,
    images: Sequence[LabelledImage],
    weights: MobileNetWeights,
    tuned: Tuned,
    *,
    views: int,
    threads: int,
    bars: Progress,
) -> NDArray[np.float64]:
    """Return the baseline's p_malignant of images, shape (n,).

    Parameters:
        views: of each image, turned and mirrored, over which its log-odds are averaged.
    """
    imaging = Imaging(FileReader(root))

    def answered() -> Result:
        baseline = Baseline(weights, tuned)
        log_odds = np.empty(len(images))
        with ThreadPoolExecutor(threads, thread_name_prefix="baseline") as pool:
            found = pool.map(
                lambda image: baseline.log_odds(imaging.pixels(image.ref), views), images
            )
            for place, value in enumerate(found):
                log_odds[place] = value
                bars("baseline on test images", place + 1, len(images))
        return Result(facts={}, arrays={"log_odds": log_odds})

    own = {
        "images": [image.sha256 for image in images],
        "views": views,
        "mobilenet": weights.digest,
        "tuned": tuned.facts(),
    }
    log_odds = steps("baseline-answers", answered, **own).arrays["log_odds"]
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float64)
