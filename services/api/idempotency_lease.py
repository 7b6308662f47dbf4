"""The right to run a request that has an `Idempotency-Key`, and what is kept of it in Redis."""

import asyncio
import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import Response

from services.api.problems import ProblemError

if TYPE_CHECKING:
    from redis import Redis

_RETRY_AFTER_S: Final = 1
_RETRY_AFTER_OUTAGE_S: Final = 5
_NOT_KEPT: Final = frozenset({b"content-length", b"date", b"x-request-id"})

# A lease is let go of, renewed, and written under by its holder alone.
_MINE: Final = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
_RELEASE: Final = _MINE + "return redis.call('del', KEYS[1])"
_RENEW: Final = _MINE + "return redis.call('pexpire', KEYS[1], ARGV[2])"
_WRITE: Final = _MINE + "redis.call('set', KEYS[2], ARGV[2], 'EX', ARGV[3]) return 1"


@dataclass(slots=True)
class Lease:
    """The right to run a request, and what is kept of it."""

    client: "Redis"
    place: str
    digest: str
    lease_ms: int
    ttl_s: int
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def take(self) -> dict[str, Any]:
        """Return what is known of the request; it is ours to run where there is no answer."""
        with _answering():
            known = self._known()
            if "answer" in known:
                return known
            mine = self.client.set(f"{self.place}:lease", self.token, nx=True, px=self.lease_ms)
            if not mine:
                raise ProblemError(
                    409,
                    "a request with this Idempotency-Key is being answered: send it again later",
                    headers={"Retry-After": str(_RETRY_AFTER_S)},
                )
            try:
                known = self._known()  # it may have been answered in between
            except ProblemError:
                self._release()
                raise
            if "answer" in known:
                self._release()
            elif not known:
                self._write({})
            return known

    def note(self, plan: str) -> None:
        """Keep what is about to be done.

        Raises:
            ProblemError: Redis does not answer, or the lease was lost.
        """
        with _answering():
            if not self._write({"plan": plan}):
                raise ProblemError(
                    409,
                    "another request with this Idempotency-Key has taken over",
                    headers={"Retry-After": str(_RETRY_AFTER_S)},
                )

    def keep(self, response: Response) -> None:
        """Keep the answer, and let go. What was done stays done if Redis does not take it."""
        from redis import RedisError

        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.raw_headers
            if name not in _NOT_KEPT
        ]
        body = base64.b64encode(bytes(response.body)).decode()
        answer = {"status": response.status_code, "headers": headers, "body": body}
        try:
            self._write({"answer": answer})
            self._release()
        except RedisError:
            # The next try finds the plan, or meets what was done by its id.
            return

    def drop(self, *, keep: bool) -> None:
        """Let go after a failure; what nothing was done for is forgotten."""
        from redis import RedisError

        try:
            if not keep:
                self.client.delete(self.place)
            self._release()
        except RedisError:
            return  # the lease ends by itself

    async def renew(self) -> None:
        """Renew the lease until cancelled."""
        from redis import RedisError

        while True:
            await asyncio.sleep(self.lease_ms / 3000)
            try:
                await asyncio.to_thread(
                    self._run, _RENEW, 1, f"{self.place}:lease", self.token, self.lease_ms
                )
            except RedisError:
                continue

    def _known(self) -> dict[str, Any]:
        raw = cast(bytes | None, self.client.get(self.place))
        if raw is None:
            return {}
        known: dict[str, Any] = json.loads(raw)
        if known["digest"] != self.digest:
            raise ProblemError(422, "this Idempotency-Key was used with another content")
        return known

    def _write(self, more: dict[str, Any]) -> bool:
        told = json.dumps({"digest": self.digest, **more})
        lease = f"{self.place}:lease"
        return bool(self._run(_WRITE, 2, lease, self.place, self.token, told, self.ttl_s))

    def _release(self) -> None:
        self._run(_RELEASE, 1, f"{self.place}:lease", self.token)

    def _run(self, script: str, keys: int, *words: str | int) -> object:
        return self.client.eval(script, keys, *[str(one) for one in words])


@contextmanager
def _answering() -> Iterator[None]:
    """Turn an outage of Redis into a problem."""
    from redis import RedisError

    try:
        yield
    except RedisError as cause:
        raise ProblemError(
            503,
            "the store of answers does not answer: nothing was done",
            headers={"Retry-After": str(_RETRY_AFTER_OUTAGE_S)},
        ) from cause
