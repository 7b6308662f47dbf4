"""One file from the web to the disk: whole or not at all, and from where it broke off."""

import re
from pathlib import Path
from typing import Final

import requests

from services.isic.patience import Patience, TransientError
from services.isic.web import RefusedError, Web, without_secrets

_CHUNK: Final = 1 << 13  # bytes; the last, incomplete one is lost when a transfer breaks off
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")  # RFC 9110, 14.4
_NOT_SATISFIABLE: Final = 416


def fetch_file(web: Web, patience: Patience, url: str, file: Path, size: int) -> None:
    """Download a file; what a broken transfer left in `file`.part is gone on with.

    Parameters:
        web: speaks HTTP.
        patience: when to try again.
        url: where the file is.
        file: where it goes; its directory is there.
        size: bytes that it must have.

    Raises:
        RefusedError: the server says no.
        DependencyError: the server cannot be reached, or what comes has another size.
        StoppedError: the user wants no more; what came so far is kept.
        OSError: the file cannot be written.
    """
    part = file.with_name(file.name + ".part")

    def once() -> None:
        have = part.stat().st_size if part.exists() else 0
        if have > size:
            part.unlink()
            have = 0
        if have < size or size == 0:
            _append(web, patience, url, part, have, size)
        got = part.stat().st_size
        if got < size:
            raise TransientError(f"{got} bytes came, not {size}", None)

    patience.tried(without_secrets(url), once)
    part.replace(file)


def _append(web: Web, patience: Patience, url: str, part: Path, have: int, size: int) -> None:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with web.get(url, headers=headers) as answer:
            resumed = have > 0 and _starts_at(answer, have)
            with part.open("ab" if resumed else "wb") as stream:
                for chunk in answer.iter_content(_CHUNK):
                    stream.write(chunk)
                    if stream.tell() > size:
                        raise TransientError(f"more than {size} bytes came", None)
                    patience.check()
    except RefusedError as error:
        if error.status != _NOT_SATISFIABLE:
            raise
        part.unlink(missing_ok=True)
        raise TransientError("the server has fewer bytes than are here already", None) from error


def _starts_at(answer: requests.Response, have: int) -> bool:
    """Return whether the body begins where the file on disk ends; or else it is the whole file."""
    if answer.status_code != requests.codes.partial_content:
        return False
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != have:
        raise TransientError("the server sent another part of the file than was asked for", None)
    return True
