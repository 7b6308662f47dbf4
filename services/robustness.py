"""How a stack's AUC falls under acquisition shifts, measured on labelled images.

Each image is decoded once and scored under every shift and severity, as the serving path would
score its reference with that acquisition. All severities see the same images and the same
resamples of lesions, so differences between them are paired.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.image_store import FileReader
from simulator.cases.datasets import LabelledImage
from twin.acquisition.acquisition import SEVERITIES, Acquisition
from twin.acquisition.shifts import apply
from twin.errors import DataError, ImageError
from twin.evaluation.resampling import LEVEL, RESAMPLES, Floats, lesion_weights, weighted_aucs
from twin.images import FileRef
from twin.imaging import Imaging
from twin.model import Model, learner_of, meta_of, stem_of

Progress = Callable[[str, int, int], None]  # stage, done, total
Condition = tuple[str, int]  # shift and severity

PLAIN: Final[Condition] = ("", 0)  # images as they come
_AT_ONCE: Final = 32  # images decoded together: a few MB


@dataclass(frozen=True, slots=True)
class Scores:
    """What the stack says about the same images under each condition."""

    p_malignant: Mapping[Condition, Floats]  # shape (images,)
    malignant: NDArray[np.bool_]
    groups: Sequence[str]  # images of one lesion share it
    unscorable: Sequence[str]  # reasons, of images that are in no array


def taken(image: LabelledImage, condition: Condition) -> FileRef:
    """Return the reference of an image under a condition; its content seeds the shift."""
    name, severity = condition
    if condition == PLAIN:
        return image.ref
    seed = int(image.sha256[:15], 16)
    return replace(image.ref, acquisition=Acquisition(seed=seed, severity={name: severity}))


def score_shifted(
    model: Model,
    root: Path,
    images: Sequence[LabelledImage],
    shifts: Sequence[str],
    on_progress: Progress,
    threads: int = 2,
) -> Scores:
    """Score images as they come and under each shift and severity.

    Raises:
        DataError: no image of a class could be scored.
    """
    parts = {name: model.part(name) for name in model.learners}
    stem = stem_of(model.part("stem"))
    learners = {name: learner_of(part, name) for name, part in parts.items()}
    meta = meta_of(model.part("meta"))
    imaging = Imaging(FileReader(root))
    conditions = [PLAIN, *((name, severity) for name in shifts for severity in SEVERITIES)]
    scored: dict[Condition, list[Floats]] = {condition: [] for condition in conditions}
    kept: list[LabelledImage] = []
    unscorable: list[str] = []

    def look(image: LabelledImage) -> NDArray[np.float32] | str:
        """Return the features of all conditions, shape (conditions, dimension), or a reason."""
        try:
            pixels = imaging.pixels(image.ref)
        except ImageError as error:
            return str(error)
        return np.stack([stem.features(seen) for seen in _under(image, pixels, conditions)])

    total = len(images) * len(conditions)
    with ThreadPoolExecutor(threads, thread_name_prefix="robustness") as pool:
        for first in range(0, len(images), _AT_ONCE):
            chunk = images[first : first + _AT_ONCE]
            rows = []
            for image, seen in zip(chunk, pool.map(look, chunk), strict=True):
                if isinstance(seen, str):
                    unscorable.append(seen)
                else:
                    kept.append(image)
                    rows.append(seen)
                done = len(kept) + len(unscorable)
                on_progress("images under shifts", done * len(conditions), total)
            if not rows:
                continue
            # (images, conditions, dimension): one row after the other
            flat = np.concatenate(rows)
            log_odds = dict(
                zip(
                    learners,
                    pool.map(lambda learner: learner.score(flat), learners.values()),  # noqa: B023
                    strict=True,
                )
            )
            p_malignant = meta.probability(log_odds).reshape(len(rows), len(conditions))
            for place, condition in enumerate(conditions):
                scored[condition].append(p_malignant[:, place])
    for label, malignant in (("benign", False), ("malignant", True)):
        if not any(image.malignant == malignant for image in kept):
            why = f"; the first reason: {unscorable[0]}" if unscorable else ""
            raise DataError(root, f"no {label} image could be scored{why}")
    return Scores(
        {condition: np.concatenate(found) for condition, found in scored.items()},
        np.array([image.malignant for image in kept]),
        [image.group for image in kept],
        unscorable,
    )


def _under(
    image: LabelledImage, pixels: NDArray[np.uint8], conditions: Sequence[Condition]
) -> Iterator[NDArray[np.uint8]]:
    for condition in conditions:
        acquisition = taken(image, condition).acquisition
        yield pixels if acquisition is None else apply(pixels, acquisition)


def judge(scores: Scores) -> dict[str, Any]:
    """Return the AUC by shift and severity, with paired intervals, and whether it only falls.

    A rise between two adjacent severities counts if the interval of the paired difference lies
    above 0. Intervals are percentiles over resamples of lesions (Efron & Tibshirani 1993, ch. 13).
    """
    weights = np.concatenate(list(lesion_weights(scores.groups)))
    truth = scores.malignant
    point = {
        c: float(weighted_aucs(p, truth, np.ones((1, len(p))))[0])
        for c, p in scores.p_malignant.items()
    }
    spread = {c: weighted_aucs(p, truth, weights) for c, p in scores.p_malignant.items()}
    low, high = _interval(spread[PLAIN])
    shifts: dict[str, Any] = {}
    for name in dict.fromkeys(name for name, _ in point if name):
        by_severity, rises = [], []
        for severity in SEVERITIES:
            here, before = (name, severity), (name, severity - 1) if severity > 1 else PLAIN
            fall = _interval(spread[here] - spread[PLAIN])
            step = _interval(spread[here] - spread[before])
            if step[0] > 0:
                rises.append(severity)
            by_severity.append(
                {
                    "severity": severity,
                    "auc": point[here],
                    "difference": point[here] - point[PLAIN],
                    "low": fall[0],
                    "high": fall[1],
                    "step": point[here] - point[before],
                    "step_low": step[0],
                    "step_high": step[1],
                }
            )
        shifts[name] = {
            "severities": by_severity,
            "monotone": not rises,
            "rises_at": rises,
            "lowers_auc": by_severity[-1]["high"] < 0,
        }
    return {
        "images": len(truth),
        "malignant": int(truth.sum()),
        "lesions": len(set(scores.groups)),
        "unscorable": list(scores.unscorable),
        "confidence": LEVEL,
        "resamples": RESAMPLES,
        "auc": {"value": point[PLAIN], "low": low, "high": high},
        "shifts": shifts,
    }


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
