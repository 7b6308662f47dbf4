"""Rates of an open loop over time, and the exact times at which its cases are to be sent.

A rate is a row of straight lines. Cases are sent evenly: by a time, as many as the whole part of
the integral of the rate. Nothing is drawn, so two runs ask for the very same load.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

_SLACK: Final = 1e-9  # cases: below it, a sum that should be whole is


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A straight line: the rate at its begin and at its end, cases per second."""

    length_s: float
    from_per_s: float
    to_per_s: float

    @property
    def cases(self) -> float:
        """The integral of the rate."""
        return self.length_s * (self.from_per_s + self.to_per_s) / 2

    def rate_at(self, since_s: float) -> float:
        """Return the rate at a time from the piece's begin."""
        return self.from_per_s + (self.to_per_s - self.from_per_s) * since_s / self.length_s

    def time_of(self, cases: float) -> float:
        """Return when, from the piece's begin, the integral reaches a number of cases."""
        bend = (self.to_per_s - self.from_per_s) / self.length_s
        root = math.sqrt(max(self.from_per_s**2 + 2 * bend * cases, 0.0))
        # The form of the root that subtracts nothing from its like.
        return min(2 * cases / (self.from_per_s + root), self.length_s)


@dataclass(frozen=True, slots=True)
class RateCurve:
    """Cases per second from the begin of the load to its end."""

    pieces: tuple[Piece, ...]

    @classmethod
    def steady(cls, rate_per_s: float, length_s: float) -> Self:
        """Return one rate for a time."""
        return cls.through((0.0, rate_per_s), (length_s, rate_per_s))

    @classmethod
    def through(cls, *points: tuple[float, float]) -> Self:
        """Return straight lines through points (time in s, rate per s).

        Two points at the same time are a jump.
        """
        return cls(tuple(_pieces(points)))

    @property
    def length_s(self) -> float:
        """How long the load lasts."""
        return sum(piece.length_s for piece in self.pieces)

    @property
    def cases(self) -> int:
        """How many cases are sent."""
        return math.floor(sum(piece.cases for piece in self.pieces) + _SLACK)

    def rate_at(self, t_s: float) -> float:
        """Return the rate at a time from the begin of the load; 0 before it and after its end."""
        if t_s < 0:
            return 0.0
        for piece in self.pieces:
            if t_s < piece.length_s:
                return piece.rate_at(t_s)
            t_s -= piece.length_s
        return 0.0

    def send_times_s(self) -> Iterator[float]:
        """Yield when each case is to be sent, seconds from the begin of the load, rising."""
        began_s = before = 0.0  # of the piece: its begin, and the integral up to there
        number = 1
        for piece in self.pieces:
            while number <= before + piece.cases + _SLACK:
                yield began_s + piece.time_of(max(number - before, 0.0))
                number += 1
            began_s += piece.length_s
            before += piece.cases


def _pieces(points: Sequence[tuple[float, float]]) -> Iterator[Piece]:
    for (from_s, from_per_s), (to_s, to_per_s) in pairwise(points):
        if to_s > from_s:
            yield Piece(length_s=to_s - from_s, from_per_s=from_per_s, to_per_s=to_per_s)
