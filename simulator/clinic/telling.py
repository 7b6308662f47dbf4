"""What a run tells the twin: who arrives and leaves, what clinics say afterwards, and epochs."""

from collections.abc import Callable

from simulator.clinic.clocks import Clock, TwinLink
from simulator.clinic.due import Due
from simulator.clinic.epochs import Epochs, epoch_times
from simulator.clinic.feedback import Feedback
from simulator.clinic.journal import Journal
from simulator.clinic.person import Person
from simulator.language.schema import Scenario
from twin.events import CaseClosed, EpochReached, FeedbackReceived


class Telling:
    """Makes a run's events, sends them to the twin, and keeps them and its decisions.

    Parameters:
        journal: of the run; its events and decisions are written here.
        clock: of the run.
        twin: the link; None where nobody listens.
        then: called after each epoch.
    """

    def __init__(
        self,
        scenario: Scenario,
        replication: int,
        journal: Journal,
        clock: Clock,
        twin: TwinLink | None,
        then: Callable[[], None],
    ) -> None:
        self._journal, self._clock, self._twin, self._then = journal, clock, twin, then
        self.epochs = Epochs(clock.env, epoch_times(scenario), self._epoch)
        self._feedback = (
            None
            if scenario.feedback is None
            else Feedback(scenario, replication, clock.env, self._hear)
        )

    def arrived(self, person: Person) -> None:
        """Tell of one who arrives now."""
        self._journal.events.append(person.arrived())
        self._clock.arrive(person)

    def served(self, person: Person, node: str, waited_min: float) -> None:
        """Note how long one queued, for when the case is closed."""
        waits_min = person.__dict__.setdefault("waits_min", {})
        waits_min[node] = waits_min.get(node, 0.0) + waited_min

    def left(self, person: Person, now_min: float, *, gave_up: bool) -> None:
        """Tell of one who leaves now; of who was served, a label may come later."""
        event = CaseClosed(
            case_id=person.case_id,
            at_min=now_min,
            referred=bool(person.referred),
            left_early=gave_up,
            waits_min=dict(person.__dict__.get("waits_min", {})),
        )
        self._journal.events.append(event)
        if self._twin is not None:
            self._twin.publish(event)
        if self._feedback is not None and not gave_up:
            self._feedback.left(person)

    def settle(self) -> None:
        """Write the labels that came into the tables, at the end of the run."""
        if self._feedback is not None:
            self._journal.label(self._feedback.labels())

    def _hear(self, message: FeedbackReceived) -> None:
        self._journal.events.append(message)
        if self._twin is not None:
            self._twin.publish(message)

    def _epoch(self, event: Due) -> None:
        reached = EpochReached(
            at_min=self._clock.env.now,
            epoch=event.what,
            cases=self._journal.arrived,
            feedback=0 if self._feedback is None else self._feedback.received,
        )
        self._journal.events.append(reached)
        self._journal.stack_events += self._clock.epoch(reached)
        self._then()
