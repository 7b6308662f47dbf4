"""The one way to a Redis client: with the password and TLS that the environment says."""

import os
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

from services.config import read_settings
from services.tls import tls_context, tls_hint

_PORT: Final = 6379
# How it reads when a server hangs up on what it did not understand.
_HUNG_UP: Final = ("closed", "reset by peer", "broken pipe", "eof occurred")


def redis_client(url: str, **options: Any) -> redis.Redis:  # noqa: ANN401  redis-py's
    """Return a client of the server at a URL; it connects when it is first used.

    Password and certificates in the environment belong to the server of REDIS_URL, and no other
    gets to see them. Errors of a connection name the variable to look at.

    Parameters:
        options: of `redis.Redis.from_url`.

    Raises:
        SettingsError: a setting or file cannot be used.
        ValueError: it is no URL.
    """
    settings = read_settings(os.environ)
    if settings.redis is not None and _place(settings.redis) == _place(url):
        if settings.redis_password is not None:
            options["password"] = settings.redis_password.get_secret_value()
        if url.startswith("rediss:"):
            # Looked over here, where an error still can name the variable.
            tls_context("REDIS", settings.redis_ca, settings.redis_cert, settings.redis_key)
            if settings.redis_ca is not None:
                options["ssl_ca_certs"] = str(settings.redis_ca)
            if settings.redis_cert is not None:
                options["ssl_certfile"] = str(settings.redis_cert)
                options["ssl_keyfile"] = str(settings.redis_key)
    kinds = {"rediss": _Tls, "unix": _Unix}
    options["connection_class"] = kinds.get(urlsplit(url).scheme, _Plain)
    return redis.Redis.from_url(url, **options)


def _place(url: str) -> tuple[str | None, int, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or _PORT, parts.path if parts.scheme == "unix" else ""


class _Named:
    """Has the errors of a connection name the variable."""

    def connect_check_health(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            super().connect_check_health(*args, **options)  # type: ignore[misc]
        except redis.RedisError as error:
            hint = _hint(error, tls=isinstance(self, SSLConnection))
            if hint is None:
                raise
            raise type(error)(f"{error}: {hint}") from error


class _Plain(_Named, Connection):
    pass


class _Tls(_Named, SSLConnection):
    pass


class _Unix(_Named, UnixDomainSocketConnection):
    pass


def _hint(error: redis.RedisError, *, tls: bool) -> str | None:
    if isinstance(error, redis.AuthenticationError):
        return "look at REDIS_PASSWORD and at the user in REDIS_URL"
    if tls and isinstance(error, redis.TimeoutError):
        return "perhaps it does not speak TLS: REDIS_URL begins with rediss://"
    found = tls_hint("REDIS", error) if tls else None
    if found is None and any(each in str(error).lower() for each in _HUNG_UP):
        if tls:
            return "perhaps it asks for a certificate: set REDIS_SSL_CERTFILE and REDIS_SSL_KEYFILE"
        return "if it speaks TLS, REDIS_URL has to begin with rediss://"
    return found
