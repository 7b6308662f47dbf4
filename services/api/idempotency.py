"""A submission that is sent again does nothing again: the first answer is kept, and given again.

Of one principal's requests with one `Idempotency-Key`, one runs at a time, under a lease that ends
by itself when its process dies. What a request is about to do is noted before it is done, so that
the one that is sent after a crash does the same thing: the log then holds an event twice, and a
fold takes it once.
"""

import asyncio
import base64
import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Header, Response

from services.api.idempotency_lease import Lease

if TYPE_CHECKING:
    from redis import Redis

REPLAYED: Final = "Idempotency-Replayed"
_TTL_S: Final = 24 * 3600  # assumption: nobody sends a request again a day later
# A lease is renewed while its request runs. After a crash the same request is refused as long as
# this: assumption, long against a stall of the event loop.
_LEASE_MS: Final = 10_000
_PATIENCE_S: Final = 5.0  # assumption, as for the store of uploads
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern="^[ -~]+$",
        description=(
            "Of the caller's making, new for each submission. Sent again within a day with the "
            "same content, it returns the first answer and does nothing."
        ),
        examples=["0b6f1c1e-upload-17"],
    ),
]


def digest_of(*parts: object) -> str:
    """Return the sha256 (hex) of what makes a request the same: its path, and what it carries.

    Not of its bytes: those of a form differ each time that it is sent.

    >>> digest_of("/v1/cases", "ab") == digest_of("/v1/cases", "a", "b")
    False
    """
    told = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


@dataclass(slots=True)
class Attempt:
    """One try at a submission.

    Parameters:
        seed: hex; the same for each try with the same key, random without a key. Ids that are made
            of it are met again by the next try.
        plan: what an earlier try, which never answered, noted before it did it.
    """

    seed: str
    plan: str | None = None
    _note: Callable[[str], None] | None = None

    async def intend(self, plan: str) -> None:
        """Note what is about to be done; call it right before it is.

        Raises:
            ProblemError: it could not be noted (503), and nothing may be done.
        """
        if self._note is not None:
            await asyncio.to_thread(self._note, plan)
        self.plan = plan


Action = Callable[[Attempt], Awaitable[Response]]


@dataclass(slots=True)
class Idempotency:
    """The answers that were given, in Redis. It connects when it is first used.

    Parameters:
        url: of the server.
        prefix: of all keys.
    """

    url: str = field(repr=False)  # may hold a password
    prefix: str
    lease_ms: int = _LEASE_MS
    ttl_s: int = _TTL_S
    _client: "Redis | None" = field(default=None, init=False, repr=False, compare=False)

    async def once(self, principal: str, key: str | None, digest: str, action: Action) -> Response:
        """Return the answer of an action, or the one that it gave before.

        An action that raises has no answer that is kept: the next try runs it again.

        Parameters:
            principal: whose key it is; others may use the same.
            key: None where the caller gave none; then the action simply runs.
            digest: see `digest_of`.

        Raises:
            ProblemError: 409 while the first one runs, 422 when the key was used with another
                content, 503 when Redis does not answer.
        """
        if key is None:
            return await action(Attempt(uuid.uuid4().hex))
        seed = hashlib.sha256(f"{principal}\0{key}".encode()).hexdigest()
        place = f"{self.prefix}:idem:{principal}:{seed[:32]}"
        lease = Lease(self._connected(), place, digest, self.lease_ms, self.ttl_s)
        kept = await asyncio.to_thread(lease.take)
        if "answer" in kept:
            return _again(kept["answer"])
        beat = asyncio.create_task(lease.renew())
        attempt = Attempt(seed, kept.get("plan"), lease.note)
        try:
            response = await action(attempt)
        except Exception:
            await asyncio.to_thread(lease.drop, keep=attempt.plan is not None)
            raise
        finally:
            beat.cancel()
        await asyncio.to_thread(lease.keep, response)
        return response

    def _connected(self) -> "Redis":
        """Return the client."""
        if self._client is None:
            from services.redis_client import redis_client

            self._client = redis_client(
                self.url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
            )
        return self._client


def _again(answer: dict[str, Any]) -> Response:
    """Return an answer that was kept."""
    response = Response(base64.b64decode(answer["body"]), answer["status"])
    for name, value in answer["headers"]:
        response.headers[name] = value
    response.headers[REPLAYED] = "true"
    return response
