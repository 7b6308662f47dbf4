"""Faults of a Redis of ours: emptied, and full."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis

from services.redis_client import redis_client
from twin.errors import DependencyError

_TIMEOUT_S: Final = 10.0
_LIMITS: Final = ("maxmemory", "maxmemory-policy")


def flush(url: str) -> None:
    """Delete everything that a Redis holds.

    Raises:
        DependencyError: it does not answer.
    """
    with _client(url) as client:
        client.flushall()


def fill(url: str) -> Callable[[], None]:
    """Have a Redis refuse whatever needs memory; return what gives it as much as before.

    Raises:
        DependencyError: it does not answer.
    """
    with _client(url) as client:
        before = {name: client.config_get(name)[name] for name in _LIMITS}
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")

    def empty() -> None:
        with _client(url) as again:
            for name, value in before.items():
                again.config_set(name, value)

    return empty


@contextmanager
def _client(url: str) -> Iterator[Any]:
    client: Any = redis_client(
        url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, decode_responses=True
    )
    try:
        yield client
    except redis.RedisError as error:
        raise DependencyError(f"Redis: {error}") from error
    finally:
        client.close()
