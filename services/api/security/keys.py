"""API keys: what is kept of them, and the file that it is kept in.

A key is `dt_<id>_<secret>`. The secret is 256 random bits, of which the file holds the sha256. A
slow hash would add nothing: it makes guessing dear where secrets are few, as passwords are, and
2²⁵⁶ secrets cannot be tried at any speed; but each request would wait for it.
"""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.api.security.access import Scope
from services.atomic import write_text
from twin.errors import DataError, SettingsError

FILE_NAME: Final = "keys.json"  # in DERMTWIN_HOME
DAY_S: Final = 86_400.0
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 4


class Key(BaseModel):
    """What is kept of a key: all but its secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    name: str
    scopes: frozenset[Scope]
    created_unix_s: float
    expires_unix_s: float
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    revoked_unix_s: float | None = None

    def state(self, now_unix_s: float) -> str:
        """Return "valid", "expired" or "revoked"."""
        if self.revoked_unix_s is not None:
            return "revoked"
        return "valid" if now_unix_s < self.expires_unix_s else "expired"

    def opens(self, secret: str) -> bool:
        """Return whether a secret is this key's, in a time that does not tell how near it is."""
        return hmac.compare_digest(self.sha256, hashlib.sha256(secret.encode()).hexdigest())


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[Key]


# What unknown ids are compared with: an unknown id takes as long as a wrong secret.
NO_KEY: Final = Key(
    id="0" * 8,
    name="",
    scopes=frozenset(),
    created_unix_s=0.0,
    expires_unix_s=0.0,
    sha256=hashlib.sha256(secrets.token_bytes(_SECRET_BYTES)).hexdigest(),
)


def read_keys(file: Path) -> dict[str, Key]:
    """Return the keys of a file by id; none if there is no file.

    Raises:
        DataError: it cannot be read, or holds something else.
    """
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(file, f"keys cannot be read: {error.strerror}") from error
    try:
        found = _File.model_validate_json(text).keys
    except ValidationError as error:
        raise DataError(file, f"is no file of keys: {error.errors()[0]['msg']}") from error
    return {key.id: key for key in found}


def create_key(
    file: Path, name: str, scopes: frozenset[Scope], days: float, now_unix_s: float | None = None
) -> tuple[Key, str]:
    """Make a key, keep it, and return it with its text, which nobody can be told again.

    Parameters:
        file: of keys; made if it is not there, for its owner alone.
        name: whose key it is; names may repeat while a key is replaced by the next.
        scopes: what it is good for.
        days: until it expires.
        now_unix_s: the time; that of the clock if not given.

    Raises:
        SettingsError: no scope, or a name that is empty, too long or not printable.
        DataError: the file cannot be read or written.
    """
    if not scopes:
        raise SettingsError("--scope", "", f"a key needs one of {', '.join(Scope)}")
    if not (0 < len(name) <= 100 and name.isprintable()):
        raise SettingsError("NAME", name, "1 to 100 printable characters")
    now_unix_s = time.time() if now_unix_s is None else now_unix_s
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    with _changed(file) as keys:
        id_ = _free_id(keys)
        keys[id_] = Key(
            id=id_,
            name=name,
            scopes=scopes,
            created_unix_s=now_unix_s,
            expires_unix_s=now_unix_s + days * DAY_S,
            sha256=hashlib.sha256(secret.encode()).hexdigest(),
        )
    return keys[id_], f"dt_{id_}_{secret}"


def revoke_key(file: Path, id_: str, now_unix_s: float | None = None) -> Key:
    """Revoke a key for good and return it; one that is revoked stays so, since when it was.

    Raises:
        SettingsError: there is no such key.
        DataError: the file cannot be read or written.
    """
    with _changed(file) as keys:
        if id_ not in keys:
            raise SettingsError("ID", id_, "no such key: see dermtwin keys list")
        if keys[id_].revoked_unix_s is None:
            when = time.time() if now_unix_s is None else now_unix_s
            keys[id_] = keys[id_].model_copy(update={"revoked_unix_s": when})
    return keys[id_]


def _free_id(keys: dict[str, Key]) -> str:
    while (id_ := secrets.token_hex(_ID_BYTES)) in keys or id_ == NO_KEY.id:
        pass
    return id_


@contextmanager
def _changed(file: Path) -> Iterator[dict[str, Key]]:
    """Give the keys of a file, and write what was made of them; one process at a time."""
    import fcntl  # not on Windows, where the twin's servers do not run either

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # A file of its own: the file of keys is replaced, and a lock stays with what was.
        lock = os.open(file.with_name(f".{file.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise DataError(file, f"keys cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = read_keys(file)
        yield keys
        text = _File(keys=list(keys.values())).model_dump_json(indent=2)
        try:
            write_text(file, text + "\n", mode=0o600)
        except OSError as error:
            raise DataError(file, f"keys cannot be written: {error.strerror}") from error
    finally:
        os.close(lock)
