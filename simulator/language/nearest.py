"""Near misses: the word that somebody probably meant."""

import difflib
from collections.abc import Iterable


def nearest(word: object, valid: Iterable[str]) -> str:
    """Return ", did you mean …?" with the nearest valid word, or nothing if none is near.

    >>> nearest("lognorml", ["gamma", "lognormal"])
    ", did you mean 'lognormal'?"
    """
    # Cut-off 0.5 (assumption): near enough that 'rate' finds 'rate_per_h'.
    close = difflib.get_close_matches(str(word), list(valid), n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""
