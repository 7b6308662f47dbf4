"""What the training images looked like to the model: what later cases are held against.

Scores are out of fold, as those of cases that the learners have not seen. Re-stacking fits on
them beside the feedback; drift is measured from them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import pack, unpack
from twin.errors import ArtefactError

_FILE: Final = "reference.npz"
_NAMES: Final = ("log_odds", "malignant", "sketch")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One row for each training image."""

    log_odds: NDArray[np.float64]  # (n, learners), out of fold, nats; in the registry's order
    malignant: NDArray[np.bool_]  # (n,)
    sketch: NDArray[np.float64]  # (n, columns); see twin/sketch.py

    def to_bytes(self) -> bytes:
        """Return the arrays as a file."""
        return pack({name: getattr(self, name) for name in _NAMES})


def load_reference(content: bytes) -> Reference:
    """Read what `Reference.to_bytes` wrote.

    Raises:
        ArtefactError: these are not its bytes.
    """
    arrays = unpack(content, _FILE)
    if absent := sorted(set(_NAMES) - set(arrays)):
        raise ArtefactError(_FILE, f"lacks {absent[0]}")
    return Reference(**{name: arrays[name] for name in _NAMES})
