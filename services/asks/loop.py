"""The explaining side: a loop in the process that has the actors.

It outlives everything: Redis that is away is waited for, an ask that fails is answered with words.
Scoring does not wait for it, and the twin must not go down for a map.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import redis

from services.asks.ask import Ask, decoded
from services.asks.channel import BEAT_S, Channel
from services.asks.found import found
from services.logs import Log
from twin.errors import DependencyError, DermtwinError, EventError
from twin.meta import MetaStack
from twin.ports import Explaining, Unscorable
from twin.stacks import version_of

# An explanation may take so long: the explainer's start, and several seconds per method.
_BUSY_S: Final = 180.0
_BREATH_S: Final = 1.0  # between tries while Redis is away


def asks_loop(
    redis_url: str,
    prefix: str,
    explaining: Explaining,
    *,
    model_id: str,
    own: MetaStack,
    log: Log,
    clock: Callable[[], float] = time.time,
) -> Callable[[threading.Event], None]:
    """Return the loop that answers asks until it is told to stop.

    Parameters:
        explaining: who makes the maps; its actor starts with the first ask.
        model_id: of the model that explains; it cannot explain another one's answers.
        own: the stack that the model came with.
        clock: gives the Unix time in seconds, for deadlines.
    """

    def run(stop: threading.Event) -> None:
        channel = Channel(redis_url, prefix)
        answering = Answering(channel, explaining, model_id=model_id, own=own, log=log, clock=clock)
        away = False
        try:
            while not stop.is_set():
                try:
                    answering.step()
                    away = False
                except redis.RedisError as error:
                    if not away:
                        log.warning("asks.redis_away", reason=str(error))
                    away = True
                    stop.wait(_BREATH_S)
            if not away:
                channel.leave()
        except redis.RedisError:
            pass  # it goes down before us
        finally:
            channel.close()

    return run


class Answering:
    """Answers one ask after another; parameters as of `asks_loop`."""

    def __init__(
        self,
        channel: Channel,
        explaining: Explaining,
        *,
        model_id: str,
        own: MetaStack,
        log: Log,
        clock: Callable[[], float],
    ) -> None:
        self._channel = channel
        self._explaining = explaining
        self._model_id = model_id
        self._own = own
        self._log = log
        self._clock = clock

    def step(self) -> None:
        """Answer the next ask, if one comes within a second.

        Raises:
            RedisError: Redis failed; the ask may be lost, and its asker told so by its deadline.
        """
        self._channel.beat()
        raw = self._channel.pop()
        if raw is None:
            return
        try:
            ask, reply_to, deadline_unix_s = decoded(raw)
        except EventError as error:
            self._log.warning("asks.unreadable", reason=str(error.args[1]))
            return
        if self._clock() >= deadline_unix_s:
            self._log.info("asks.expired", case_id=ask.arrived.case_id, method=ask.method)
            return
        self._channel.beat(_BUSY_S)
        told = self._told(ask)
        self._channel.beat(BEAT_S)
        self._channel.answer(reply_to, {"key": ask.key} | told)

    def _told(self, ask: Ask) -> dict[str, Any]:
        """Explain, keep what was found, and return what the asker is told."""
        if ask.verdict.model_id != self._model_id:
            reason = f"model {ask.verdict.model_id} answered, and {self._model_id} is up"
            return {"status": "refused", "reason": reason}
        if self._channel.are_kept([ask.key])[0]:
            return {"status": "found"}
        try:
            return self._explained(ask)
        except redis.RedisError:
            raise
        except DependencyError as error:
            self._log.warning("asks.explainer_gone", reason=str(error))
            return {"status": "gone", "reason": str(error)}
        except DermtwinError as error:
            self._log.warning("asks.failed", reason=str(error))
            return {"status": "gone", "reason": "the explainer failed"}
        except Exception:  # noqa: BLE001  whatever it is: no map is worth the twin
            self._log.exception("asks.failed")
            return {"status": "gone", "reason": "the explainer failed"}

    def _explained(self, ask: Ask) -> dict[str, Any]:
        started_s = time.perf_counter()
        meta = None if ask.promoted is None else version_of(ask.promoted).meta
        absent = frozenset(ask.verdict.missing)
        (answer,) = self._explaining.explain(
            [ask.arrived.image], [ask.method], meta, absent, checked=ask.checked
        )
        if isinstance(answer, Unscorable):
            return {"status": "unscorable", "reason": answer.reason}
        took_s = time.perf_counter() - started_s
        verdict = ask.verdict
        kept = found(answer, meta or self._own, verdict.log_odds, verdict.sketch, took_s)
        self._channel.keep(ask.key, kept)
        self._log.info(
            "asks.explained", case_id=verdict.case_id, method=ask.method, took_s=round(took_s, 3)
        )
        return {"status": "found"}
