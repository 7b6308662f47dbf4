"""The asking side: explanations for those who await them, each asked for once.

One thread hears all answers, and only while somebody waits. An ask goes on when its asker gave up
waiting: asking again joins it, or finds what is kept.
"""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Literal

import redis

from services.asks.ask import Ask, encoded
from services.asks.channel import Channel
from services.asks.found import Found
from twin.errors import ArtefactError

MOST_WAITING: Final = 32  # explanations of some seconds each: assumption
DEADLINE_S: Final = 150.0  # the actor's start and a slow method; then nobody waits any more
_GRACE_S: Final = 2.0  # an answer that was sent just before the deadline
_BREATH_S: Final = 0.5  # between tries while Redis is away

Fault = Literal["busy", "away", "gone", "unscorable", "refused", "late"]


class AskFault(Exception):  # noqa: N818  it is the ask that has one
    """Why there is no explanation.

    Parameters:
        kind: "busy": too many wait. "away": Redis or the twin is. "gone": the explainer is.
            "unscorable": the image's fault. "refused": the model that is up did not answer the
            case. "late": no answer came in time.
        reason: in words.
    """

    def __init__(self, kind: Fault, reason: str) -> None:
        super().__init__(kind, reason)
        self.kind = kind
        self.reason = reason


class Asker:
    """Asks the process that has the actors.

    Parameters:
        redis_url: through which both speak.
        prefix: of all keys.
        most_waiting: asks that may wait in the list.
        deadline_s: after which an ask is given up.
        clock: gives the Unix time in seconds, for deadlines.
    """

    def __init__(
        self,
        redis_url: str,
        prefix: str,
        *,
        most_waiting: int = MOST_WAITING,
        deadline_s: float = DEADLINE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._channel = Channel(redis_url, prefix)
        self._name = uuid.uuid4().hex  # of the list that answers to this process go into
        self._most_waiting = most_waiting
        self._deadline_s = deadline_s
        self._clock = clock
        self._open: dict[str, tuple[Future[None], float]] = {}  # and until when, monotonic s
        self._news = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def kept(self, ask: Ask) -> Found | None:
        """Return an explanation that was asked for before, if it is still kept; blocks.

        Raises:
            AskFault: Redis is away.
        """
        try:
            return self._channel.kept(ask.key)
        except (redis.RedisError, ArtefactError) as error:
            raise _away() from error

    def are_kept(self, asks: list[Ask]) -> list[bool]:
        """Return which explanations are kept; blocks.

        Raises:
            AskFault: Redis is away.
        """
        try:
            return self._channel.are_kept([one.key for one in asks])
        except redis.RedisError as error:
            raise _away() from error

    def ask(self, ask: Ask) -> "Future[None]":
        """Ask, and return what is done once the explanation is kept; blocks for a moment.

        Requests for the same explanation share it. The future may raise `AskFault`; it must not
        be cancelled.

        Raises:
            AskFault: Redis is away, nobody explains, or too many wait.
        """
        with self._news:
            if ask.key in self._open:
                return self._open[ask.key][0]
            if self._closed:
                raise AskFault("away", "the server is going down")
            until_s = time.monotonic() + self._deadline_s + _GRACE_S
            future: Future[None] = Future()
            self._open[ask.key] = (future, until_s)  # before it is sent: the answer may be quick
            if self._thread is None:
                # A daemon: the server must be able to end while somebody waits.
                self._thread = threading.Thread(target=self._hear, name="answers", daemon=True)
                self._thread.start()
            self._news.notify()
        try:
            self._send(ask)
        except AskFault as fault:
            self._settle(ask.key, fault)
            raise
        return future

    def close(self) -> None:
        """Stop hearing; who waits is told."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(10.0)
        for key in list(self._open):
            self._settle(key, AskFault("away", "the server is going down"))
        self._channel.close()

    def _send(self, ask: Ask) -> None:
        raw = encoded(ask, self._name, self._clock() + self._deadline_s)
        try:
            if not self._channel.is_answered():
                raise _nobody()
            if not self._channel.push(raw, self._most_waiting):
                raise AskFault("busy", f"{self._most_waiting} explanations wait already")
        except redis.RedisError as error:
            raise _away() from error

    def _hear(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closed or self._open)
                if self._closed:
                    return
            try:
                told = self._channel.reply(self._name)
                is_left = told is None and not self._channel.is_answered()
            except redis.RedisError:
                # An answer may be lost. What is found is kept nevertheless.
                for key in list(self._open):
                    self._settle(key, _away())
                time.sleep(_BREATH_S)
                continue
            if told is not None:
                self._settle(told["key"], _fault_of(told))
            if is_left:
                for key in list(self._open):
                    self._settle(key, _nobody())
            self._give_up()

    def _give_up(self) -> None:
        now_s = time.monotonic()
        late = [key for key, (_, until_s) in list(self._open.items()) if now_s >= until_s]
        for key in late:
            reason = f"no explanation came within {self._deadline_s:g} s"
            self._settle(key, AskFault("late", reason))

    def _settle(self, key: str, fault: AskFault | None) -> None:
        with self._news:
            future, _ = self._open.pop(key, (None, 0.0))
        if future is None or not future.set_running_or_notify_cancel():
            return
        if fault is None:
            future.set_result(None)
        else:
            future.set_exception(fault)


def _fault_of(told: dict[str, Any]) -> AskFault | None:
    if told["status"] == "found":
        return None
    return AskFault(told["status"], told["reason"])


def _away() -> AskFault:
    return AskFault("away", "the store of explanations does not answer")


def _nobody() -> AskFault:
    return AskFault("away", "nobody explains: the twin that has the actors is not up")
