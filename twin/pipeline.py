"""Which event goes to which stage: start reading here.

    CaseArrived ─▶ imaging ─▶ stem ─▶ six learners ─▶ meta-learner ─▶ VerdictIssued
                      └────────── the image cannot be scored ──────▶ CaseRejected

Imaging, stem, learners and meta-learner together are the `Stack` (twin/ports.py); where they
run is not this module's business. The pipeline turns events into images and answers into
events, and keeps every case's answer exactly one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.errors import InvariantError
from twin.events import CaseArrived, CaseRejected, VerdictIssued
from twin.ports import Answer, Stack, Ticket, Unscorable


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch of cases on its way through the stack."""

    cases: tuple[CaseArrived, ...]
    ticket: Ticket


class Pipeline:
    """Answers cases with verdicts.

    Parameters:
        stack: stem, learners and meta-learner.
        threshold: operating point on p_malignant; the model's own if not given.
    """

    def __init__(self, stack: Stack, threshold: float | None = None) -> None:
        self._stack = stack
        self.threshold = stack.threshold if threshold is None else threshold

    @property
    def model_id(self) -> str:
        """Artefact that answers."""
        return self._stack.model_id

    def submit(self, cases: Sequence[CaseArrived]) -> Pending:
        """Start scoring a batch of cases; several batches may be under way."""
        return Pending(tuple(cases), self._stack.submit([case.image for case in cases]))

    def collect(self, pending: Pending) -> list[VerdictIssued | CaseRejected]:
        """Wait for a batch; return one event per case, in the order submitted.

        Raises:
            DependencyError: the stack cannot answer now; nothing of the batch is lost.
            InvariantError: the stack gave another number of answers than it was asked.
        """
        answers = pending.ticket.collect()
        if len(answers) != len(pending.cases):
            raise InvariantError(f"{len(answers)} answers to {len(pending.cases)} cases")
        return [
            self._event(case, answer) for case, answer in zip(pending.cases, answers, strict=True)
        ]

    def handle(self, cases: Sequence[CaseArrived]) -> list[VerdictIssued | CaseRejected]:
        """Score a batch at once."""
        return self.collect(self.submit(cases))

    def _event(self, case: CaseArrived, answer: Answer) -> VerdictIssued | CaseRejected:
        if isinstance(answer, Unscorable):
            return CaseRejected(case_id=case.case_id, at_min=case.at_min, reason=answer.reason)
        return VerdictIssued(
            case_id=case.case_id,
            at_min=case.at_min,
            p_malignant=answer.p_malignant,
            threshold=self.threshold,
            malignant=answer.p_malignant >= self.threshold,
            log_odds=answer.log_odds,
            missing=answer.missing,
            model_id=self._stack.model_id,
        )
