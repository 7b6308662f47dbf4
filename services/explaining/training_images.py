"""Finds images that a model learned from, where they can be had; the model holds their hashes.

A find counts only if its pixels have the hash that the model learned, so a picture that is shown is
the one that was learned from.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.image_store import FileReader
from twin.errors import DataError, DependencyError, ImageError
from twin.explain.maps import Pixels
from twin.images import ImageRef, name_of
from twin.imaging import Imaging
from twin.training_cases import TrainingCases

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingImage:
    """What is known of one training case."""

    name: str  # of the file or recipe; the hash's first digits where it was not found
    pixels: Pixels | None
    why_not: str  # why there is no picture; empty where there is one


def training_images(
    cases: TrainingCases,
    rows: Iterable[int],
    lesson: Mapping[str, Any] | None,
    data: Path | None,
    on_progress: OnProgress,
) -> dict[int, TrainingImage]:
    """Return what is found of rows of the training set.

    Parameters:
        rows: of `cases`.
        lesson: what the store keeps of a training: recipes or paths; None where it kept nothing.
        data: directory of images; None where none is set.
        on_progress: told of images that are looked through: stage, done, total.
    """
    wanted: dict[str, list[int]] = {}  # two rows may have the same pixels
    for row in rows:
        wanted.setdefault(cases.digest(row), []).append(row)
    count = sum(map(len, wanted.values()))
    imaging = Imaging(FileReader(data) if data else None)
    found: dict[int, TrainingImage] = {}
    refs = [] if lesson is None else _remembered(lesson)
    likely = [refs[row] for some in wanted.values() for row in some if row < len(refs)]
    _look(likely, imaging, wanted, found)
    if len(found) < count and data is not None:
        every = _below(data)
        for done, ref in enumerate(every, start=1):
            _look([ref], imaging, wanted, found)
            on_progress("training images", done, len(every))
            if len(found) == count:
                break
    why_not = _reason(lesson, data)
    for digest, some in wanted.items():
        lost = TrainingImage(name=f"{digest[:12]}...", pixels=None, why_not=why_not)
        found |= {row: lost for row in some if row not in found}
    return found


def _look(
    refs: Sequence[ImageRef],
    imaging: Imaging,
    wanted: Mapping[str, Sequence[int]],
    found: dict[int, TrainingImage],
) -> None:
    for ref in refs:
        try:
            pixels = imaging.pixels(ref)
        except (ImageError, DependencyError):
            continue  # it is not here; elsewhere below the directory its pixels may be
        for row in wanted.get(hashlib.sha256(pixels.tobytes()).hexdigest(), ()):
            found[row] = TrainingImage(name=name_of(ref), pixels=pixels, why_not="")


def _remembered(lesson: Mapping[str, Any]) -> list[ImageRef]:
    from services.learning import learned_from

    return learned_from(lesson, threads=1)[1].refs


def _below(data: Path) -> list[ImageRef]:
    from simulator.cases.datasets import read_data

    try:
        return [image.ref for image in read_data(data).images]
    except DataError:
        return []


def _reason(lesson: Mapping[str, Any] | None, data: Path | None) -> str:
    if lesson is not None and lesson["kind"] == "synthetic":
        return "its recipe gives other pixels with this version of dermtwin"
    if data is None:
        return "no directory of images is set (--data, DERMTWIN_DATA)"
    return f"no readable image below {data} has these pixels"
