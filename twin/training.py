"""From labelled images to a model: features, out-of-fold scores, final fits, stack, surrogate.

Every fit runs on one thread and several run side by side, so the number of threads changes the
time and not a bit of the model (law 5).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.codebook import fit_codebook
from twin.explain.fitting import Block, fit_measured
from twin.folds import lesion_folds
from twin.learners.contract import Fitted, Settings
from twin.learners.registry import LEARNERS
from twin.learners.sight import Sight, Sighted
from twin.meta import Folds, choose_penalty, fit_meta, held_out, penalty_path
from twin.model import Model, build
from twin.reference import Reference
from twin.sketch import fit_sketch
from twin.stem import Stem
from twin.stem_weights import StemWeights, calibrated
from twin.training_cases import TrainingCases
from twin.training_facts import THRESHOLD, data_facts, meta_facts, quality, versions

Pixels = Callable[[int], NDArray[np.uint8]]  # place in the training set -> (224, 224, 3)
Progress = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """What training does; presets below."""

    name: str
    analytic_features: str  # set for the analytic stem
    other_features: str  # set for stems whose filters mean nothing in particular
    response_sd: float  # of calibrated responses, on ReLU6's scale of 0 to 6
    calibration_images: int  # at most, spread evenly over the training set; of the codebook, too
    folds: int
    learners: Mapping[str, Settings]
    # Who sees the code of a codebook instead of the features; empty: there is no codebook
    sights: Mapping[str, Sight] = field(default_factory=dict)


# Chosen by lesion-grouped cross-validated AUC on the training part of the paper's split.
FULL: Final = TrainSettings(
    name="full",
    analytic_features="mirror",
    other_features="zone-quantiles",
    response_sd=1.0,
    calibration_images=330,
    folds=5,
    learners={name: {**learner.defaults, **learner.full} for name, learner in LEARNERS.items()},
    sights={"knn": Sight.CODE},
)
# For some hundred synthetic images: about a minute on two cores.
QUICK: Final = TrainSettings(
    name="quick",
    analytic_features="symmetric",
    other_features="zone-quantiles",
    response_sd=1.0,
    calibration_images=60,
    folds=3,
    learners={name: {**learner.defaults, **learner.quick} for name, learner in LEARNERS.items()},
)


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def train(
    pixels: Pixels,
    labels: NDArray[np.bool_],
    groups: Sequence[str],
    *,
    stem: StemWeights,
    settings: TrainSettings = FULL,
    seed: int = 0,
    threads: int = 2,
    on_progress: Progress = _silent,
) -> Model:
    """Train stem, learners and meta-learner.

    Parameters:
        pixels: brings image i, and the same one whenever it is asked; from several threads.
        labels: shape (n,), True is malignant.
        groups: n names; images of one lesion share one, and are never in two folds.
        stem: its batch normalisation is calibrated on the images if it has none of its own.
        seed: of folds and learners.
        threads: how many fits and images at once.
        on_progress: is told stage ("features", "learners", "meta", "surrogate"), done and total.

    Raises:
        DataError: too few images or lesions of a class.
    """
    facts: dict[str, Any] = {"versions": versions()}
    folds = lesion_folds(labels, groups, settings.folds, seed)
    with _single_threaded_kernels(), ThreadPoolExecutor(max_workers=threads) as pool:
        if stem.needs_calibration:
            step = -(-len(labels) // settings.calibration_images)
            sample = (pixels(place) for place in range(0, len(labels), step))
            stem = calibrated(stem, sample, settings.response_sd)
        chosen = settings.analytic_features if stem.is_basis else settings.other_features
        plain = Stem(stem, chosen)
        codebook = None
        if settings.sights and stem.is_basis:
            places = range(0, len(labels), -(-len(labels) // settings.calibration_images))
            codebook = fit_codebook(list(pool.map(lambda i: plain.cells(pixels(i)), places)), seed)
        looking = Stem(stem, chosen, codebook) if codebook else plain
        x, hashes = _features(looking, pixels, len(labels), pool, on_progress)
        z, fitted, first = _learners(
            x=x,
            width=looking.width,
            labels=labels,
            folds=folds,
            settings=settings,
            seed=seed,
            pool=pool,
            on_progress=on_progress,
        )
        on_progress("meta", 0, 1)
        path = penalty_path(z, labels, folds)
        penalty = choose_penalty(path)
        meta = fit_meta(z, labels, list(LEARNERS), penalty)
        # What drift is told by, and gradients explain, is the features without the code
        sketch = fit_sketch(x[:, : looking.width])
        reference = Reference(log_odds=z, malignant=labels, sketch=sketch.of(x))
        on_progress("meta", 1, 1)
        on_progress("surrogate", 0, 1)
        surrogate = fit_measured(
            x,
            z,
            reference.sketch,
            learners=fitted,
            first=first,
            block=Block(name=chosen, width=looking.width),
            split=folds[0],
            seed=seed,
            pool=pool,
        )
        agreement = surrogate.fidelity(meta.weights_for(LEARNERS))
        on_progress("surrogate", 1, 1)
    facts |= {
        "threshold": THRESHOLD,
        "settings": settings.name,
        "seed": seed,
        "data": data_facts(hashes, labels, groups),
        "learners": {
            name: {
                "settings": dict(settings.learners[name]),
                "out_of_fold": quality(z[:, column], labels),
            }
            for column, name in enumerate(LEARNERS)
        },
        "meta": meta_facts(meta, path, held_out(z, labels, folds, penalty), labels),
        "surrogate": asdict(agreement) if agreement else None,
    }
    return build(
        stem=stem,
        features=chosen,
        codebook=codebook,
        learners=fitted,
        meta=meta,
        sketch=sketch,
        reference=reference,
        surrogate=surrogate,
        cases=TrainingCases(
            sha256=np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32), malignant=labels
        ),
        facts=facts,
    )


def _features(
    stem: Stem, pixels: Pixels, count: int, pool: ThreadPoolExecutor, on_progress: Progress
) -> tuple[NDArray[np.float32], list[bytes]]:
    """Return features, shape (n, dimension), and each image's sha256."""

    def look(place: int) -> tuple[NDArray[np.float32], bytes]:
        image = pixels(place)
        return stem.features(image), hashlib.sha256(image.tobytes()).digest()

    x = np.empty((count, stem.dimension), np.float32)
    hashes = []
    for place, (row, image_hash) in enumerate(pool.map(look, range(count))):
        x[place] = row
        hashes.append(image_hash)
        on_progress("features", place + 1, count)
    return x, hashes


def _learners(
    *,
    x: NDArray[np.float32],
    width: int,
    labels: NDArray[np.bool_],
    folds: Folds,
    settings: TrainSettings,
    seed: int,
    pool: ThreadPoolExecutor,
    on_progress: Progress,
) -> tuple[NDArray[np.float64], dict[str, Fitted], dict[str, Fitted]]:
    """Return out-of-fold log-odds, shape (n, learners), and learners.

    Those fitted on all rows, and those that the first fold was held out from.
    """
    z = np.full((len(labels), len(LEARNERS)), np.nan)
    fitted: dict[str, Fitted] = {}
    first: dict[str, Fitted] = {}

    def fit(name: str, rows: NDArray[np.intp] | slice) -> Fitted:
        own = settings.learners[name]
        if width == x.shape[1]:
            return LEARNERS[name].fit(x[rows], labels[rows], seed=seed, settings=own)
        sight = settings.sights.get(name, Sight.FEATURES)
        first, last = sight.columns(width, x.shape[1])
        seen = np.ascontiguousarray(x[rows, first:last])
        learner = LEARNERS[name].fit(seen, labels[rows], seed=seed, settings=own)
        return Sighted(learner, first, last)

    def hold_out(name: str, fold: int) -> None:
        seen, unseen = folds[fold]
        learner = fit(name, seen)
        z[unseen, list(LEARNERS).index(name)] = learner.score(x[unseen])
        if not fold:
            first[name] = learner

    def finish(name: str) -> None:
        fitted[name] = fit(name, slice(None))

    # The slowest first, so that no core waits long for the last one.
    slowest_first = sorted(LEARNERS, key=lambda name: -LEARNERS[name].cost)
    jobs = [pool.submit(finish, name) for name in slowest_first]
    # Folds outside, learners inside: some fits hold Python's lock, and so run beside others.
    jobs += [
        pool.submit(hold_out, name, fold) for fold in range(len(folds)) for name in slowest_first
    ]
    try:
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            on_progress("learners", done, len(jobs))
    finally:
        for job in jobs:
            job.cancel()  # what has not begun, if one failed or the user lost patience
    return z, {name: fitted[name] for name in LEARNERS}, {name: first[name] for name in LEARNERS}


@contextmanager
def _single_threaded_kernels() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread: their results differ with their threads."""
    # scikit-learn brings it; it ships no types
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield
