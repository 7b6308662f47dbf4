"""Pictures on demand: one process makes them, a thread asks it, and everybody else awaits.

Rendering is pure NumPy, 12 ms or more of it a lesion: in the server's own process it would hold up
every stream of events. What kills the process costs one picture, not the others.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

from services.api.pictures.cache import PictureCache
from services.api.pictures.process import COMMAND, RenderProcess
from services.api.pictures.wanted import Picture, PictureFault, Wanted
from services.config import Settings

CACHE_BYTES: Final = 64 * 2**20  # some 800 large pictures or 30,000 small ones: assumption
MOST_WAITING: Final = 64  # two seconds of rendering: assumption
TIMEOUT_S: Final = 30.0  # an image of 64 megapixels takes some seconds: assumption
_TRIES: Final = 2  # a process may be killed for another reason than its picture
_POISON_S: Final = 600.0  # for so long, what killed the process twice is not tried again
_POISON_KEPT: Final = 1_000
_CLOSE_S: Final = 2.0  # for the picture that is being made


class Renderer:
    """Makes pictures, each once, and keeps the last used.

    The process is started with the first picture and again when it died.

    Parameters:
        told: where images are: `data`, `redis`, `prefix`.
        command: starts the process.
        timeout_s: for one picture.
    """

    def __init__(
        self,
        told: dict[str, Any],
        *,
        command: Sequence[str] = COMMAND,
        cache_bytes: int = CACHE_BYTES,
        most_waiting: int = MOST_WAITING,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._told = told
        self._command = command
        self._most_waiting = most_waiting
        self._timeout_s = timeout_s
        self._cache = PictureCache(cache_bytes)
        self._poison: OrderedDict[str, float] = OrderedDict()  # key -> until when, monotonic s
        self._waiting: deque[Wanted] = deque()
        self._open: dict[str, Future[Picture]] = {}  # asked for and not made yet
        self._news = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._process: RenderProcess | None = None

    @classmethod
    def of(cls, settings: Settings, redis: str, prefix: str) -> "Renderer":
        """Return a renderer of the images that the twin sees.

        Parameters:
            redis: where uploads are.
        """
        data = str(settings.data.resolve()) if settings.data else None
        return cls({"data": data, "redis": redis, "prefix": prefix})

    def picture(self, wanted: Wanted) -> "Future[Picture]":
        """Return a picture, or where it will be; requests for the same one share it.

        The future may raise `PictureFault`. It must not be cancelled: others may wait for it.
        """
        kept = self._cache.get(wanted.key)
        if kept is not None:
            return _done(kept)
        with self._news:
            known = self._open.get(wanted.key)
            if known is not None:
                return known
            if self._closed:
                return _failed(PictureFault("away", "the server is going down"))
            if self._poison.get(wanted.key, 0.0) > time.monotonic():
                return _failed(_poisonous())
            if len(self._waiting) >= self._most_waiting:
                return _failed(PictureFault("busy", f"{self._most_waiting} pictures wait already"))
            future = self._open[wanted.key] = Future()
            self._waiting.append(wanted)
            if self._thread is None:
                # A daemon: the server must be able to end while a picture is being made.
                self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()
            self._news.notify()
        return future

    def close(self) -> None:
        """End the process; pictures that are not made yet fail."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)
            process = self._process
            if self._thread.is_alive() and process is not None:
                process.kill()  # a picture that takes long is not waited for
                self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        while (wanted := self._next()) is not None:
            try:
                made: Picture | PictureFault = self._made(wanted)
            except PictureFault as fault:
                made = fault
            except Exception as error:  # noqa: BLE001  the thread must go on for all others
                made = PictureFault("away", f"the process that renders: {type(error).__name__}")
            with self._news:
                future = self._open.pop(wanted.key)
            _settle(future, made)
        if self._process is not None:
            self._process.end()
        with self._news:
            left = list(self._open.values())
            self._open.clear()
        for future in left:
            _settle(future, PictureFault("away", "the server is going down"))

    def _next(self) -> Wanted | None:
        with self._news:
            self._news.wait_for(lambda: self._closed or self._waiting)
            return None if self._closed else self._waiting.popleft()

    def _made(self, wanted: Wanted) -> Picture:
        for _ in range(_TRIES):
            process = self._up()
            answer = process.ask(wanted, self._timeout_s)
            if answer is not None:
                return self._taken(wanted, *answer)
            self._end()
            if process.timed_out:
                break
        with self._news:
            self._poison[wanted.key] = time.monotonic() + _POISON_S
            while len(self._poison) > _POISON_KEPT:
                self._poison.popitem(last=False)
        raise _poisonous()

    def _taken(self, wanted: Wanted, head: dict[str, Any], body: bytes) -> Picture:
        if head["status"] != "made":
            raise PictureFault(head["status"], head["reason"])
        made = Picture(body, head["media_type"])
        self._cache.put(wanted.key, made)
        return made

    def _up(self) -> RenderProcess:
        if self._process is None:
            if self._closed:
                raise PictureFault("away", "the server is going down")
            try:
                self._process = RenderProcess(self._told, self._command)
            except OSError as error:
                raise PictureFault("away", "the process that renders does not start") from error
            if not self._process.is_up:
                self._end()
                raise PictureFault("away", "the process that renders does not start")
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


def _poisonous() -> PictureFault:
    return PictureFault("unreadable", "the process that renders died of it, or took too long")


def _done(picture: Picture) -> "Future[Picture]":
    future: Future[Picture] = Future()
    future.set_result(picture)
    return future


def _failed(fault: PictureFault) -> "Future[Picture]":
    future: Future[Picture] = Future()
    future.set_exception(fault)
    return future


def _settle(future: "Future[Picture]", made: Picture | PictureFault) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(made, PictureFault):
        future.set_exception(made)
    else:
        future.set_result(made)
