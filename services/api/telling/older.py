"""Cases that the history has let go of, from the mirror: labels come weeks after their cases."""

from dataclasses import dataclass
from typing import Any, Final

from services.mirror.redis_layout import CASE_FIELDS, case_of
from twin.errors import DependencyError, EventError
from twin.state import CaseState

_PATIENCE_S: Final = 2.0  # a server on the same network answers in milliseconds: assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderCase:
    """A case as the mirror has it, and when it had it so."""

    case: CaseState | None
    generation: str  # of the mirror; empty where there is none
    revision: int


class OlderCases:
    """Reads one case at a time. It connects when it is first used.

    Parameters:
        url: of Redis.
        prefix: of the mirror's keys.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._prefix = prefix
        self._client: Any = None

    def read(self, case_id: str) -> CaseState | None:
        """Return a case as the mirror has it; None where there is none, or no longer.

        Raises:
            DependencyError: Redis does not answer, or holds something else.
        """
        return self.read_then(case_id).case

    def read_then(self, case_id: str) -> OlderCase:
        """Return a case as the mirror has it, and at which revision that was.

        Raises:
            DependencyError: Redis does not answer, or holds something else.
        """
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        from services.redis_client import redis_client

        try:
            if self._client is None:
                self._client = redis_client(
                    self._url,
                    socket_timeout=_PATIENCE_S,
                    socket_connect_timeout=_PATIENCE_S,
                    retry=Retry(NoBackoff(), 0),  # somebody waits for the answer
                )
            with self._client.pipeline(transaction=True) as pipe:
                pipe.hmget(f"{self._prefix}:case:{case_id}", CASE_FIELDS)
                pipe.hmget(f"{self._prefix}:mirror", "generation", "revision")
                fields, (generation, revision) = pipe.execute()
            return OlderCase(
                case=case_of(fields),
                generation=(generation or b"").decode(),
                revision=int(revision or 0),
            )
        except (redis.RedisError, EventError) as cause:
            raise DependencyError(f"case {case_id}: {cause}") from cause
