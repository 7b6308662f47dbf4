"""Sends dead letters again to where they came from, and tells what becomes of them."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.bus.port import Place, Publisher, Subscriber
from services.dead_letters.letter import REPLAY_OF, REPLAYED, TOPIC, Letter, origin_of
from services.dead_letters.reading import read_letters
from services.live_log import LiveLog

PATIENCE_S: Final = 30.0  # for those who read a topic to come to what was sent again: assumption
_POLL_S: Final = 0.2
ACCEPTED: Final = "accepted"
REFUSED: Final = "dead-lettered again"
UNREAD: Final = "not read yet"

_At = tuple[str, Place, int]  # of a message: its name (topic/partition/offset), place, and offset


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a letter that was sent again."""

    origin: str  # of the letter
    place: str  # of the message that it is now; "" where that was not seen
    outcome: str  # `ACCEPTED`, `REFUSED` or `UNREAD`
    reason: str = ""  # of a second refusal


def readers_of(topic: str) -> tuple[str, ...]:
    """Return the groups whose loops judge a topic's messages."""
    return ("worker", "mirror") if topic == "cases" else ("mirror",)


def replay(log: LiveLog, letters: Sequence[Letter], patience_s: float = PATIENCE_S) -> list[Fate]:
    """Send letters again with key and schema as they were, mark them, and see what comes of it.

    A crash between sending and marking leaves a letter that was sent and does not say so.

    Parameters:
        letters: whole, with their bytes.

    Raises:
        DependencyError: the broker did not answer.
    """
    topics = sorted({one.topic for one in letters})
    reader = log.reader(topics)
    _to_the_end(reader)
    for letter in letters:
        _send(log.publisher, letter)
    log.publisher.flush()
    for letter in letters:
        log.publisher.publish_raw(TOPIC, letter.key, "", b"", {REPLAYED: letter.origin})
    log.publisher.flush()
    until_s = time.monotonic() + patience_s
    places = _found(reader, {one.origin for one in letters}, until_s)
    read = _await_readers(log, topics, places.values(), until_s)
    again = {one.origin: one for one in read_letters(log.reader((TOPIC,)))}
    return [_fate(letter.origin, places.get(letter.origin), read, again) for letter in letters]


def _send(publisher: Publisher, letter: Letter) -> None:
    headers = {REPLAY_OF: letter.origin}
    publisher.publish_raw(letter.topic, letter.key, letter.schema, letter.value, headers)


def _to_the_end(reader: Subscriber) -> None:
    reader.seek({})
    reader.seek(reader.lag())


def _found(reader: Subscriber, origins: set[str], until_s: float) -> dict[str, _At]:
    """Return, by the letter's origin, where the messages are that were sent."""
    places: dict[str, _At] = {}
    while len(places) < len(origins) and time.monotonic() < until_s:
        for message in reader.poll(500, _POLL_S):
            letter = message.headers.get(REPLAY_OF, "")
            if letter in origins:
                at = (message.topic, message.partition)
                places[letter] = (origin_of(message), at, message.offset)
    return places


def _await_readers(
    log: LiveLog, topics: Sequence[str], places: Collection[_At], until_s: float
) -> set[str]:
    """Wait for those who judge the topics; return the names of places that all have passed."""
    while True:
        passed = {
            (group, place): at
            for topic in topics
            for group in readers_of(topic)
            for place, at in log.committed(group, topic).items()
        }
        read = {
            name
            for name, place, offset in places
            if all(passed.get((group, place), 0) > offset for group in readers_of(place[0]))
        }
        if len(read) == len(places) or time.monotonic() > until_s:
            return read
        time.sleep(_POLL_S)


def _fate(
    origin: str,
    at: _At | None,
    read: set[str],
    again: Mapping[str, Letter],
) -> Fate:
    if at is None:
        return Fate(origin, "", UNREAD)
    name = at[0]
    if name in again:
        return Fate(origin, name, REFUSED, again[name].reason)
    return Fate(origin, name, ACCEPTED if name in read else UNREAD)
