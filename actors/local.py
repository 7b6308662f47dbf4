"""The stack in this process: the same hosts, called directly, one batch after the other."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from actors.answers import assemble
from actors.hosts import LearnerHost, MetaHost, StemHost
from actors.parts import Parts
from twin.images import ImageRef
from twin.ports import Answer, ImageReader


@dataclass(frozen=True, slots=True)
class _LocalTicket:
    future: Future[list[Answer]]

    def collect(self) -> list[Answer]:
        return self.future.result()

    def done(self) -> bool:
        return self.future.done()


class LocalStack:
    """Implements `twin.ports.Stack` without Ray.

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
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack")

    def submit(self, images: Sequence[ImageRef]) -> _LocalTicket:
        """Start scoring a batch."""
        return _LocalTicket(self._thread.submit(self._score, list(images)))

    def close(self) -> None:
        """Wait for what is under way and stop."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _score(self, images: list[ImageRef]) -> list[Answer]:
        seen = self.stem.handle(images)
        scores = {learner.name: learner.handle(seen) for learner in self.learners}
        return assemble(len(images), seen.faults, scores, self.meta.handle(scores), ())
