"""Which event goes to which stage: start reading here.

    CaseArrived ─▶ imaging ─▶ stem ─▶ six learners ─▶ meta-learner ─▶ VerdictIssued
                      └────────── the image cannot be scored ──────▶ CaseRejected

Imaging, stem, learners and meta-learner together are the `Stack` (twin/ports.py); where they
run is not this module's business. The pipeline turns events into images and answers into
events, keeps every case's answer exactly one, and has each case answered by the stack version
that was in force when it arrived (twin/stacks.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from twin.errors import InvariantError
from twin.events import CaseArrived, CaseRejected, VerdictIssued
from twin.ports import Answer, Stack, Ticket, Unscorable
from twin.stacks import Outage, StackBook, StackVersion, absent_at

MAX_REASON: Final = 2_000  # characters: assumption

if TYPE_CHECKING:
    from twin.restacking.twin_loop import TwinLoop


@dataclass(frozen=True, slots=True)
class _Part:
    """Cases of a batch that one stack version answers with the same learners."""

    cases: tuple[CaseArrived, ...]
    version: StackVersion | None  # None where only the model's own stack is ever in force
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch of cases on its way through the stack."""

    parts: tuple[_Part, ...]

    @property
    def cases(self) -> tuple[CaseArrived, ...]:
        """All cases of the batch, in the order submitted."""
        return tuple(case for part in self.parts for case in part.cases)

    def done(self) -> bool:
        """Return whether collecting would hardly wait."""
        return all(part.ticket.done() for part in self.parts)


class Pipeline:
    """Answers cases with verdicts.

    Parameters:
        stack: stem, learners and meta-learner.
        threshold: operating point on p_malignant; the model's own if not given.
        book: the stack versions; None where the model's own stack answers all cases.
        outages: learners that are out, and when.
    """

    def __init__(
        self,
        stack: Stack,
        threshold: float | None = None,
        book: StackBook | None = None,
        outages: Sequence[Outage] = (),
    ) -> None:
        self._stack = stack
        self.threshold = stack.threshold if threshold is None else threshold
        self.book = book
        self._outages = tuple(outages)

    @property
    def model_id(self) -> str:
        """Artefact that answers."""
        return self._stack.model_id

    def submit(self, cases: Sequence[CaseArrived]) -> Pending:
        """Start scoring a batch of cases; several batches may be under way."""
        parts = []
        for (number, absent), group in groupby(cases, self._way):
            some = tuple(group)
            version = self.book.at(some[0].at_min) if self.book else None
            # Version 0 is in the meta-learner's own actor: nothing is sent for it.
            meta = version.meta if version and number else None
            ticket = self._stack.submit([case.image for case in some], meta, absent)
            parts.append(_Part(some, version, ticket))
        return Pending(tuple(parts))

    def collect(self, pending: Pending) -> list[VerdictIssued | CaseRejected]:
        """Wait for a batch; return one event per case, in the order submitted.

        Raises:
            DependencyError: the stack cannot answer now; nothing of the batch is lost.
            InvariantError: the stack gave another number of answers than it was asked.
        """
        events = []
        for part in pending.parts:
            answers = part.ticket.collect()
            if len(answers) != len(part.cases):
                raise InvariantError(f"{len(answers)} answers to {len(part.cases)} cases")
            events += [
                self._event(case, answer, part.version)
                for case, answer in zip(part.cases, answers, strict=True)
            ]
        return events

    def handle(self, cases: Sequence[CaseArrived]) -> list[VerdictIssued | CaseRejected]:
        """Score a batch at once."""
        return self.collect(self.submit(cases))

    def _way(self, case: CaseArrived) -> tuple[int, frozenset[str]]:
        number = self.book.at(case.at_min).number if self.book else 0
        return number, absent_at(self._outages, case.at_min)

    def _event(
        self, case: CaseArrived, answer: Answer, version: StackVersion | None
    ) -> VerdictIssued | CaseRejected:
        if isinstance(answer, Unscorable):
            # An image's name is a stranger's, and its answer must fit into the log.
            reason = answer.reason[:MAX_REASON]
            return CaseRejected(case_id=case.case_id, at_min=case.at_min, reason=reason)
        threshold = version.threshold if version else self.threshold
        return VerdictIssued(
            case_id=case.case_id,
            at_min=case.at_min,
            p_malignant=answer.p_malignant,
            threshold=threshold,
            malignant=answer.p_malignant >= threshold,
            log_odds=answer.log_odds,
            sketch=answer.sketch,
            missing=answer.missing,
            model_id=self._stack.model_id,
            stack=version.number if version else 0,
        )


def pipeline_of(
    stack: Stack, threshold: float | None = None, loop: "TwinLoop | None" = None
) -> Pipeline:
    """Return the pipeline of a twin.

    Parameters:
        threshold: operating point where nothing happens to the stack; None: the model's own.
        loop: what does happen, with its operating point.
    """
    if loop is None:
        return Pipeline(stack, threshold)
    return Pipeline(stack, loop.threshold, loop.book(), loop.outages)
