"""Component hosts: plain classes that load their part of the artefact and answer batches.

`actors/system.py` wraps them with `ray.remote` when a run is on Ray; in process they are called
directly. Each host loads only its own part, because what it imports is what a process pays for:
TensorFlow for the stem, NumPy alone for the others.
"""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.component import Facts
from twin.errors import ImageError
from twin.explain.explanation import Explanation
from twin.images import ImageRef
from twin.meta import MetaStack
from twin.model import learner_of, meta_of, sketch_of, stem_of
from twin.ports import ImageReader, Unscorable

EXPLAINER: Final = "explainer"  # the component's name


@dataclass(frozen=True, slots=True)
class StemAnswer:
    """What the stem made of a batch of images."""

    features: NDArray[np.float32]  # (scorable, features): rows of the images that could be read
    faults: dict[int, str]  # place in the batch -> why that image could not be read
    sketch: NDArray[np.float64]  # (scorable, columns); see twin/sketch.py


class _Host:
    """Counts what a component does; the counts are its only state."""

    def __init__(self, name: str, model_id: str, started_s: float) -> None:
        self.name = name
        self._model_id = model_id
        self._load_s = time.perf_counter() - started_s
        self._batches = self._images = 0
        self._busy_s = 0.0

    def _count(self, images: int, started_s: float) -> None:
        self._batches += 1
        self._images += images
        self._busy_s += time.perf_counter() - started_s

    def describe(self) -> Facts:
        """Return what the component is and has done."""
        return Facts(
            name=self.name,
            model_id=self._model_id,
            pid=os.getpid(),
            load_s=self._load_s,
            batches=self._batches,
            images=self._images,
            busy_s=self._busy_s,
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
        started_s = time.perf_counter()
        rows: list[NDArray[np.float32]] = []
        faults: dict[int, str] = {}
        for place, seen in enumerate(self._threads.map(self._look, batch)):
            if isinstance(seen, ImageError):
                faults[place] = str(seen)
            else:
                rows.append(seen)
        features = np.stack(rows) if rows else np.empty((0, self._stem.dimension), np.float32)
        sketch = self._sketch.of(features)
        self._count(len(batch), started_s)
        return StemAnswer(features, faults, sketch)

    def _look(self, ref: ImageRef) -> NDArray[np.float32] | ImageError:
        try:
            return self._stem.features(self._imaging.pixels(ref))
        except ImageError as error:
            return error


class LearnerHost(_Host):
    """One base learner: features in, log-odds out."""

    def __init__(self, name: str, model_id: str, part: Mapping[str, bytes]) -> None:
        started_s = time.perf_counter()
        self._learner = learner_of(part, name)
        super().__init__(name, model_id, started_s)

    def handle(self, batch: StemAnswer) -> NDArray[np.float64]:
        """Return log-odds of malignancy, shape (scorable,), in nats."""
        started_s = time.perf_counter()
        scores = self._learner.score(batch.features)
        self._count(len(scores), started_s)
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
        started_s = time.perf_counter()
        p_malignant = (meta or self._meta).probability(batch)
        self._count(len(p_malignant), started_s)
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
        started_s = time.perf_counter()
        answers: list[Explanation | Unscorable] = []
        for ref in batch:
            try:
                pixels = self._imaging.pixels(ref)
            except ImageError as error:
                answers.append(Unscorable(reason=str(error)))
                continue
            answers.append(self._explainer.explain(pixels, methods, meta, absent, checked=checked))
        self._count(len(batch), started_s)
        return answers
