"""`GET /` and its files: a page made from the API alone, without a build step or the internet."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from fastapi import APIRouter, Request, Response

from services.api.problems import ProblemError

INDEX: Final = "index.html"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Browsers keep the files and ask whether they changed: a twin that was updated is never shown by
# the page of an earlier version, and an unchanged page costs an empty answer.
_CACHE: Final = "no-cache"

router = APIRouter(include_in_schema=False)  # the page is no part of the API


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page as it is sent."""

    content: bytes
    media_type: str
    etag: str  # strong: of the content


@lru_cache(maxsize=1)
def page_files() -> Mapping[str, PageFile]:
    """Return the page's files by name, read once.

    Only these names are answered: no path is ever made of what somebody asks for.
    """
    found = {}
    for file in resources.files("services.api.page").iterdir():
        media_type = _TYPES.get(file.name.rpartition(".")[2])
        if media_type is not None:
            content = file.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found[file.name] = PageFile(content, media_type, etag)
    return found


@router.get("/")
def index(request: Request) -> Response:
    """Answer with the page."""
    return _answer(request, INDEX)


@router.get("/favicon.ico")
def icon(request: Request) -> Response:
    """Answer with the icon, to browsers that ask by its old name."""
    return _answer(request, "favicon.svg")


@router.get("/static/{file}")
def static(request: Request, file: str) -> Response:
    """Answer with a file of the page.

    Raises:
        ProblemError: the page has no file of that name.
    """
    return _answer(request, file)


def _answer(request: Request, name: str) -> Response:
    file = page_files().get(name)
    if file is None:
        raise ProblemError(404, "the page has no file of that name")
    headers = {"ETag": file.etag, "Cache-Control": _CACHE}
    asked = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    if file.etag in asked or "*" in asked:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
