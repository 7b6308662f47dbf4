"""Bodies that are too large or too slow, as an ASGI server hands them over."""

import asyncio
import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Connection

from services.api.security.bodies import BodyLimits
from services.api.security.limits import Limits

LIMITS = Limits(body_bytes=10, uploads={"/up": 30, "/up/small": 5}, body_s=0.05)


async def counts(connection: Connection, receive: Receive, send: Send) -> None:
    body = await Request(connection, receive).body()
    await PlainTextResponse(str(len(body)))(connection, receive, send)


def told(
    chunks: list[bytes | None], headers: dict[str, str], path: str = "/", limits: Limits = LIMITS
) -> tuple[int, dict[str, str], bytes, int]:
    """Send chunks, None for silence; return status, headers, body, and how many were read."""
    sent: list[Message] = []
    left = list(chunks)

    async def receive() -> Message:
        chunk = left.pop(0) if left else None
        if chunk is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    connection: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": raw,
        "query_string": b"",
    }
    asyncio.run(BodyLimits(counts, limits)(connection, receive, send))
    assert sent[0]["type"] == "http.response.start"
    assert not sent[-1].get("more_body", False)
    assert all(message.get("more_body") for message in sent[1:-1])
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], found, body, len(chunks) - len(left)


def test_bodies_within_their_limit_pass() -> None:
    assert told([b"x" * 10], {"content-length": "10"})[2] == b"10"
    assert told([b"xxxxx", b"xxxxx"], {"transfer-encoding": "chunked"})[2] == b"10"
    assert told([b"x" * 30], {"content-length": "30"}, "/up/1")[2] == b"30"


def test_an_announced_body_is_refused_before_the_path_reads_it() -> None:
    status, headers, body, read = told([b"xxx", b"yyy", b"zzzzz"], {"content-length": "11"})
    assert status == 413
    assert headers["connection"] == "close"
    assert headers["content-type"] == "application/problem+json"
    assert "10 bytes" in json.loads(body)["detail"]
    assert read == 3  # what was on its way is read: a reset could take the answer along


def test_a_client_that_asks_first_is_not_told_to_send() -> None:
    status, _, _, read = told([b"x"], {"content-length": "11", "expect": "100-continue"})
    assert (status, read) == (413, 0)


def test_chunks_are_counted() -> None:
    status, headers, _, read = told([b"x" * 6] * 4, {"transfer-encoding": "chunked"})
    assert (status, headers["connection"], read) == (413, "close", 4)


def test_who_goes_silent_after_a_refusal_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.api.security.bodies._DRAIN_S", 0.05)
    assert told([b"xx", None], {"content-length": "11"})[0] == 413


def test_the_longest_prefix_decides() -> None:
    assert told([b"x" * 6], {"content-length": "6"}, "/up/small/1")[0] == 413
    assert told([b"x" * 11], {"content-length": "11"}, "/upwards")[0] == 413


def test_a_body_that_does_not_arrive_ends_in_408() -> None:
    status, headers, body, _ = told([b"xx", None], {"content-length": "5"})
    assert (status, headers["connection"]) == (408, "close")
    assert "0.05 s" in json.loads(body)["detail"]


def test_a_length_that_is_no_number_is_refused() -> None:
    assert told([b"x"], {"content-length": "-1"})[0] == 413


def test_defaults_are_a_megabyte_and_twelve_for_uploads() -> None:
    gate = BodyLimits(counts, Limits())
    assert gate.limit_bytes("/v1/feedback") == 1_000_000
    assert gate.limit_bytes("/v1/cases") == 12_000_000
    assert gate.limit_bytes("/v1/casesx") == 1_000_000
