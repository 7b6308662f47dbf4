"""What every answer has, what no answer has, and what is logged of it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Response
from guarded import Guarded, guarded


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path) as one:
        yield one


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/cases/c1", 200), ("/nowhere", 404), ("/v1/broken", 500)]
)
def test_every_answer_has_the_headers(local: Guarded, path: str, status: int) -> None:
    answer = local.ask("GET", path)
    assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
    assert "Server" not in answer.headers


def test_a_path_keeps_the_headers_it_sets(local: Guarded) -> None:
    @local.app.get("/static/own")
    async def own() -> Response:
        ours = {"Content-Security-Policy": "sandbox", "Cache-Control": "max-age=60", "Server": "x"}
        return Response(headers=ours)

    answer = local.ask("GET", "/static/own")
    assert answer.headers.get_list("Content-Security-Policy") == ["sandbox"]
    assert answer.headers.get_list("Cache-Control") == ["max-age=60"]
    assert "Server" not in answer.headers


def test_a_refusal_has_them_too(local: Guarded) -> None:
    answer = local.ask("GET", "/v1/cases/c1", peer="192.0.2.7")
    assert answer.status_code == 401
    assert "Content-Security-Policy" in answer.headers
    assert "X-Request-Id" in answer.headers


def test_a_request_id_is_kept_if_it_is_plain(local: Guarded) -> None:
    def answered(sent: str) -> str:
        headers = {"X-Request-Id": sent}
        return str(local.ask("GET", "/", headers=headers).headers["X-Request-Id"])

    assert answered("run-7.step_2") == "run-7.step_2"
    for wrong in ("x" * 65, 'a"b', "a b", ""):
        assert answered(wrong) != wrong


def test_an_unexpected_error_shows_nothing_of_ours(local: Guarded) -> None:
    answer = local.ask("GET", "/v1/broken")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "RuntimeError" not in answer.text
    assert "/home" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.json()["detail"]
    (line,) = local.lines("request failed")
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert "secret of /home/somebody" in line["exception"]


def test_each_request_that_may_change_something_has_a_line(local: Guarded) -> None:
    local.ask("POST", "/v1/cases/c1?key=no", headers={"X-Request-Id": "mine"})
    local.ask("GET", "/v1/cases/c1")
    local.ask("GET", "/health/live")
    (line,) = local.lines("request")  # what was only read is at the level debug
    assert line.pop("duration_ms") > 0
    line.pop("timestamp")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "mine",
        "method": "POST",
        "path": "/v1/cases/c1",
        "status": 200,
        "principal": "loopback",
        "case_id": "c1",
    }
