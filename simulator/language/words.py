"""Values and lists in messages: short enough for one line, whatever somebody wrote."""

from collections.abc import Iterable
from typing import Final

_SHOWN: Final = 80  # characters of a value in a message
_LISTED: Final = 24  # words of a list in a message; the longest list of keys has 21


def shown(value: object) -> str:
    """Return a value as a message shows it: in YAML's words, and cut.

    >>> shown(None), shown(True), shown("x" * 200)[-6:]
    ('nothing', 'true', "xxx...")
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return cut(repr(value), _SHOWN)


def cut(text: str, most: int) -> str:
    """Return a text, its middle left out where it is longer than `most` characters.

    >>> cut("abcdefghij", 8)
    'abc...ij'
    """
    if len(text) <= most:
        return text
    kept = most - 3
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


def listed(words: Iterable[str]) -> str:
    """Return words joined by commas, the rest of a long list counted.

    >>> listed(["a", "b"]), listed([])
    ('a, b', 'none')
    """
    known = list(words)
    more = len(known) - _LISTED
    tail = [f"and {more} more"] if more > 0 else []
    return ", ".join([*(cut(word, _SHOWN) for word in known[:_LISTED]), *tail]) or "none"
