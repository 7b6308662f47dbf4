"""A load of HTTP requests in an open loop, and event streams that count what they get.

Requests go out when they are due, whatever came back, and latencies count from then: a server
that stalls cannot hide it. Plain sockets: a client with comforts would need more of the two cores
than the server that it measures.

    python -m benchmarks.http_load requests PORT SECONDS RATE PATH...
    python -m benchmarks.http_load streams PORT SECONDS COUNT
"""

import asyncio
import json
import sys
import time
from typing import Any

CONNECTIONS = 16


class Connection:
    """One connection that is kept alive; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> int:
        """Return the status of an answer that was read to its end."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        return int(head[9:12])


async def requests(port: int, seconds: float, rate: float, paths: list[str]) -> dict[str, Any]:
    """Ask at a steady rate; return percentiles of latency from the due time."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Connection(port))
    taken_ms: list[float] = []
    failed: list[str] = []

    async def ask(path: str, due_s: float) -> None:
        connection = await free.get()
        try:
            status = await connection.get(path)
            if status != 200:
                failed.append(f"{path}: {status}")
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            failed.append(f"{path}: {error!r}")
            connection = Connection(port)
        taken_ms.append((time.perf_counter() - due_s) * 1000)
        free.put_nowait(connection)

    asked = set()
    begun_s = time.perf_counter()
    for number in range(int(seconds * rate)):
        due_s = begun_s + number / rate
        wait_s = due_s - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        task = asyncio.create_task(ask(paths[number % len(paths)], due_s))
        asked.add(task)
        task.add_done_callback(asked.discard)
    await asyncio.gather(*asked)
    ranked = sorted(taken_ms)
    at = len(ranked) - 1
    return {
        "requests": len(ranked),
        "failed": len(failed),
        "first_failures": failed[:5],
        **{f"p{p}_ms": round(ranked[round(at * p / 100)], 2) for p in (50, 95, 99)},
        "max_ms": round(ranked[-1], 2),
    }


async def streams(port: int, seconds: float, count: int) -> dict[str, Any]:
    """Read event streams; return how many changes each got, and how many it missed."""
    until_s = time.monotonic() + seconds
    got: list[int] = [0] * count
    missed = [0] * count
    lost = [0] * count
    last: list[int] = [0] * count
    ended: list[str] = []

    async def read(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        writer.write(b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            ended.append(head[:40].decode())
            return
        buffer = b""
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                piece = await asyncio.wait_for(reader.read(65536), left_s)
            except TimeoutError:
                break
            if not piece:
                ended.append("the server ended it")
                break
            buffer += piece
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if line.startswith(b'data: {"revision":'):
                    revision = int(line[18:40].partition(b",")[0])
                    if last[number] and revision != last[number] + 1:
                        missed[number] += 1
                    last[number] = revision
                    got[number] += 1
                elif line.startswith(b"event: lost"):
                    lost[number] += 1
        writer.close()

    await asyncio.gather(*(read(number) for number in range(count)))
    return {
        "streams": count,
        "changes_each": [min(got), max(got)],
        "gaps": sum(missed),
        "told_of_loss": sum(lost),
        "last_revisions": [min(last), max(last)],
        "ended": ended[:5],
    }


def main() -> None:
    """Run one of the two and print JSON."""
    what, port, seconds, much, *paths = sys.argv[1:]
    if what == "requests":
        result = asyncio.run(requests(int(port), float(seconds), float(much), paths))
    else:
        result = asyncio.run(streams(int(port), float(seconds), int(much)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
