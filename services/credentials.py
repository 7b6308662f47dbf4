"""Passwords: from a variable or a file, and out of whatever is shown or handed on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from twin.errors import SettingsError

FILE: Final = "_FILE"  # appended to a password's variable: the file that holds it, as Docker does
_MOST_BYTES: Final = 4096  # assumption: whatever is longer is another file


def password_of(environment: Mapping[str, str], variable: str) -> SecretStr | None:
    """Return the password that a variable holds, or the file that VARIABLE_FILE names.

    One line break at the file's end is not part of it.

    Raises:
        SettingsError: both are set, or the file cannot be read, is empty or has several lines.
    """
    value, file = environment.get(variable), environment.get(variable + FILE)
    if not file:
        return SecretStr(value) if value else None
    if value:
        raise SettingsError(variable + FILE, file, f"{variable} is set, too: one of them is enough")
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
        text = raw.decode()
    except OSError as error:
        raise SettingsError(variable + FILE, file, error.strerror or str(error)) from None
    except UnicodeDecodeError:  # its message would quote the bytes
        raise SettingsError(variable + FILE, file, "is no UTF-8 text") from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password:
        raise SettingsError(variable + FILE, file, "is empty")
    if len(raw) > _MOST_BYTES or "\n" in password:
        raise SettingsError(variable + FILE, file, "is no password: it has more than one line")
    return SecretStr(password)


def without_password(url: str) -> tuple[str, str | None]:
    """Return a Redis URL without its password, and the password.

    Raises:
        SettingsError: no Redis URL, or one that holds what belongs into other variables.

    >>> without_password("rediss://twin:let%20me@cache:6380/0")
    ('rediss://twin@cache:6380/0', 'let me')
    """
    try:
        parts = urlsplit(url)
        there = parts.hostname and parts.port != 0
        named = parts.scheme == "unix" or (parts.scheme in {"redis", "rediss"} and there)
    except ValueError:
        named = False
    if not named:  # not quoted: it may hold a password all the same
        reason = "expected redis://host:port/0, or rediss:// for TLS"
        raise SettingsError("REDIS_URL", "...", reason)
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name in {"password", "username"} or name.startswith("ssl"):
            reason = f"{name} has no place in it: set REDIS_PASSWORD or REDIS_SSL_..., see README"
            raise SettingsError("REDIS_URL", "...", reason)
    userinfo, at, address = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    shown = parts._replace(netloc=f"{user}{at}{address}" if user else address)
    return shown.geturl(), unquote(password) or None
