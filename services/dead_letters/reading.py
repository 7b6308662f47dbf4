"""Reads the topic of dead letters: each origin once, with how often it was sent again."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.bus.port import Subscriber
from services.dead_letters.letter import REPLAYED, Letter, letter_of
from twin.errors import SettingsError

_PATIENCE_S: Final = 0.5  # a poll of a topic that has lag; it is asked again while it has
_MOST_PER_POLL: Final = 500
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters are asked for; what is not given leaves none out.

    Parameters:
        reason: kind of fault, or a part of the reason.
        topic: that they came from.
        since_unix_s: refused since then.
        fresh: only those that were not sent again.
    """

    reason: str | None = None
    topic: str | None = None
    since_unix_s: float | None = None
    fresh: bool = False

    def takes(self, letter: Letter) -> bool:
        """Return whether a letter is among them."""
        said = self.reason is None or (
            letter.kind == self.reason or self.reason.lower() in letter.reason.lower()
        )
        return (
            said
            and (self.topic is None or letter.topic == self.topic)
            and (self.since_unix_s is None or letter.refused_unix_ms >= self.since_unix_s * 1000)
            and not (self.fresh and letter.replayed)
        )


def read_letters(
    reader: Subscriber, with_bytes: Callable[[Letter], bool] = lambda _: False
) -> list[Letter]:
    """Return the letters on the topic, the oldest first.

    Parameters:
        reader: of the topic, at its beginning.
        with_bytes: whose bytes are wanted; those of the others are let go of, as there may be
            very many.

    Raises:
        DependencyError: the broker did not answer.
    """
    found: dict[str, Letter] = {}
    replayed: Counter[str] = Counter()
    while sum(reader.lag().values()) > 0:
        for message in reader.poll(_MOST_PER_POLL, _PATIENCE_S):
            if REPLAYED in message.headers:
                replayed[message.headers[REPLAYED]] += 1
                continue
            letter = letter_of(message)
            if letter is not None and letter.origin not in found:
                kept = letter if with_bytes(letter) else replace(letter, value=b"")
                found[letter.origin] = kept
    told = [replace(one, replayed=replayed[one.origin]) for one in found.values()]
    return sorted(told, key=lambda one: one.refused_unix_ms)


def since_of(text: str, now_unix_s: float) -> float:
    """Return the Unix time that "15m", "2h", or a time in ISO 8601 names.

    Raises:
        SettingsError: it names none.

    >>> since_of("2h", 10_000.0)
    2800.0
    """
    match = re.fullmatch(r"(\d{1,9})\s*([smhd])", text.strip())
    if match:
        return now_unix_s - int(match[1]) * _SECONDS[match[2]]
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except ValueError as error:
        reason = "expected a while, as 15m, 2h or 3d, or a time, as 2026-11-30T18:00"
        raise SettingsError("--since", text, reason) from error


def kinds_of(letters: Sequence[Letter]) -> dict[str, int]:
    """Return how many letters there are of each kind of fault, the most frequent first."""
    return dict(Counter(one.kind for one in letters).most_common())
