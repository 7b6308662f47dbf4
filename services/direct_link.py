"""The engine's way to the twin without a broker: the `inprocess` and `ray` routes."""

from collections import deque
from collections.abc import Callable, Sequence

from twin.errors import InvariantError
from twin.events import CaseArrived, CaseClosed, CaseRejected, VerdictIssued
from twin.pipeline import Pending, Pipeline


class DirectLink:
    """Calls the pipeline.

    Parameters:
        batch: most cases scored together.
        on_answers: is told how many answers came, as they come.
    """

    def __init__(self, pipeline: Pipeline, batch: int, on_answers: Callable[[int], None]) -> None:
        self._pipeline = pipeline
        self._batch = batch
        self._on_answers = on_answers
        self._under_way: deque[Pending] = deque()
        self.answers: dict[str, VerdictIssued | CaseRejected] = {}

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        """Send cases to the stack in batches."""
        for first in range(0, len(cases), self._batch):
            self._under_way.append(self._pipeline.submit(cases[first : first + self._batch]))

    def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
        """Wait for a case's answer."""
        while case_id not in self.answers:
            if not self._under_way:
                raise InvariantError(f"case {case_id} was never submitted")
            self._collect()
        return self.answers[case_id]

    def poll(self, case_id: str) -> VerdictIssued | CaseRejected | None:
        """Return a case's answer if it has come."""
        while self._under_way and self._under_way[0].done():
            self._collect()
        return self.answers.get(case_id)

    def publish(self, event: CaseClosed) -> None:
        """Nobody listens on this route; the engine's journal holds the event."""

    def _collect(self) -> None:
        answers = self._pipeline.collect(self._under_way.popleft())
        self.answers.update((answer.case_id, answer) for answer in answers)
        self._on_answers(len(answers))
