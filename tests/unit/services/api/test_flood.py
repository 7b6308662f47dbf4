"""Ten thousand connections that want a stream, and other bad manners, at a real server."""

import json
import resource
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from services.api.security.limits import Limits

pytestmark = pytest.mark.slow

_ATTEMPTS: Final = 10_000
_TOGETHER: Final = 50  # who ask at the same moment
_CONNECTED: Final = 650  # who stay connected, beside those that have a stream
_STREAM: Final = b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
_READ: Final = b"GET /v1/cases/c1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    tmp_path = tmp_path_factory.mktemp("guarded")
    program = [sys.executable, str(Path(__file__).with_name("guarded_server.py")), str(tmp_path)]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class _Client:
    """A connection with a request on it; asyncio's streams would cost more than the server."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.sendall(request)

    def answer(self) -> _Answer:
        """Return the answer; of a stream, its head."""
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        while len(body) < int(headers.get("content-length", 0)):
            body += self._more()
        return _Answer(int(first.split()[1]), headers, body)

    def _more(self) -> bytes:
        got = self.socket.recv(65_536)
        assert got, "the connection ended without an answer"
        return got


def _read_ms(port: int) -> float:
    started_s = time.perf_counter()
    client = _Client(port, _READ)
    assert client.answer().status == 200
    client.socket.close()
    return (time.perf_counter() - started_s) * 1_000


def test_ten_thousand_who_want_a_stream_are_refused_politely(port: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    statuses: Counter[int] = Counter()
    streams: list[_Client] = []
    refused: deque[_Client] = deque()  # they stay connected for a while
    reads_ms = []
    try:
        for i in range(_ATTEMPTS // _TOGETHER):
            clients = [_Client(port, _STREAM) for _ in range(_TOGETHER)]
            if i % 10 == 0:
                reads_ms.append(_read_ms(port))  # while the others wait for their answers
            for client in clients:
                answer = client.answer()
                statuses[answer.status] += 1
                if answer.status == 200:
                    streams.append(client)
                    continue
                refused.append(client)
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.headers["retry-after"] == "5"
                assert "256 event streams are taken" in json.loads(answer.body)["detail"]
                if len(refused) > _CONNECTED:
                    refused.popleft().socket.close()
        slots = Limits().streams
        assert statuses == {200: slots, 503: _ATTEMPTS - slots}
        assert max(reads_ms) < 1_000
        streams.pop().socket.close()
        deadline_s = time.monotonic() + 5
        while True:  # whoever leaves makes room
            streams.append(_Client(port, _STREAM))
            if streams[-1].answer().status == 200:
                break
            assert time.monotonic() < deadline_s
    finally:
        for client in (*streams, *refused):
            client.socket.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_body_that_is_too_large_has_its_answer_before_the_connection_ends(port: int) -> None:
    def refused(head: bytes, chunk: bytes, chunks: int) -> None:
        begin = b"POST /v1/orders HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n"
        client = _Client(port, begin)
        for _ in range(chunks):
            client.socket.sendall(chunk)
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert json.loads(answer.body)["status"] == 413
        assert client.socket.recv(1) == b""  # an end, no reset
        client.socket.close()

    part = b"x" * 50_000
    refused(f"Content-Length: {len(part) * 40}".encode(), part, 40)
    chunk = f"{len(part):x}".encode() + b"\r\n" + part + b"\r\n"
    refused(b"Transfer-Encoding: chunked", chunk * 40 + b"0\r\n\r\n", 1)

    client = _Client(port, _READ)
    headers = client.answer().headers
    client.socket.close()
    assert "server" not in headers
    assert headers["x-content-type-options"] == "nosniff"


def test_who_never_says_what_he_wants_is_asked_to_leave(port: int) -> None:
    whole = _READ.replace(b"Connection: close\r\n", b"")
    for begin in (b"", b"GET / HT", whole + b"GET / HTTP/1.1\r\nX: "):
        client = _Client(port, begin)
        if begin.startswith(whole):
            assert client.answer().status == 200
        answer = client.answer()
        assert (answer.status, answer.body) == (400, b"no request after 0.5 s")
        client.socket.close()
    for endless in (b"GET / HTTP/1.1\r\nX: " + b"x" * 80_000, b"GET /" + b"x" * 80_000):
        client = _Client(port, endless)
        answer = client.answer()
        assert answer.status == 400
        assert b"65536 bytes" in answer.body
        client.socket.close()
    client = _Client(port, whole)
    client.answer()
    time.sleep(0.7)  # longer than a head may take: between requests, keep-alive has its own time
    client.socket.sendall(_READ)
    assert client.answer().status == 200
    client.socket.close()
