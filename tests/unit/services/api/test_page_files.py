"""The page's files: how they are served, and that they need nothing from anywhere else."""

import asyncio
import re
from importlib import resources

import httpx
import pytest
from fastapi import FastAPI

from services.api.problems import ProblemError, answer_problem
from services.api.routes.page import page_files, router

NAMESPACE = "http://www.w3.org/2000/svg"


def app() -> FastAPI:
    made = FastAPI(openapi_url=None)
    made.add_exception_handler(ProblemError, answer_problem)
    made.include_router(router)
    return made


def ask(path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app())
        async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(asked())


def test_index_is_html_and_revalidated():
    answer = ask("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "<main" in answer.text
    again = ask("/", {"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = ask("/", {"If-None-Match": '"another"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("base.css", "text/css; charset=utf-8"),
        ("favicon.svg", "image/svg+xml"),
    ],
)
def test_files_have_their_types(name: str, media_type: str):
    answer = ask(f"/static/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../context.py",
        "/static/..%2Fcontext.py",
        "/static/%2e%2e%2f%2e%2e%2fcli.py",
        "/static/..%5Ccontext.py",
        "/static/__init__.py",
        "/static/app.js%00",
        "/static//etc/passwd",
        "/static/%2Fetc%2Fpasswd",
        "/static/.",
        "/static/",
    ],
)
def test_nothing_but_the_pages_files_is_served(path: str):
    assert ask(path).status_code == 404


def test_files_ask_nobody_else():
    """It works offline: no address of another host, and no text that is run as a program."""
    for name, file in page_files().items():
        text = file.content.decode().replace(NAMESPACE, "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", text), name
        assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML", text), name
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=", text), name


def test_modules_import_what_is_there():
    for name, file in page_files().items():
        for other in re.findall(r'from "\./([^"]+)"', file.content.decode()):
            assert other in page_files(), f"{name} imports {other}"


def test_modules_are_small():
    for name, file in page_files().items():
        assert file.content.count(b"\n") <= 280, name


def test_all_files_of_the_folder_are_served():
    there = {file.name for file in resources.files("services.api.page").iterdir()}
    assert there - {"__init__.py", "__pycache__"} == set(page_files())
