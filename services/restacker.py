"""The re-stacker's loop: the whole log in, decisions out.

It keeps nothing but what it has read. Killed at any point, between a decision and its publication
or between two publications, the next one reads the log from its beginning, takes over what is
decided there, and publishes what is missing.
"""

import threading
from collections.abc import Callable
from typing import Final

from services.beats import Beats, unheard
from services.bus.port import Publisher, Subscriber
from services.bus.reading import read_or_none
from services.logs import Log
from services.stack_words import day, word
from twin.errors import DependencyError
from twin.events import (
    ComponentChanged,
    EpochReached,
    LoggedEvent,
    StackEvent,
    StackPromoted,
    StackRejected,
)
from twin.lifecycle import ComponentState
from twin.restacking.restacker import Restacker

TOPICS: Final = ("cases", "verdicts", "feedback", "stacks")
RETRY_WAITS_S: Final = (0.5, 1.0, *[2.0] * 30)  # as of the worker
POLL_S: Final = 0.05
_MOST_PER_POLL: Final = 500


class RestackerLoop:
    """Decides at epochs, over the event bus.

    Parameters:
        subscriber: to `TOPICS`.
        new: makes a re-stacker that has read nothing.
        beats: tell what the loop does; None where nobody listens.
    """

    def __init__(
        self,
        subscriber: Subscriber,
        publisher: Publisher,
        new: Callable[[], Restacker],
        log: Log,
        beats: Beats | None = None,
    ) -> None:
        self._subscriber = subscriber
        self._publisher = publisher
        self._new = new
        self._log = log.bind(stage="restacker")
        self.restarts = 0  # after a dependency failed
        self.beats = beats or unheard("restacker", "", "epochs")

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set.

        Raises:
            DependencyError: a dependency stayed away through all retries.
        """
        with self.beats.alive(ComponentState.STARTING, "reads the log"):
            self._serve(stop)

    def _serve(self, stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            restacker = self._new()
            try:
                self._subscriber.seek({})
                self._begin(restacker)
                self.beats.well()
                while not stop.is_set():
                    self._step(restacker)
                    failures = 0
            except DependencyError as error:
                if failures == len(RETRY_WAITS_S):
                    raise
                self.restarts += 1
                self._log.warning("again", reason=str(error))
                self.beats.restarts = self.restarts
                self.beats.trouble("reads the log again", error)
                self.beats.wait(RETRY_WAITS_S[failures], stop.wait)
                failures += 1

    def _begin(self, restacker: Restacker) -> None:
        """Read what is on the log; announce version 0 if that has not been done."""
        if not any(_is_first(event) for event in self._drained(restacker)):
            self._publish(restacker.begin())
        self._decide(restacker)

    def _step(self, restacker: Restacker) -> None:
        events = self._read(restacker, POLL_S)
        if events:
            self._decide(restacker)

    def _decide(self, restacker: Restacker) -> None:
        """Decide all epochs that are ready, on all that is on the log.

        Whoever publishes an epoch has flushed what came before it, so the log's end has that. The
        counts of an epoch alone would not do: a stranger's message may stand for one that is on
        its way.
        """
        while restacker.ready() is not None:
            self._drained(restacker)
            epoch = restacker.ready()
            if epoch is not None:
                self._decide_one(restacker, epoch)

    def _decide_one(self, restacker: Restacker, epoch: EpochReached) -> None:
        begun_s = self.beats.now_s()
        self.beats.meter.saw(
            f"epoch {epoch.epoch} at {day(epoch.at_min)}: {epoch.cases} cases, "
            f"{epoch.feedback} messages"
        )
        said = []
        for event in restacker.decide(epoch):
            self._publish(event)
            said.append(_words(event))
        self.beats.meter.note(begun_s, 1, f"epoch {epoch.epoch}: {', '.join(said)}")

    def _drained(self, restacker: Restacker) -> list[LoggedEvent]:
        """Read to the end of the log."""
        events: list[LoggedEvent] = []
        while sum(self._subscriber.lag().values()) > 0:
            events += self._read(restacker, POLL_S)
        return events

    def _publish(self, event: StackEvent) -> None:
        self._publisher.publish(event)
        self._publisher.flush()
        if isinstance(event, StackPromoted):
            facts = {"version": event.version, "how": event.how}
        else:
            facts = {"kind": type(event).__name__}
        self._log.info("stacks", epoch=getattr(event, "epoch", None), **facts)

    def _read(self, restacker: Restacker, wait_s: float) -> list[LoggedEvent]:
        events = []
        self.beats.beat()
        for message in self._subscriber.poll(_MOST_PER_POLL, wait_s):
            event = read_or_none(message)  # worker and mirror keep apart what is none
            if event is not None and not isinstance(event, ComponentChanged):
                restacker.note(event)
                events.append(event)
        return events


def _is_first(event: LoggedEvent) -> bool:
    return isinstance(event, StackPromoted) and event.epoch == 0


def _words(event: StackEvent) -> str:
    """Return what was decided or reported."""
    match event:
        case StackPromoted():
            return f"{word(event)}, version {event.version} ({event.how})"
        case StackRejected():
            return f"{word(event)}, version {event.version} stays"
    return "drift reported"
