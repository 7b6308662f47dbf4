"""A cable between the twin and a server, which can be pulled: a TCP proxy on loopback.

While it is pulled, new connections are refused and what is under way stands still, as when packets
are dropped. When it is plugged in again, connections that stood still are reset: what kept their
state in between has forgotten them.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from twin.errors import DependencyError

HOST: Final = "127.0.0.1"
_CHUNK: Final = 65536
_START_S: Final = 10.0


class Cable:
    """Passes bytes between clients and a server until it is closed.

    Parameters:
        target: host and port of the server; may be set later, before somebody connects.
    """

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        self.target = target
        self.port = 0
        self.pulled = False
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._plugged = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="cable", daemon=True)
        self._thread.start()
        self._do(self._plug())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where clients connect, `host:port`."""
        return f"{HOST}:{self.port}"

    def pull(self) -> None:
        """Cut the network."""
        self._do(self._pull())

    def plug(self) -> None:
        """Mend it; nothing happens where it is whole."""
        if self.pulled:
            self._do(self._plug())

    def close(self) -> None:
        """End it, with all its connections."""
        if self._loop.is_closed():
            return
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    async def _plug(self) -> None:
        try:
            self._server = await asyncio.start_server(self._connected, HOST, self.port)
        except OSError as error:
            raise DependencyError(f"a proxy at port {self.port}: {error.strerror}") from error
        self.port = self._server.sockets[0].getsockname()[1]
        self.pulled = False
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()
        self._plugged.set()

    async def _pull(self) -> None:
        self.pulled = True
        self._plugged.clear()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.target is None or self.pulled:
                return
            there, back = await asyncio.open_connection(*self.target)
        except OSError:  # the server is down: the client learns it by the end of its connection
            return
        finally:
            if self.target is None or self.pulled or "back" not in locals():
                writer.transport.abort()
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, back))
                both.create_task(self._pass(there, writer))
        except* OSError:
            pass
        finally:
            for one in (writer, back):
                self._writers.discard(one)
                one.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            await self._plugged.wait()
            sink.write(data)
            await sink.drain()
        with suppress(OSError):
            sink.write_eof()
