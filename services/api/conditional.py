"""Conditional requests (RFC 9110, section 13): strong ETags, If-Match, If-None-Match."""

import hashlib
import re
from typing import Final

from fastapi import Request, Response

from services.api.problems import ProblemError

# RFC 9110, section 8.8.3: a quoted tag, with W/ before it where it is weak.
_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_PASSING: Final = re.compile(r'\.[0-9a-f]{8}"')
_DIGITS: Final = 32  # of sha256, in hex: 128 bits tell states apart


def etag_of(*parts: bytes | str | int) -> str:
    """Return the strong, quoted ETag of a state: of its bytes, or of all that it depends on.

    >>> etag_of("run-1", 7) == etag_of("run-1", 7), etag_of("a", "bc") == etag_of("ab", "c")
    (True, False)
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(b"%d:" % len(data) + data)  # the length keeps ("a", "bc") from ("ab", "c")
    return f'"{digest.hexdigest()[:_DIGITS]}"'


def etag_with(etag: str, *passing: bytes | str | int) -> str:
    """Return an ETag that also depends on what passes by itself, such as progress.

    `check_if_match(…, passing=True)` sees only what it was made from.

    >>> etag_with('"a"', 17).startswith('"a.')
    True
    """
    return f'{etag[:-1]}.{etag_of(*passing)[1:9]}"'


def check_if_match(request: Request, etag: str, *, passing: bool = False) -> None:
    """Let a change pass only if it was asked for with the present state in mind.

    `If-Match: *` passes: whoever sends it says that any state will do.

    Parameters:
        request: whose If-Match is read.
        etag: of the present state.
        passing: leave out of both what `etag_with` added: a change is not to be refused because
            what it is about made progress.

    Raises:
        ProblemError: 428 without If-Match, 412 if it names another state; both tell the ETag.
    """
    given = request.headers.getlist("if-match")
    if not given:
        detail = "this needs If-Match with the ETag of what is to be changed"
        raise ProblemError(428, detail, headers={"ETag": etag})
    # Strong comparison (section 13.1.1): a weak tag matches nothing.
    tags, wanted = ",".join(given), etag
    if passing:
        tags, wanted = (_PASSING.sub('"', one) for one in (tags, etag))
    if not _names(tags, wanted, weak=False):
        detail = "it has changed since: read it again and send its present ETag as If-Match"
        raise ProblemError(412, detail, headers={"ETag": etag})


def not_modified(request: Request, etag: str, *, cache: str = "no-cache") -> Response | None:
    """Return the 304 answer if whoever asks has this state already; None if they have not.

    Parameters:
        request: whose If-None-Match is read.
        etag: of the present state.
        cache: Cache-Control of the answer; the full answer should carry the same.
    """
    given = request.headers.getlist("if-none-match")
    if given and _names(",".join(given), etag, weak=True):
        return Response(status_code=304, headers={"ETag": etag, "Cache-Control": cache})
    return None


def _names(given: str, etag: str, *, weak: bool) -> bool:
    """Return whether a list of tags names a state; compared weakly or strongly."""
    if given.strip() == "*":
        return True
    tags = _TAG.findall(given)
    return etag in tags or (weak and f"W/{etag}" in tags)
