"""Answers of the read paths: JSON that is written once, with its ETag."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from services.api.conditional import not_modified

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def json_answer(
    body: Any,  # noqa: ANN401  what JSON holds
    *,
    request: Request | None = None,
    etag: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer; 304 where whoever asks has this state already.

    The models of OpenAPI are not gone through again: what is answered is made of the state, and
    the tests hold all answers against them.
    """
    if request is not None and etag is not None:
        known = not_modified(request, etag)
        if known is not None:
            return known
    given = {"Cache-Control": "no-cache", **(headers or {})}
    if etag is not None:
        given["ETag"] = etag
    return Response(
        _ENCODER.encode(body).encode(),
        status_code=status,
        headers=given,
        media_type="application/json",
    )
