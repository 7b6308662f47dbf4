"""What an acquisition shift is, and where its randomness comes from."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # RGB, shape (224, 224, 3)
Level = Mapping[str, float]  # parameters of one severity, by name
_WORD: Final = 2**64 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One way in which a picture differs from those that a stack learned from."""

    name: str
    about: str  # one line
    levels: Mapping[str, tuple[float, float, float, float, float]]  # parameter by severity 1 to 5
    source: str  # of the levels, or "assumption"
    # Returns other pixels and leaves its own alone. All severities draw alike from the stream, so
    # that a higher one is the same picture with more of it.
    change: Callable[[Pixels, Level, np.random.Generator], Pixels]

    def level(self, severity: int) -> Level:
        """Return the parameters of a severity, 1 to 5."""
        return {name: values[severity - 1] for name, values in self.levels.items()}


def stream_of(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one shift of one image (law 9).

    It is keyed by the shift's name, so that another shift beside it changes none of its draws.

    >>> first, again = (stream_of(7, "hair").random() for _ in range(2))
    >>> first == again, first == stream_of(7, "noise").random()
    (True, False)
    """
    shift = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    key = np.array([seed & _WORD, shift], np.uint64)  # a seed from outside may have any sign
    return np.random.Generator(np.random.Philox(key=key))
