"""A bank that stands for the twin: verdicts from base scores that were worked out before the run.

Only what depends on the stack's version and on who is out is worked out here (law 7), and once for
each entry of the bank; so the loop of labels and re-stacking runs with tens of thousands of
patients in seconds. The events are those that a twin in the loop would make.
"""

import math
from collections.abc import Sequence

from simulator.cases.bank import Bank, Severities
from simulator.cases.bank_entries import reference_of
from simulator.clinic.journal import Journal
from simulator.language.loop_plans import twin_loop
from simulator.language.schema import Scenario
from twin.errors import InvariantError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    EpochReached,
    FeedbackReceived,
    LoggedEvent,
    StackEvent,
    VerdictIssued,
)
from twin.images import ImageRef
from twin.log import digest
from twin.meta import INPUT
from twin.restacking.at_hand import AtHand
from twin.restacking.restacker import Restacker
from twin.stacks import Outage, StackBook, StackVersion, absent_at, present

Answer = VerdictIssued | CaseRejected


class BankLink:
    """Answers cases whose images are in a bank; a twin's link to the engine.

    Parameters:
        bank: with its scorer.
        base: version 0 of the stack.
        outages: learners that are out, and when.
        restacker: decides at epochs; None where there are none.
    """

    def __init__(
        self,
        bank: Bank,
        base: StackVersion,
        outages: Sequence[Outage] = (),
        restacker: Restacker | None = None,
    ) -> None:
        self._bank = bank
        self._book = StackBook(base)
        self._outages = tuple(outages)
        self._at_hand = AtHand(restacker, self._book)
        self._places = _places(bank)
        self._said: dict[tuple[Severities, int, int, frozenset[str]], VerdictIssued | str] = {}
        self.answers: dict[str, Answer] = {}

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        """Answer cases by the stack that is in force when they arrive."""
        for case in cases:
            self.answers[case.case_id] = answer = self._answer(case)
            self._at_hand.note(case)
            self._at_hand.note(answer)

    def answer(self, case_id: str) -> Answer:
        """Return a case's answer.

        Raises:
            InvariantError: it was never submitted.
        """
        if case_id not in self.answers:
            raise InvariantError(f"case {case_id} was never submitted")
        return self.answers[case_id]

    def poll(self, case_id: str) -> Answer | None:
        """Return a case's answer, if it was submitted."""
        return self.answers.get(case_id)

    def publish(self, event: CaseClosed | FeedbackReceived) -> None:
        """Let the re-stacker hear of it."""
        self._at_hand.note(event)

    def epoch(self, event: EpochReached) -> list[StackEvent]:
        """Return what was decided; before the first decision, version 0 as an event.

        Raises:
            InvariantError: the re-stacker lacks an event from before the epoch.
        """
        return self._at_hand.epoch(event)

    def log(self, journal: Journal) -> list[LoggedEvent]:
        """Return all events of a run that is over: the engine's, answers, and decisions."""
        return [*journal.events, *self.answers.values(), *journal.stack_events]

    def digest(self, journal: Journal) -> str:
        """Return the sha256 (hex) of the run's log."""
        return digest(self.log(journal))

    def _answer(self, case: CaseArrived) -> Answer:
        way, place = self._places[case.image]
        version, absent = self._book.at(case.at_min), absent_at(self._outages, case.at_min)
        key = (way, place, version.number, absent)
        if key not in self._said:
            self._said[key] = self._verdict(way, place, version, absent)
        said = self._said[key]
        if isinstance(said, str):
            return CaseRejected(case_id=case.case_id, at_min=case.at_min, reason=said)
        # `dataclasses.replace` would take most of the run's time.
        return VerdictIssued(
            case_id=case.case_id,
            at_min=case.at_min,
            p_malignant=said.p_malignant,
            threshold=said.threshold,
            malignant=said.malignant,
            log_odds=said.log_odds,
            sketch=said.sketch,
            missing=said.missing,
            model_id=said.model_id,
            stack=said.stack,
        )

    def _verdict(
        self, way: Severities, place: int, version: StackVersion, absent: frozenset[str]
    ) -> VerdictIssued | str:
        """Return the verdict on an entry, of no case yet; or why there is none."""
        scores = self._bank.scores[way]
        fault = scores.faults.get(place)
        if fault is not None:
            return fault
        columns = zip(scores.learners, scores.log_odds[place].tolist(), strict=True)
        known = {name: value for name, value in columns if not math.isnan(value)}
        log_odds = present(known, absent)
        sketch = tuple(scores.sketch[place].tolist())
        inputs = {f"{INPUT}{number}": value for number, value in enumerate(sketch)}
        # By the stack's own function, as the twin in the loop does: the same bits.
        p_malignant = version.meta.weights_for(log_odds).p_malignant(log_odds | inputs)
        return VerdictIssued(
            case_id="",
            at_min=0.0,
            p_malignant=p_malignant,
            threshold=version.threshold,
            malignant=p_malignant >= version.threshold,
            log_odds=log_odds,
            sketch=sketch,
            missing=tuple(name for name in scores.learners if name not in log_odds),
            model_id=self._bank.model_id,
            stack=version.number,
        )


def bank_link(scenario: Scenario, bank: Bank) -> BankLink:
    """Return the link of one replication: what came back in another one is not known to it."""
    assert bank.scorer is not None  # whoever runs such a scenario has given it one
    scorer = bank.scorer
    loop = twin_loop(scenario, bank.model_id, scorer.meta, bank.threshold, scorer.reference)
    restacker = loop.restacker() if loop.decides else None
    return BankLink(bank, loop.base, loop.outages, restacker)


def _places(bank: Bank) -> dict[ImageRef, tuple[Severities, int]]:
    """Return how each image of a bank is taken, and which entry it is."""
    assert bank.scorer is not None
    return {
        reference_of(image, way): (way, place)
        for way in bank.scores
        for place, image in enumerate(bank.scorer.images)
    }
