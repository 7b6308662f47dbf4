"""Hostile messages in twelve ways, among good ones; and whether each is in the dead letters."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from services.bus.port import Publisher
from services.dead_letters.letter import Letter
from twin.events import CaseArrived, CaseClosed
from twin.images import FileRef, ImageRef
from twin.log import SCHEMA_OF, encode

HUGE_BYTES: Final = 1_020_000  # a broker takes it, and no event may be so large
EVERY: Final = 100  # one message in a hundred is hostile
_ARRIVED: Final = SCHEMA_OF[CaseArrived]

Raw = tuple[str | None, str, bytes]  # key, schema, bytes


def _arrival(key: str, image: ImageRef) -> CaseArrived:
    return CaseArrived(case_id=key, at_min=1.0, image=image)


def _said(old: bytes, new: bytes) -> Callable[[str, ImageRef], Raw]:
    """Return a way to write an arrival with a piece of its bytes replaced."""

    def write(key: str, image: ImageRef) -> Raw:
        raw = encode(_arrival(key, image))
        assert old in raw
        return key, _ARRIVED, raw.replace(old, new)

    return write


def _unknown_case(key: str, _: ImageRef) -> Raw:
    event = CaseClosed(case_id=key, at_min=2.0, referred=False, left_early=False, waits_min={})
    return key, SCHEMA_OF[CaseClosed], encode(event)


def _bad_reference(key: str, _: ImageRef) -> Raw:
    out = FileRef(path="../../etc/passwd", sha256="0" * 64)
    return key, _ARRIVED, encode(_arrival(key, out))


def _noise(key: str, _: ImageRef) -> Raw:
    return key, _ARRIVED, hashlib.shake_256(key.encode()).digest(300)


# Way -> how it is written, and the kind of fault that it has to be kept for. The way that repeats
# an id with another content takes the id of a good case, so it is written apart.
DUPLICATED: Final = "duplicated id"
WAYS: Final[dict[str, tuple[Callable[[str, ImageRef], Raw] | None, str]]] = {
    "not JSON": (lambda key, _: (key, _ARRIVED, b'{"case_id": "x", '), "not JSON"),
    "wrong schema": (lambda key, im: (key, "Patient/1", encode(_arrival(key, im))), "wrong schema"),
    "wrong version": (
        lambda key, im: (key, "CaseArrived/99", encode(_arrival(key, im))),
        "wrong version",
    ),
    "huge": (lambda key, _: (key, _ARRIVED, b"x" * HUGE_BYTES), "too large"),
    "empty": (lambda key, _: (key, _ARRIVED, b""), "empty"),
    "null key": (lambda key, im: (None, _ARRIVED, encode(_arrival(key, im))), "no key"),
    "unknown case": (_unknown_case, "unknown case"),
    "bad reference": (_bad_reference, "out of bounds"),
    "NaN": (_said(b'"at_min":1.0', b'"at_min":NaN'), "out of bounds"),
    "negative time": (_said(b'"at_min":1.0', b'"at_min":-1.0'), "out of bounds"),
    DUPLICATED: (None, "conflict"),
    "binary noise": (_noise, "not JSON"),
}


@dataclass(slots=True)
class Sent:
    """What was sent."""

    good: set[str] = field(default_factory=set)  # case ids
    ways: Counter[str] = field(default_factory=Counter)


def flood(
    publisher: Publisher, count: int, images: Sequence[ImageRef], breathe: Callable[[int], None]
) -> Sent:
    """Send so many messages to `cases`, one in a hundred hostile, the ways in turn.

    Parameters:
        images: of the good cases, in turn.
        breathe: called after every thousand with how many were sent.
    """
    sent, names = Sent(), list(WAYS)
    for number in range(count):
        image = images[number % len(images)]
        if number % EVERY != EVERY - 1:
            case_id = f"good-{number}"
            publisher.publish(replace(_arrival(case_id, image), at_min=float(number)))
            sent.good.add(case_id)
        else:
            way = names[(number // EVERY) % len(names)]
            write = WAYS[way][0]
            if write is None:
                # The case is on the log already: same key, same partition.
                first = f"good-{number - 1}"
                other = replace(_arrival(first, image), at_min=float(number - 1), age=44)
                publisher.publish(other)
            else:
                publisher.publish_raw("cases", *write(f"{way}/{number}", image), {})
            sent.ways[way] += 1
        if number % 1000 == 999:
            publisher.flush()
            breathe(number + 1)
    publisher.flush()
    return sent


def way_of(letter: Letter) -> str:
    """Return the way that a letter's message was written in."""
    if letter.key is None:
        return "null key"
    way = letter.key.partition("/")[0]
    return way if way in WAYS else DUPLICATED


def kept_by_way(letters: Iterable[Letter]) -> dict[str, Counter[str]]:
    """Return the kinds of faults of the letters, by way."""
    found: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
    for letter in letters:
        found[way_of(letter)][letter.kind] += 1
    return found


def complaints(
    sent: Sent, letters: Sequence[Letter], answered: Iterable[str], rejected: Iterable[str]
) -> list[str]:
    """Return in words what does not hold; nothing where all does."""
    found = []
    kept = kept_by_way(letters)
    for way, (_, kind) in WAYS.items():
        if kept[way] != Counter({kind: sent.ways[way]} if sent.ways[way] else {}):
            found.append(f"{way}: {sent.ways[way]} sent, dead letters {dict(kept[way])}")
    answers = Counter(answered)
    lost = sent.good - set(answers)
    if lost:
        found.append(f"{len(lost)} good cases have no answer, as {min(lost)}")
    strange = set(answers) - sent.good
    if strange:
        found.append(f"{len(strange)} cases that are not good were answered, as {min(strange)}")
    if again := [one for one, times in answers.items() if times > 1]:
        found.append(f"{len(again)} cases were answered more than once, as {again[0]}")
    if bad := list(rejected):
        found.append(f"{len(bad)} good cases were rejected, as {bad[0]}")
    if others := [one.origin for one in letters if one.topic != "cases"]:
        found.append(f"{len(others)} dead letters are of other topics, as {others[0]}")
    return found
