"""Numbers of many entities at once: number i belongs to entity i, whoever asks and when (law 9).

`streams.stream` makes a generator per entity, which costs more than the draw. Here one key holds
for a purpose, and the entity is the position in the sequence of a counter-based generator, which
reaches any position at once.
"""

from abc import ABC, abstractmethod

import numpy as np

from simulator.draws.contract import Array, Distribution
from simulator.draws.streams import hashed_key

_BITS = 10  # a block has 2 to this power numbers: 1024 cost about twice what 100 do
_SIZE = 1 << _BITS
_MASK = _SIZE - 1
_KEPT = 8  # blocks remembered; assumption: entities that meet are no further apart


class Blocks(ABC):
    """A sequence that is computed in blocks, the last few of which are remembered."""

    __slots__ = ("_kept", "_number", "_values")

    def __init__(self) -> None:
        self._kept: dict[int, list[float]] = {}  # by block number, the last one used at the end
        self._number: int | None = None  # which block `_values` is
        self._values: list[float] = []

    def __getitem__(self, index: int) -> float:
        """Return the number of one entity, from 0.

        Raises:
            IndexError: negative.
        """
        # The hot path of a run: most calls end here.
        if index >> _BITS == self._number:
            return self._values[index & _MASK]
        return self._turn(index)

    @abstractmethod
    def block(self, first: int, count: int) -> Array:
        """Return the numbers of entities `first` to `first + count - 1`, shape (count,)."""

    def _turn(self, index: int) -> float:
        if index < 0:
            raise IndexError(f"entities count from 0, got {index}")
        number = index >> _BITS
        values = self._kept.pop(number, None)
        if values is None:
            values = self.block(number << _BITS, _SIZE).tolist()
            if len(self._kept) == _KEPT:
                del self._kept[next(iter(self._kept))]
        self._kept[number] = self._values = values
        self._number = number
        return values[index & _MASK]


class Uniforms(Blocks):
    """Uniform numbers of one purpose: number i belongs to entity i, whatever was asked before.

    Parameters:
        seed: of the scenario.
        replication: number of the replication, from 0.
        name: what is drawn, such as "reader" or "service.read".

    The key is hashed as for `stream`, under another name, into Philox 4×64 (Salmon et al. 2011,
    doi:10.1145/2063384.2063405), whose counter is the index divided by the four numbers that it
    makes at a time.

    >>> uniforms = Uniforms(1, 0, "reader")
    >>> uniforms[5] == float(uniforms.block(3, 10)[2])
    True
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int, replication: int, name: str) -> None:
        super().__init__()
        self._key = hashed_key(b"dermtwin.uniform", seed, replication, name)

    def block(self, first: int, count: int) -> Array:
        """Return numbers `first` to `first + count - 1`, each in the open interval (0, 1).

        Raises:
            IndexError: `first` is negative.
        """
        if first < 0:
            raise IndexError(f"entities count from 0, got {first}")
        counter, skipped = divmod(first, 4)
        raw = np.random.Philox(key=self._key, counter=counter).random_raw(skipped + count)
        # The middles of 2^52 equal parts. With 2^53 the last middle would be no double, and
        # round to 1.
        return ((raw[skipped:] >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


class Draws(Blocks):
    """Times of one purpose: draw i belongs to entity i, in minutes.

    >>> from simulator.draws.distributions import Exponential
    >>> short, long = (
    ...     Draws(Uniforms(1, 0, "read"), Exponential(mean_min=mean)) for mean in (6, 12)
    ... )
    >>> round(long[7] / short[7], 4)
    2.0
    """

    __slots__ = ("_distribution", "_uniforms")

    def __init__(self, uniforms: Uniforms, distribution: Distribution) -> None:
        super().__init__()
        self._uniforms = uniforms
        self._distribution = distribution

    def block(self, first: int, count: int) -> Array:
        """Return the times of entities `first` to `first + count - 1`, in minutes."""
        return self._distribution.from_uniform(self._uniforms.block(first, count))
