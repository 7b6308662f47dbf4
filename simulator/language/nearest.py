"""Near misses: the word that somebody probably meant."""

import difflib
from collections.abc import Iterable


def near(word: object, valid: Iterable[str]) -> str | None:
    """Return the nearest valid word, or None if none is near.

    >>> near("rate", ["rate_per_h", "gap"])
    'rate_per_h'
    """
    # Cut-off 0.5 (assumption): near enough that 'rate' finds 'rate_per_h'. Longer words than any
    # key are not compared, for that takes time in proportion to their length.
    text = str(word)
    close = difflib.get_close_matches(text, list(valid), n=1, cutoff=0.5) if len(text) < 100 else []
    return close[0] if close else None


def nearest(word: object, valid: Iterable[str]) -> str:
    """Return ", did you mean …?" with the nearest valid word, or nothing if none is near.

    >>> nearest("lognorml", ["gamma", "lognormal"])
    ", did you mean 'lognormal'?"
    """
    close = near(word, valid)
    return f", did you mean {close!r}?" if close else ""
