"""Ten thousand connections that want a stream, and other bad manners, at a real server."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from services.api.security.limits import Limits

pytestmark = pytest.mark.slow

_ATTEMPTS: Final = 10_000
_AT_ONCE: Final = 700  # beside the streams that stay open
_STREAM: Final = b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
_READ: Final = b"GET /v1/cases/c1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
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


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value for name, value in pairs}


class _Crowd:
    """Clients that want a stream and keep what they are given."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self.kept: list[asyncio.StreamWriter] = []
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def want(self) -> None:
        async with self._room:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(_STREAM)
            status, headers = await _head(reader)
            self.statuses[status] += 1
            if status == 200:
                self.kept.append(writer)
                return
            problem = json.loads(await reader.readexactly(int(headers["content-length"])))
            assert headers["content-type"] == "application/problem+json"
            assert headers["retry-after"] == "5"
            assert "256 event streams are taken" in problem["detail"]
            writer.close()

    async def leave(self) -> None:
        for writer in self.kept:
            writer.close()
        self.kept.clear()


async def _read_ms(port: int) -> float:
    started_s = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_READ)
    status, _ = await _head(reader)
    writer.close()
    assert status == 200
    return (time.perf_counter() - started_s) * 1_000


def test_ten_thousand_who_want_a_stream_are_refused_politely(port: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def flood() -> None:
        crowd = _Crowd(port)
        wanting = asyncio.gather(*(crowd.want() for _ in range(_ATTEMPTS)))
        reads_ms = []
        while not wanting.done():
            reads_ms.append(await _read_ms(port))
            await asyncio.wait([wanting], timeout=0.2)
        await wanting
        slots = Limits().streams
        assert crowd.statuses == {200: slots, 503: _ATTEMPTS - slots}
        assert len(reads_ms) > 3
        assert max(reads_ms) < 1_000
        await crowd.leave()
        await asyncio.sleep(0.2)
        await crowd.want()  # whoever leaves makes room
        assert crowd.statuses[200] == slots + 1
        await crowd.leave()

    try:
        started_s = time.perf_counter()
        asyncio.run(flood())
        assert time.perf_counter() - started_s < 60  # 6 s on an idle slow core
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_body_that_is_too_large_gets_its_answer_before_the_connection_ends(port: int) -> None:
    async def send(head: bytes, chunk: bytes, chunks: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/orders HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
        for _ in range(chunks):
            writer.write(chunk)
            await writer.drain()
        status, headers = await _head(reader)
        assert headers["connection"] == "close"
        assert json.loads(await reader.readexactly(int(headers["content-length"])))
        assert await reader.read() == b""  # an end, no reset
        writer.close()
        return status

    async def both() -> None:
        part = b"x" * 50_000
        announced = f"Content-Length: {len(part) * 40}".encode()
        assert await send(announced, part, 40) == 413
        chunk = f"{len(part):x}".encode() + b"\r\n" + part + b"\r\n"
        # The end is never sent: what was read on the way is enough.
        assert await send(b"Transfer-Encoding: chunked", chunk, 40) == 413

    asyncio.run(both())


def test_the_server_does_not_name_itself(port: int) -> None:
    async def ask() -> dict[str, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_READ)
        _, headers = await _head(reader)
        writer.close()
        return headers

    headers = asyncio.run(ask())
    assert "server" not in headers
    assert headers["x-content-type-options"] == "nosniff"
