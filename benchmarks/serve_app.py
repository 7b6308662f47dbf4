"""The twin's components as a Ray Serve application, in two ways, for `knee_vs_serve`.

`each`: as Serve's documentation composes models. An ingress calls stem, learners and meta-learner
through their handles and hands answers on as they are promised; every deployment batches for
itself with `@serve.batch`.

`whole`: the ingress collects a batch and passes it on whole, so that a case costs a share of nine
calls instead of nine. That is how the twin's own worker goes about it.

The components are the very hosts of the twin (`actors/hosts.py`), from the same bytes. Needs
`ray[serve]`: `pip install --group bench-serve`.
"""

import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ray import serve

from actors.answers import assemble, columns_of
from actors.hosts import LearnerHost, MetaHost, StemAnswer, StemHost
from actors.parts import Parts
from twin.images import ImageRef
from twin.ports import Answer

NAMES: Final = ("each", "whole")
# So that a machine's best can be looked for; a longer wait makes larger batches and fewer calls.
STEM_BATCH: Final = int(os.environ.get("BENCH_SERVE_STEM_BATCH", "8"))
BATCH: Final = int(os.environ.get("BENCH_SERVE_BATCH", "64"))
WAIT_S: Final = float(os.environ.get("BENCH_SERVE_WAIT_MS", "50")) / 1000
# More than stand in a queue at the knee, so that no replica ever turns a call away.
ONGOING: Final = 4096
_HELPER_CPUS: Final = 0.1  # of what is not the stem, as in the twin

Scored = tuple[NDArray[np.float32], NDArray[np.float64], str]  # features, sketch, fault


@serve.deployment(max_ongoing_requests=ONGOING)
class StemEach:
    """Images in, features out; batches for itself."""

    def __init__(self, model_id: str, part: dict[str, bytes]) -> None:
        self._host = StemHost("stem", model_id, part, None, threads=1)

    @serve.batch(max_batch_size=STEM_BATCH, batch_wait_timeout_s=WAIT_S)
    async def __call__(self, images: list[ImageRef]) -> list[Scored]:
        """Return features, sketch and fault of each image."""
        answer = self._host.handle(images)
        rows = iter(zip(answer.features, answer.sketch, strict=True))
        blank = np.empty(0, np.float32), np.empty(0)
        return [
            (*blank, answer.faults[place]) if place in answer.faults else (*next(rows), "")
            for place in range(len(images))
        ]


@serve.deployment(max_ongoing_requests=ONGOING)
class LearnerEach:
    """Features in, log-odds out; batches for itself."""

    def __init__(self, name: str, model_id: str, part: dict[str, bytes]) -> None:
        self._host = LearnerHost(name, model_id, part)

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT_S)
    async def __call__(self, seen: list[Scored]) -> list[float]:
        """Return the log-odds of each; the rendered cases of this benchmark have no faults."""
        features = np.stack([one[0] for one in seen])
        sketch = np.stack([one[1] for one in seen])
        return [float(score) for score in self._host.handle(StemAnswer(features, {}, sketch))]


@serve.deployment(max_ongoing_requests=ONGOING)
class MetaEach:
    """Log-odds in, probabilities out; batches for itself."""

    def __init__(self, names: Sequence[str], model_id: str, part: dict[str, bytes]) -> None:
        self._names = list(names)
        self._host = MetaHost("meta", model_id, part)

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT_S)
    async def _weigh(self, cases: list[tuple[Scored, tuple[float, ...]]]) -> list[Answer]:
        scores = np.array([scored for _, scored in cases])
        by_learner = {name: scores[:, place] for place, name in enumerate(self._names)}
        sketch = np.stack([seen[1] for seen, _ in cases])
        p_malignant = self._host.handle(columns_of(by_learner, sketch))
        return assemble(len(cases), {}, by_learner, p_malignant, (), sketch)

    async def __call__(self, seen: Scored, *scores: float) -> Answer:
        """Return the answer to one case."""
        return await self._weigh((seen, scores))


@serve.deployment(max_ongoing_requests=ONGOING)
class IngressEach:
    """Calls the components for one case; nobody waits for an answer that is only handed on."""

    def __init__(self, stem: Any, learners: list[Any], meta: Any) -> None:
        self._stem, self._learners, self._meta = stem, learners, meta

    async def __call__(self, image: ImageRef) -> Answer:
        """Return the answer to one case."""
        seen = self._stem.remote(image)
        return await self._meta.remote(seen, *(learner.remote(seen) for learner in self._learners))


@serve.deployment(max_ongoing_requests=ONGOING)
class StemWhole:
    """Batches of images in, batches of features out."""

    def __init__(self, model_id: str, part: dict[str, bytes]) -> None:
        self._host = StemHost("stem", model_id, part, None, threads=1)

    def __call__(self, images: list[ImageRef]) -> StemAnswer:
        """Return the features of a batch."""
        return self._host.handle(images)


@serve.deployment(max_ongoing_requests=ONGOING)
class LearnerWhole:
    """Batches of features in, log-odds out."""

    def __init__(self, name: str, model_id: str, part: dict[str, bytes]) -> None:
        self._host = LearnerHost(name, model_id, part)

    def __call__(self, seen: StemAnswer) -> NDArray[np.float64]:
        """Return the log-odds of a batch."""
        return self._host.handle(seen)


@serve.deployment(max_ongoing_requests=ONGOING)
class MetaWhole:
    """Log-odds of a batch in, answers out."""

    def __init__(self, names: Sequence[str], model_id: str, part: dict[str, bytes]) -> None:
        self._names = list(names)
        self._host = MetaHost("meta", model_id, part)

    def __call__(self, seen: StemAnswer, *scores: NDArray[np.float64]) -> list[Answer]:
        """Return the answers to a batch."""
        by_learner = dict(zip(self._names, scores, strict=True))
        p_malignant = self._host.handle(columns_of(by_learner, seen.sketch))
        images = len(seen.features) + len(seen.faults)
        return assemble(images, seen.faults, by_learner, p_malignant, (), seen.sketch)


@serve.deployment(max_ongoing_requests=ONGOING)
class IngressWhole:
    """Collects cases and passes batches on; several are under way at once."""

    def __init__(self, stem: Any, learners: list[Any], meta: Any) -> None:
        self._stem, self._learners, self._meta = stem, learners, meta

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT_S, max_concurrent_batches=3)
    async def __call__(self, images: list[ImageRef]) -> list[Answer]:
        """Return the answers to a batch."""
        seen = self._stem.remote(images)
        scores = [learner.remote(seen) for learner in self._learners]
        return await self._meta.remote(seen, *scores)


def application(name: str, parts: Parts, stems: int) -> Any:
    """Return an application of the components, ready for `serve.run`.

    Parameters:
        name: one of `NAMES`.
        stems: replicas of the stem, one core each.
    """
    each = name == "each"
    kinds: tuple[Any, Any, Any, Any] = (
        (StemEach, LearnerEach, MetaEach, IngressEach)
        if each
        else (StemWhole, LearnerWhole, MetaWhole, IngressWhole)
    )
    stem_kind, learner_kind, meta_kind, ingress_kind = kinds
    small = {"num_cpus": _HELPER_CPUS}
    model_id, learners = parts.model_id, parts.learners
    stem = stem_kind.options(num_replicas=stems, ray_actor_options=small)
    return ingress_kind.options(ray_actor_options=small).bind(
        stem.bind(model_id, dict(parts.stem)),
        [
            learner_kind.options(name=learner, ray_actor_options=small).bind(
                learner, model_id, dict(part)
            )
            for learner, part in learners.items()
        ],
        meta_kind.options(ray_actor_options=small).bind(list(learners), model_id, dict(parts.meta)),
    )
