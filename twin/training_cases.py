"""Which images a model learned from: by their pixels' hash, so that somebody who has them finds
them, and nobody who has the model alone sees them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import pack, unpack
from twin.errors import ArtefactError

_FILE: Final = "cases.npz"
_NAMES: Final = ("sha256", "malignant")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCases:
    """One row for each training image, in the order of all that was fitted to them."""

    sha256: NDArray[np.uint8]  # (n, 32), of the 224 × 224 × 3 pixels as the stem saw them
    malignant: NDArray[np.bool_]  # (n,), the label that was learned

    def digest(self, row: int) -> str:
        """Return a row's sha256, hex."""
        digest: str = self.sha256[row].tobytes().hex()
        return digest

    def to_bytes(self) -> bytes:
        """Return the arrays as a file."""
        return pack({name: getattr(self, name) for name in _NAMES})


def load_training_cases(content: bytes) -> TrainingCases:
    """Read what `TrainingCases.to_bytes` wrote.

    Raises:
        ArtefactError: these are not its bytes.
    """
    arrays = unpack(content, _FILE)
    if absent := sorted(set(_NAMES) - set(arrays)):
        raise ArtefactError(_FILE, f"lacks {absent[0]}")
    return TrainingCases(**{name: arrays[name] for name in _NAMES})
