"""What whoever tells the twin something has to know of it."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from services.api.problems import ProblemError
from services.live_facts import Facts
from twin.events import StackEvent
from twin.state import CaseState

FOLD_WAIT_S: Final = 3.0  # a mirror that works folds within tenths of a second: assumption
_CLAIM_S: Final = 60.0  # a mirror that is a minute behind is down: assumption
_RETRY_AFTER_S: Final = 2


class Known(Protocol):
    """The twin's state as the mirror has told it: `services.api.live.history.History`."""

    @property
    def state(self) -> str:
        """One of starting, unreachable, rebuilding, stale, live."""
        ...

    @property
    def latest_min(self) -> float:
        """Event time of the latest event; 0 where there is none."""
        ...

    @property
    def stack_events(self) -> Sequence[StackEvent]:
        """Everything on the topic `stacks`, in its order."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """The counts of `twin.state.TwinState`."""
        ...

    def case(self, case_id: str) -> CaseState | None:
        """Return what is known of a case of late; None where nothing is."""
        ...

    async def changed(self, timeout_s: float) -> object:
        """Wait for the next change, no longer than a time."""
        ...


async def wait_until(known: Known, true: Callable[[], bool], timeout_s: float) -> bool:
    """Return whether something came true in time."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            return False
        await known.changed(left_s)
    return True


def case_tag(case: CaseState) -> str:
    """Return the ETag of a case: it changes with each event that changes the case."""
    return f'"c{case.revision}"'


def stacks_tag(known: Known) -> str:
    """Return the ETag of the stacks: it changes with each event about them."""
    return f'"s{len(known.stack_events)}"'


def facts_of(known: Known, prefix: str, loop: str | None) -> Facts:
    """Return what is known of the twin as a whole."""
    return Facts(
        prefix=prefix,
        loop=loop,
        latest_min=known.latest_min,
        stack_events=tuple(known.stack_events),
        cases=known.counts.get("cases", 0),
        feedback=known.counts.get("feedback", 0),
        closed=known.counts.get("closed", 0),
    )


class Claims:
    """What is being told and is not known yet: between the two, nobody else may tell its like.

    It makes a comparison with `If-Match` and the change one step: the state that is compared
    comes from the mirror, and the mirror folds a moment after the log has the event.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until_s: dict[str, float] = {}  # the oldest first

    def take(self, what: str) -> bool:
        """Return whether it was free, and is ours now, for a minute at most."""
        now_s = self._clock()
        while self._until_s and next(iter(self._until_s.values())) <= now_s:
            del self._until_s[next(iter(self._until_s))]
        if what in self._until_s:
            return False
        self._until_s[what] = now_s + _CLAIM_S
        return True

    def drop(self, what: str) -> None:
        """Let go."""
        self._until_s.pop(what, None)

    @asynccontextmanager
    async def alone(self, what: str, known: Known) -> AsyncIterator["Claim"]:
        """Wait for a claim, and hold it while the block runs, or longer if the block says so.

        Raises:
            ProblemError: 503, it is not free: the mirror does not follow.
        """
        if not await wait_until(known, lambda: self.take(what), FOLD_WAIT_S):
            detail = "the last change is not in the twin's state yet: send it again later"
            raise ProblemError(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})
        claim = Claim()
        try:
            yield claim
        except BaseException:
            self.drop(what)
            raise
        if not claim.lasts:
            self.drop(what)


@dataclass(slots=True)
class Claim:
    """One that is held."""

    lasts: bool = False  # it was told, and is not known yet

    async def settle(self, known: Known, folded: Callable[[], bool]) -> None:
        """Wait until what was told is known; the claim lasts if it does not become known."""
        self.lasts = not await wait_until(known, folded, FOLD_WAIT_S)
