"""The stack in this process: the same hosts, called directly, one batch after the other."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from actors.answers import assemble, columns_of
from actors.hosts import EXPLAINER, ExplainerHost, LearnerHost, MetaHost, StemHost
from actors.parts import Parts
from twin.explain.explanation import Explanation
from twin.images import ImageRef
from twin.meta import MetaStack
from twin.ports import Answer, ImageReader, Unscorable


@dataclass(frozen=True, slots=True)
class _LocalTicket:
    future: Future[list[Answer]]

    def collect(self) -> list[Answer]:
        return self.future.result()

    def done(self) -> bool:
        return self.future.done()


class LocalStack:
    """Implements `twin.ports.Stack` and `Explaining` without Ray.

    Batches are scored by one thread of their own, so that whoever submits (the engine) goes on.
    """

    def __init__(self, parts: Parts, reader: ImageReader | None) -> None:
        self.model_id = parts.model_id
        self.threshold = parts.threshold
        self.stem = StemHost("stem", parts.model_id, parts.stem, reader)
        self.learners = [
            LearnerHost(name, parts.model_id, part) for name, part in parts.learners.items()
        ]
        self.meta = MetaHost("meta", parts.model_id, parts.meta)
        self._parts, self._reader = parts, reader
        self._explainer: ExplainerHost | None = None  # loaded when somebody asks for a map
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack")

    def submit(
        self,
        images: Sequence[ImageRef],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> _LocalTicket:
        """Start scoring a batch."""
        return _LocalTicket(self._thread.submit(self._score, list(images), meta, absent))

    def explain(
        self,
        images: Sequence[ImageRef],
        methods: Sequence[str],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
        *,
        checked: bool = False,
    ) -> list[Explanation | Unscorable]:
        """Explain a batch in the caller's thread; see `twin.ports.Explaining`."""
        return self._explainer_host().handle(list(images), methods, meta, absent, checked=checked)

    def _explainer_host(self) -> ExplainerHost:
        if self._explainer is None:
            parts = self._parts
            self._explainer = ExplainerHost(
                EXPLAINER, parts.model_id, parts.explained, tuple(parts.learners), self._reader
            )
        return self._explainer

    def close(self) -> None:
        """Wait for what is under way and stop."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _score(
        self, images: list[ImageRef], meta: MetaStack | None, absent: frozenset[str]
    ) -> list[Answer]:
        seen = self.stem.handle(images)
        scores = {one.name: one.handle(seen) for one in self.learners if one.name not in absent}
        missing = [one.name for one in self.learners if one.name in absent]
        p_malignant = self.meta.handle(columns_of(scores, seen.sketch), meta)
        return assemble(len(images), seen.faults, scores, p_malignant, missing, seen.sketch)
