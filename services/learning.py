"""Trains models, and remembers them: the same data and settings are learned from once."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import twin
from actors.local import LocalStack
from services.artefacts import ArtefactStore
from services.config import Settings
from services.console import Bars, say
from services.image_directory import ImageDirectory
from services.image_store import FileReader
from services.parts import parts_of
from simulator.cases.cases import case_id_of, population_of
from simulator.cases.datasets import LabelledImage, data_digest
from simulator.language.cases import ImageModel, KnownModel, SyntheticModel
from simulator.language.populations import PopulationSpec
from simulator.language.schema import Scenario
from twin.errors import SettingsError
from twin.evaluate import evaluate
from twin.images import FileRef, ImageRef
from twin.imaging import Imaging
from twin.model import Model
from twin.ports import Opinion
from twin.stem_weights import StemWeights, analytic, from_npz, imagenet
from twin.training import FULL, QUICK, TrainSettings, train

# Half of the synthetic training lesions are malignant, as in the paper's data (45 %): assumption.
_SYNTHETIC_PREVALENCE: Final = 0.5
_NO_RUN: Final = -1  # a replication that no run has: training draws are nobody's patients
_BATCH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How to learn."""

    stem: str = "analytic"  # or imagenet, or the path of a weights file
    quick: bool = False
    seed: int = 0
    threads: int = 1

    @property
    def settings(self) -> TrainSettings:
        """What training does."""
        return QUICK if self.quick else FULL

    def weights(self) -> StemWeights:
        """Return the stem's weights before calibration."""
        if self.stem == "analytic":
            return analytic()
        if self.stem == "imagenet":
            return imagenet()
        path = Path(self.stem)
        if not path.is_file():
            raise SettingsError("--stem", self.stem, "expected analytic, imagenet or a file")
        return from_npz(path.read_bytes(), path.name)

    def recipe(self, data: str, weights: StemWeights) -> str:
        """Return a key of all that decides the model; two equal keys make equal models."""
        decisive = {
            "data": data,
            "quick": self.quick,
            "seed": self.seed,
            "stem": hashlib.sha256(weights.kernel.tobytes() + weights.shift.tobytes()).hexdigest(),
            "settings": repr(asdict(self.settings)),
            "code": code_digest(),
            "versions": {
                name: version(name) for name in ("dermtwin", "scikit-learn", "catboost", "numpy")
            },
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Material:
    """Labelled images, by reference."""

    refs: list[ImageRef]
    malignant: NDArray[np.bool_]
    groups: list[str]  # images of one lesion share it
    imaging: Imaging


@cache
def code_digest() -> str:
    """Return a sha256 of the twin's sources: a change of them makes another model, other scores."""
    total = hashlib.sha256()
    for file in sorted(Path(twin.__file__).parent.rglob("*.py")):
        total.update(file.name.encode() + file.read_bytes())
    return total.hexdigest()


def learn_images(
    home: Path, root: Path, images: Sequence[LabelledImage], lesson: Lesson, bars: Bars
) -> tuple[Model, Path, bool]:
    """Learn from labelled images; return model, its directory, and whether it is new."""
    material = Material(
        [image.ref for image in images],
        np.array([image.malignant for image in images]),
        [image.group for image in images],
        Imaging(FileReader(root)),
    )
    kept = {
        "kind": "images",
        "root": str(root.resolve()),
        "images": [[i.path, i.sha256, i.malignant, i.group] for i in images],
    }
    return _learn(home, data_digest(images), lambda: material, lesson, bars, kept)


def learn_synthetic(home: Path, cases: int, lesson: Lesson, bars: Bars) -> tuple[Model, Path, bool]:
    """Learn from rendered lesions that no scenario will see."""

    digest = f"synthetic:{cases}:{lesson.seed}:{version('dermtwin')}"
    kept = {"kind": "synthetic", "cases": cases}
    return _learn(home, digest, lambda: _drawn(cases, lesson.seed), lesson, bars, kept)


def _drawn(cases: int, seed: int) -> Material:
    population = population_of(PopulationSpec(prevalence=_SYNTHETIC_PREVALENCE))
    drawn = [population.draw(seed, _NO_RUN, case_id_of(_NO_RUN, index)) for index in range(cases)]
    return Material(
        [case.image for case in drawn],
        np.array([case.malignant for case in drawn]),
        [case.case_id for case in drawn],
        Imaging(),
    )


def learned_from(kept: Mapping[str, Any], threads: int) -> tuple[Lesson, Material]:
    """Return how a model was taught and the images, from what the store kept of it."""
    lesson = Lesson(stem=kept["stem"], quick=kept["quick"], seed=kept["seed"], threads=threads)
    if kept["kind"] == "synthetic":
        return lesson, _drawn(kept["cases"], kept["seed"])
    refs, malignant, groups = [], [], []
    for path, sha256, label, group in kept["images"]:
        refs.append(FileRef(path=path, sha256=sha256))
        malignant.append(label)
        groups.append(group)
    imaging = Imaging(FileReader(Path(kept["root"])))
    return lesson, Material([*refs], np.array(malignant), groups, imaging)


def _learn(
    home: Path,
    data: str,
    collect: Callable[[], Material],
    lesson: Lesson,
    bars: Bars,
    kept: Mapping[str, Any],
) -> tuple[Model, Path, bool]:
    """Learn, unless the same was learned before; `data` is a digest of what `collect` brings."""
    store = ArtefactStore(home)
    kept = {**kept, "stem": lesson.stem, "quick": lesson.quick, "seed": lesson.seed}
    weights = lesson.weights()
    recipe = lesson.recipe(data, weights)
    known = store.remembered(recipe)
    if known is not None:
        store.keep_lesson(known.model_id, kept)
        return known, store.save(known), False
    material = collect()
    model = train(
        lambda place: material.imaging.pixels(material.refs[place]),
        material.malignant,
        material.groups,
        stem=weights,
        settings=lesson.settings,
        seed=lesson.seed,
        threads=lesson.threads,
        on_progress=bars,
    )
    directory = store.save(model)
    store.keep_lesson(model.model_id, kept)
    store.remember(recipe, model.model_id)
    return model, directory, True


def evaluate_images(
    model: Model, root: Path, images: Sequence[LabelledImage], bars: Bars
) -> dict[str, Any]:
    """Score held-out images by the serving path and compare with their labels."""
    stack = LocalStack(parts_of(model), FileReader(root))
    p_malignant: list[float] = []
    truth: list[bool] = []
    unscorable: list[str] = []
    try:
        for first in range(0, len(images), _BATCH):
            chunk = images[first : first + _BATCH]
            for image, answer in zip(
                chunk, stack.submit([image.ref for image in chunk]).collect(), strict=True
            ):
                if isinstance(answer, Opinion):
                    p_malignant.append(answer.p_malignant)
                    truth.append(image.malignant)
                else:
                    unscorable.append(answer.reason)
            bars("test images", first + len(chunk), len(images))
    finally:
        stack.close()
    figures = evaluate(np.array(p_malignant), np.array(truth), stack.threshold)
    return {"images": len(images), "unscorable": unscorable, **asdict(figures)}


def model_for(
    scenario: Scenario,
    chosen: str | None,
    settings: Settings,
    bars: Bars,
    images: ImageDirectory,
) -> Model:
    """Return the model that a run uses: the one chosen, or the one that the scenario describes.

    Raises:
        ArtefactError: no such model.
        SettingsError: the scenario learns from images and no data directory is set.
    """
    store = ArtefactStore(settings.home)
    if chosen is not None:
        return store.load(chosen)
    wanted = scenario.model
    if isinstance(wanted, KnownModel):
        return store.load(wanted.id)
    if isinstance(wanted, ImageModel):
        learned = images.split(wanted.split, "model learns from images")
        assert settings.data is not None  # or there were none
        lesson = Lesson(threads=settings.threads)
        model, _, fresh = learn_images(settings.home, settings.data, learned, lesson, bars)
    else:
        return model_of_lesions(wanted, settings, bars)
    return _told(model, fresh=fresh)


def model_of_lesions(wanted: SyntheticModel, settings: Settings, bars: Bars) -> Model:
    """Return a model that learns from rendered lesions; the same is learned once."""
    lesson = Lesson(quick=True, seed=wanted.seed, threads=settings.threads)
    model, _, fresh = learn_synthetic(settings.home, wanted.cases, lesson, bars)
    return _told(model, fresh=fresh)


def _told(model: Model, *, fresh: bool) -> Model:
    say(f"model {model.model_id}: {'trained now and kept' if fresh else 'trained before'}")
    return model
