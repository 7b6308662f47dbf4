"""The engine's way to the twin without a broker: the `inprocess` and `ray` routes."""

from collections import deque
from collections.abc import Callable, Sequence

from twin.errors import InvariantError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    EpochReached,
    FeedbackReceived,
    StackEvent,
    VerdictIssued,
)
from twin.pipeline import Pending, Pipeline
from twin.restacking.at_hand import AtHand


class DirectLink:
    """Calls the pipeline, and the re-stacker at epochs.

    Parameters:
        batch: most cases scored together.
        on_answers: is told how many answers came, as they come.
        at_hand: re-stacker and stack book; None where nothing happens at epochs.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        batch: int,
        on_answers: Callable[[int], None],
        at_hand: AtHand | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._batch = batch
        self._on_answers = on_answers
        self._at_hand = at_hand
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

    def publish(self, event: CaseClosed | FeedbackReceived) -> None:
        """Let the re-stacker hear of it, if there is one; the engine's journal holds the event."""
        if self._at_hand is not None:
            self._at_hand.note(event)

    def epoch(self, event: EpochReached) -> list[StackEvent]:
        """Wait for all answers to those who came before, and return what is decided.

        Raises:
            InvariantError: nothing happens at epochs, or an event from before is missing.
        """
        if self._at_hand is None:
            raise InvariantError(f"epoch {event.epoch} of a run without re-stacking or drift")
        while self._under_way:
            self._collect()
        return self._at_hand.epoch(event)

    def _collect(self) -> None:
        pending = self._under_way.popleft()
        answers = self._pipeline.collect(pending)
        if self._at_hand is not None:
            for event in (*pending.cases, *answers):
                self._at_hand.note(event)
        self.answers.update((answer.case_id, answer) for answer in answers)
        self._on_answers(len(answers))
