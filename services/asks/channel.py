"""The keys in Redis through which asks and answers go, and where explanations are kept.

p:asks                list   asks (JSON) that wait for who explains
p:asks:beat           string there while somebody explains; expires
p:answer:{name}       list   answers (JSON) to one asking process; expires
p:explanation:{key}   hash   facts (JSON), map (.npz); see `Ask.key`; expires after a day
"""

import json
from typing import Any, Final

from redis.backoff import NoBackoff
from redis.retry import Retry

from services.asks.found import Found, found_of
from services.redis_client import redis_client

KEPT_S: Final = 24 * 3600  # an explanation: half of a map is 60 kB; a day is what a page looks back
BEAT_S: Final = 15  # the explaining side tells so often that it is there: assumption
_REPLIES_S: Final = 600  # answers that nobody took are forgotten
_POP_S: Final = 1.0  # how long a loop sleeps at most before it looks whether it is to end
_TIMEOUT_S: Final = 5.0  # a server on the same network answers in milliseconds: assumption


class Channel:
    """Asks and answers in Redis; errors are Redis' own.

    Parameters:
        url: `redis://host:port/db`.
        prefix: of all keys.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._prefix = prefix
        # Its annotations cannot tell bytes from text, nor a reply from an awaitable one.
        self._redis: Any = redis_client(
            url,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # trying again is the business of who asks
        )

    # --- who asks

    def push(self, raw: bytes, most: int) -> bool:
        """Put an ask into the list; return whether there was room."""
        asks = self._key("asks")
        if self._redis.rpush(asks, raw) <= most:
            return True
        self._redis.lrem(asks, -1, raw)
        return False

    def is_answered(self) -> bool:
        """Return whether somebody explains at the other end."""
        return bool(self._redis.exists(self._key("asks", "beat")))

    def reply(self, name: str) -> dict[str, Any] | None:
        """Return the next answer to `name`; None if there is none within a second."""
        got = self._redis.blpop([self._key("answer", name)], timeout=_POP_S)
        return None if got is None else json.loads(got[1])

    # --- who explains

    def beat(self, for_s: float = BEAT_S) -> None:
        """Tell that somebody explains."""
        self._redis.set(self._key("asks", "beat"), b"1", px=int(1000 * for_s))

    def leave(self) -> None:
        """Tell that nobody does any more."""
        self._redis.delete(self._key("asks", "beat"))

    def pop(self) -> bytes | None:
        """Return the next ask; None if there is none within a second."""
        got = self._redis.blpop([self._key("asks")], timeout=_POP_S)
        return None if got is None else bytes(got[1])

    def answer(self, name: str, told: dict[str, Any]) -> None:
        """Send an answer to `name`."""
        replies = self._key("answer", name)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(replies, json.dumps(told).encode())
            pipe.expire(replies, _REPLIES_S)
            pipe.execute()

    # --- what was found

    def kept(self, key: str) -> Found | None:
        """Return an explanation that is kept.

        Raises:
            ArtefactError: what is kept is none.
        """
        return found_of(self._redis.hgetall(self._key("explanation", key)))

    def are_kept(self, keys: list[str]) -> list[bool]:
        """Return which explanations are kept."""
        with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.exists(self._key("explanation", key))
            return [bool(one) for one in pipe.execute()]

    def keep(self, key: str, found: Found) -> None:
        """Keep an explanation for a day."""
        name = self._key("explanation", key)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(name, mapping=found.fields())
            pipe.expire(name, KEPT_S)
            pipe.execute()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))
