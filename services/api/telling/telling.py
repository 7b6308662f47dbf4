"""What is needed to tell the live twin something, in one value."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from services.api.idempotency import Attempt, Idempotency
from services.api.problems import ProblemError
from services.api.teller import Teller
from services.api.telling.known import Claims, Known, facts_of
from services.api.uploads import UploadCheck
from services.bus.codec import decode
from services.live_facts import Facts
from twin.errors import DependencyError
from twin.events import Event
from twin.images import BlobRef
from twin.log import SCHEMA_OF, encode
from twin.state import CaseState

_RETRY_AFTER_S: Final = 5
_KNOWN: Final = frozenset({"stale", "live"})


class Blobs(Protocol):
    """Where uploads are kept."""

    def put(self, data: bytes) -> BlobRef:
        """Store an encoded image."""
        ...


@dataclass(slots=True, kw_only=True)
class Telling:
    """Everything between a request and the log."""

    prefix: str
    known: Known
    teller: Teller
    blobs: Blobs
    idempotency: Idempotency
    older: Callable[[str], CaseState | None]  # reads a case that is not known of late; blocks
    loop: Callable[[], str | None]  # what the twin does at epochs; it may read a file
    uploads: UploadCheck = field(default_factory=UploadCheck)
    claims: Claims = field(default_factory=Claims)

    def close(self) -> None:
        """Let go of the broker."""
        self.teller.close()

    def ensure_known(self) -> None:
        """Refuse to tell a twin of which nothing is known: not even its time.

        Raises:
            ProblemError: 503.
        """
        state = self.known.state
        if state not in _KNOWN:
            detail = f"the twin's state is not known here ({state}): send it again later"
            raise ProblemError(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})

    async def case(self, case_id: str) -> CaseState | None:
        """Return what is known of a case that has arrived, however long ago.

        Raises:
            ProblemError: 503, the mirror does not answer.
        """
        state = self.known.case(case_id)
        if state is None or state.arrived is None:  # of an older one, only what is new is known
            try:
                state = await asyncio.to_thread(self.older, case_id)
            except DependencyError as cause:
                raise ProblemError(
                    503,
                    "the twin's state cannot be read: nothing was done",
                    headers={"Retry-After": str(_RETRY_AFTER_S)},
                ) from cause
        return state if state is not None and state.arrived is not None else None

    async def store(self, data: bytes) -> BlobRef:
        """Store an upload.

        Raises:
            ProblemError: 503, the store does not answer.
        """
        try:
            return await asyncio.to_thread(self.blobs.put, data)
        except DependencyError as cause:
            raise ProblemError(
                503,
                "the store of images does not answer: nothing was done",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            ) from cause

    async def tell(self, attempt: Attempt, event: Event) -> None:
        """Note what is told, so that the next try tells the same; then tell it.

        Raises:
            ProblemError: 503, the store of answers or the log does not answer.
        """
        if attempt.plan is None:
            await attempt.intend(f"{SCHEMA_OF[type(event)]} {encode(event).decode()}")
        await self.teller.tell(event)

    async def at_epochs(self) -> str | None:
        """Return what the twin does at epochs; None where that is not known."""
        return await asyncio.to_thread(self.loop)

    def facts(self, loop: str | None) -> Facts:
        """Return what is known of the twin as a whole."""
        return facts_of(self.known, self.prefix, loop)


def planned(attempt: Attempt) -> Event | None:
    """Return what an earlier try told, or was about to tell."""
    if attempt.plan is None:
        return None
    schema, _, told = attempt.plan.partition(" ")
    return decode(schema, told.encode())
