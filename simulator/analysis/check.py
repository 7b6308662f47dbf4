"""One statement about runs that must hold."""

from dataclasses import dataclass
from typing import Final

# Sums of a million minutes in doubles are good to about a billionth; assumption.
RELATIVE: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One statement that must hold."""

    name: str  # what is checked, such as "little.read"
    holds: bool
    expected: float
    found: float
    tolerance: float  # largest difference that is let pass
    words: str  # the statement; or, if it was not judged, why


def check(name: str, expected: float, found: float, tolerance: float, words: str) -> Check:
    """Return whether a number is what it should be, up to a tolerance."""
    holds = bool(abs(found - expected) <= tolerance)
    return Check(
        name=name,
        holds=holds,
        expected=float(expected),
        found=float(found),
        tolerance=float(tolerance),
        words=words,
    )


def same(name: str, expected: float, found: float, words: str) -> Check:
    """Return whether two sums of times are the same, up to rounding."""
    return check(name, expected, found, RELATIVE * max(1.0, abs(expected)), words)
