"""A learner that sees some columns of the features only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from twin.arrays import pack, peek, unpack
from twin.learners.contract import Features, Fitted, Scores


class Sight(StrEnum):
    """Which columns a learner sees where a code follows the features."""

    FEATURES = "features"
    CODE = "code"

    def columns(self, width: int, dimension: int) -> tuple[int, int]:
        """Return the first column and the one after the last.

        Parameters:
            width: of the features, which come first.
            dimension: of features and code together.

        >>> Sight.CODE.columns(822, 3270)
        (822, 3270)
        """
        return (width, dimension) if self is Sight.CODE else (0, width)


_COLUMNS: Final = "columns"  # the array's name in a learner's file; no learner has one so called


@dataclass(frozen=True, slots=True)
class Sighted:
    """A fitted learner behind its choice of columns."""

    learner: Fitted
    first: int
    last: int  # the column after it

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`; x has all columns."""
        return self.learner.score(self.seen(x))

    def seen(self, x: Features) -> Features:
        """Return what the learner sees of rows, shape (n, last - first)."""
        return np.ascontiguousarray(x[:, self.first : self.last])

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`; the learner's own `load` reads these bytes, too."""
        arrays = unpack(self.learner.to_bytes(), "learner")
        return pack({**arrays, _COLUMNS: np.array([self.first, self.last])})


def columns_of(content: bytes) -> tuple[int, int] | None:
    """Return the columns that a learner's file names, first and one after last; None for all."""
    columns = peek(content, "learner", _COLUMNS)
    if columns is None:
        return None
    first, last = columns.tolist()
    return first, last


def sighted(learner: Fitted, content: bytes) -> Fitted:
    """Return a loaded learner behind the columns that its file names, if it names any."""
    columns = columns_of(content)
    return learner if columns is None else Sighted(learner, *columns)
