"""How the images of batches are shared out over the stems."""

from collections.abc import Sequence
from typing import Final

# Images that are worth calls of their own: some 100 ms of a stem beside the 3 ms that a batch's
# calls take.
LEAST_SHARE: Final = 8


class Sharing:
    """Gives each stem as much as any other.

    Batches are waited for in the order in which they came. Were each a single stem's, in turns,
    then where large and small ones alternate one of two stems would have all the large ones, and
    the other nothing to do until the next batch is taken up. So a large batch is shared out, and
    a small one is that stem's which was given least so far.
    """

    def __init__(self, stems: int) -> None:
        self._given = [0] * stems

    def of(self, places: Sequence[int]) -> list[tuple[int, list[int]]]:
        """Return which stem gets which places of a batch.

        >>> two = Sharing(2)
        >>> [[(stem, len(some)) for stem, some in two.of(range(images))] for images in (31, 9, 1)]
        [[(0, 16), (1, 15)], [(1, 9)], [(0, 1)]]
        """
        pieces = max(1, min(len(self._given), len(places) // LEAST_SHARE))
        found = []
        for piece in range(pieces):
            some = list(places[piece::pieces])
            stem = self._given.index(min(self._given))
            self._given[stem] += len(some)
            found.append((stem, some))
        return found
