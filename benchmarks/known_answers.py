"""A stack that scores each image once: for benchmarks of what stands around it."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.images import ImageRef
from twin.meta import MetaStack
from twin.ports import Answer, Stack


@dataclass(frozen=True, slots=True)
class _Known:
    answers: list[Answer]

    def collect(self) -> list[Answer]:
        return self.answers

    def done(self) -> bool:
        return True


class KnownAnswers:
    """Implements `twin.ports.Stack` over another one; of a few images it knows all answers soon."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.model_id, self.threshold = stack.model_id, stack.threshold
        self._known: dict[ImageRef, Answer] = {}

    def submit(
        self,
        images: Sequence[ImageRef],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> _Known:
        """Return the answers, of those that are not known from the stack."""
        new = [one for one in dict.fromkeys(images) if one not in self._known]
        if new:
            answers = self._stack.submit(new, meta, absent).collect()
            self._known.update(zip(new, answers, strict=True))
        return _Known([self._known[one] for one in images])
