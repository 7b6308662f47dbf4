"""The dead letters for a process that stays up: each asking reads only what came since."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from services.bus.port import Subscriber
from services.dead_letters.letter import REPLAYED, Letter, letter_of
from twin.errors import DependencyError

MOST_KEPT: Final = 5_000  # letters, without their bytes; the oldest go: assumption
_MOST_PER_POLL: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """Some letters, the newest first, and how many there are of all."""

    letters: list[Letter]
    found: int  # that fit
    total: int
    kinds: dict[str, int]  # of all, by kind of fault


class LetterBook:
    """Keeps what is on the topic of dead letters.

    Parameters:
        open_reader: of the topic, from its beginning.
    """

    def __init__(self, open_reader: Callable[[], Subscriber]) -> None:
        self._open = open_reader
        self._reader: Subscriber | None = None
        self._lock = Lock()
        self._letters: OrderedDict[str, Letter] = OrderedDict()
        self._replayed: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()

    def page(self, kind: str | None, topic: str | None, limit: int) -> Page:
        """Return letters of a kind and a topic. It may block.

        Raises:
            DependencyError: the broker does not answer; the next asking connects anew.
        """
        with self._lock:
            try:
                self._read_on()
            except DependencyError:
                self._forget()
                raise
            fit = [
                replace(one, replayed=self._replayed[one.origin])
                for one in reversed(self._letters.values())
                if kind in (None, one.kind) and topic in (None, one.topic)
            ]
            kinds = dict(self._kinds.most_common())
            return Page(fit[:limit], len(fit), sum(self._kinds.values()), kinds)

    def close(self) -> None:
        """Let go of the broker."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        for kept in (self._letters, self._replayed, self._kinds):
            kept.clear()

    def _read_on(self) -> None:
        if self._reader is None:
            self._reader = self._open()
        while sum(self._reader.lag().values()) > 0:
            for message in self._reader.poll(_MOST_PER_POLL, 0.5):
                if REPLAYED in message.headers:
                    self._replayed[message.headers[REPLAYED]] += 1
                    continue
                letter = letter_of(message)
                if letter is None or letter.origin in self._letters:
                    continue
                self._letters[letter.origin] = replace(letter, value=b"")
                self._kinds[letter.kind] += 1
                if len(self._letters) > MOST_KEPT:
                    gone, _ = self._letters.popitem(last=False)
                    self._replayed.pop(gone, None)
