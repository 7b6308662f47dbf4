"""Component hosts: plain classes that load their part of the artefact and answer batches.

`actors/system.py` wraps them with `ray.remote` when a run is on Ray; in process they are called
directly. Each host loads only its own part, because what it imports is what a process pays for:
TensorFlow for the stem, NumPy alone for the others.
"""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import psutil
from numpy.typing import NDArray

from actors.drill import Drill, Marks
from twin.component import Facts
from twin.errors import DermtwinError, ImageError
from twin.explain.explanation import Explanation
from twin.images import ImageRef, name_of
from twin.meta import MetaStack
from twin.meter import Meter, counted
from twin.model import learner_of, meta_of, sketch_of, stem_of
from twin.ports import ImageReader, Unscorable

EXPLAINER: Final = "explainer"  # the component's name


@dataclass(frozen=True, slots=True)
class StemAnswer:
    """What the stem made of a batch of images."""

    features: NDArray[np.float32]  # (scorable, features): rows of the images that could be read
    faults: dict[int, str]  # place in the batch -> why that image could not be read
    sketch: NDArray[np.float64]  # (scorable, columns); see twin/sketch.py
    marks: Marks = field(default_factory=dict)  # rows that a drill has components crash on

    def row(self, number: int) -> "StemAnswer":
        """Return one row as a batch of its own."""
        marks = {0: self.marks[number]} if number in self.marks else {}
        one = slice(number, number + 1)
        return StemAnswer(self.features[one], {}, self.sketch[one], marks)


def joined(answers: Sequence[StemAnswer | None], lost: str) -> StemAnswer:
    """Return the answers to images that were asked about one by one as one batch's.

    Parameters:
        answers: one per image; None for one that has none.
        lost: why it has none.
    """
    faults: dict[int, str] = {}
    marks: dict[int, frozenset[str]] = {}
    rows = 0
    there = [one for one in answers if one is not None]
    for place, one in enumerate(answers):
        if one is None:
            faults[place] = lost
            continue
        for reason in one.faults.values():
            faults[place] = reason
        marks.update({rows + row: to for row, to in one.marks.items()})
        rows += len(one.features)
    if not there:
        return StemAnswer(np.empty((0, 0), np.float32), faults, np.empty((0, 0)))
    features = np.concatenate([one.features for one in there])
    return StemAnswer(features, faults, np.concatenate([one.sketch for one in there]), marks)


class _Host:
    """Counts what a component does; the counts are its only state."""

    def __init__(self, name: str, model_id: str, started_s: float) -> None:
        self.name = name
        self._model_id = model_id
        self._load_s = time.perf_counter() - started_s
        self._meter = Meter(time.perf_counter)
        self._drill = Drill.of(name)  # None but in a drill

    def describe(self) -> Facts:
        """Return what the component is and has done."""
        return Facts(
            name=self.name,
            model_id=self._model_id,
            pid=os.getpid(),
            load_s=self._load_s,
            rss_mb=psutil.Process().memory_info().rss / 2**20,
            work=self._meter.read(),
        )


class StemHost(_Host):
    """Imaging and stem: image references in, features out."""

    def __init__(
        self,
        name: str,
        model_id: str,
        part: Mapping[str, bytes],
        reader: ImageReader | None,
        threads: int = 2,
    ) -> None:
        started_s = time.perf_counter()
        from twin.imaging import Imaging  # Pillow is for the stem's process alone

        self._stem, self._sketch = stem_of(part), sketch_of(part)
        self._imaging = Imaging(reader)
        # Images do not meet, so threads change the time and not a bit (law 5).
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="stem")
        super().__init__(name, model_id, started_s)

    def handle(self, batch: Sequence[ImageRef]) -> StemAnswer:
        """Return features of the readable images and the faults of the others.

        Raises:
            DependencyError: a store of images did not answer; the batch can be tried again.
        """
        if self._drill is not None:
            self._drill.slow_down()
            self._drill.crash_on(map(name_of, batch))
        with self._meter.batch(_images(batch)) as done:
            rows: list[NDArray[np.float32]] = []
            faults: dict[int, str] = {}
            for place, seen in enumerate(self._threads.map(self._look, batch)):
                if isinstance(seen, ImageError):
                    faults[place] = str(seen)
                else:
                    rows.append(seen)
            features = np.stack(rows) if rows else np.empty((0, self._stem.dimension), np.float32)
            sketch = self._sketch.of(features)
            done.items, done.errors, done.output = len(batch), len(faults), _rows(features)
        if self._drill is None:
            return StemAnswer(features, faults, sketch)
        seen_of = [name_of(ref) for place, ref in enumerate(batch) if place not in faults]
        return StemAnswer(features, faults, sketch, self._drill.marks(seen_of))

    def _look(self, ref: ImageRef) -> NDArray[np.float32] | ImageError:
        try:
            return self._features(ref)
        except ImageError as error:
            return error

    def _features(self, ref: ImageRef) -> NDArray[np.float32]:
        try:
            return self._stem.features(self._imaging.pixels(ref))
        except (DermtwinError, MemoryError):
            raise
        except Exception as cause:  # whatever a stranger's recipe makes the renderer raise
            what = type(cause).__name__
            raise ImageError(name_of(ref), f"cannot be made: {what}") from cause


class LearnerHost(_Host):
    """One base learner: features in, log-odds out."""

    def __init__(self, name: str, model_id: str, part: Mapping[str, bytes]) -> None:
        started_s = time.perf_counter()
        self._learner = learner_of(part, name)
        super().__init__(name, model_id, started_s)

    def handle(self, batch: StemAnswer) -> NDArray[np.float64]:
        """Return log-odds of malignancy, shape (scorable,), in nats."""
        if self._drill is not None:
            self._drill.slow_down()
            self._drill.crash_on_marks(batch.marks)
        with self._meter.batch(_rows(batch.features)) as done:
            scores = self._learner.score(batch.features)
            done.items, done.output = len(scores), _values(scores, "log-odds", "log-odds")
        return scores


class MetaHost(_Host):
    """The meta-learner: log-odds of the learners that answered in, probabilities out."""

    def __init__(self, name: str, model_id: str, part: Mapping[str, bytes]) -> None:
        started_s = time.perf_counter()
        self._meta = meta_of(part)
        super().__init__(name, model_id, started_s)

    def handle(
        self, batch: Mapping[str, NDArray[np.float64]], meta: MetaStack | None = None
    ) -> NDArray[np.float64]:
        """Return p_malignant, shape (scorable,), with the stack for the learners given.

        Parameters:
            batch: columns by learner, and of the sketch.
            meta: another stack than the model's own. It comes with the batch, so an actor that
                was restarted knows it.
        """
        if self._drill is not None:
            self._drill.slow_down()
        with self._meter.batch(_columns(batch)) as done:
            p_malignant = (meta or self._meta).probability(batch)
            done.items = len(p_malignant)
            done.output = _values(p_malignant, "probability", "probabilities")
        return p_malignant


class ExplainerHost(_Host):
    """Explainers: image references in, maps out. It is started when somebody asks for a map."""

    def __init__(
        self,
        name: str,
        model_id: str,
        files: Mapping[str, bytes],
        learners: Sequence[str],
        reader: ImageReader | None,
    ) -> None:
        started_s = time.perf_counter()
        from twin.explain.explainer import Explainer
        from twin.imaging import Imaging  # Pillow is for those who see pixels

        self._explainer = Explainer(files, learners, model_id)
        self._imaging = Imaging(reader)
        super().__init__(name, model_id, started_s)

    def handle(
        self,
        batch: Sequence[ImageRef],
        methods: Sequence[str] = (),
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
        *,
        checked: bool = False,
    ) -> list[Explanation | Unscorable]:
        """Return an explanation or the fault of each image; see `twin.ports.Explaining`.

        Raises:
            DependencyError: a store of images did not answer; the batch can be tried again.
        """
        with self._meter.batch(_images(batch)) as done:
            answers: list[Explanation | Unscorable] = []
            for ref in batch:
                try:
                    pixels = self._imaging.pixels(ref)
                except ImageError as error:
                    answers.append(Unscorable(reason=str(error)))
                    done.errors += 1
                    continue
                found = self._explainer.explain(pixels, methods, meta, absent, checked=checked)
                answers.append(found)
            done.items = len(batch)
            explained = counted(len(batch) - done.errors, "explanation")
            done.output = f"{explained} with {' and '.join(methods) or 'no map'}"
        return answers


def _images(batch: Sequence[ImageRef]) -> str:
    """Return a batch of images in words: how many, and which was last; by reference."""
    last = f", last {name_of(batch[-1])}" if batch else ""
    return counted(len(batch), "image") + last


def _rows(values: NDArray[np.float32]) -> str:
    return f"{counted(len(values), 'row')} × {counted(values.shape[1], 'feature')}"


def _columns(batch: Mapping[str, NDArray[np.float64]]) -> str:
    rows = len(next(iter(batch.values()), ()))
    return f"{counted(rows, 'row')} × {counted(len(batch), 'column')}"


def _values(values: NDArray[np.float64], one: str, many: str) -> str:
    last = f", last {values[-1]:.3f}" if len(values) else ""
    return f"{len(values)} {one if len(values) == 1 else many}{last}"
