"""A statement about a finished run that must hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One self-check and what it found."""

    name: str
    holds: bool
    expected: float
    found: float
    tolerance: float
    words: str
