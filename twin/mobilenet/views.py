"""The eight ways to lay a square image: a lesion has no upright position.

They are the symmetries of the square (the dihedral group of order eight), free of resampling.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

VIEWS: Final = 8


def view(image: NDArray[Any], number: int) -> NDArray[Any]:
    """Return one of eight views; 0 is the image as it is.

    Parameters:
        image: shape (size, size, ...).
        number: quarter turns, plus four for the mirror image.

    >>> view(np.array([[1, 2], [3, 4]]), 5).tolist()
    [[2, 1], [4, 3]]
    """
    turned = np.rot90(image, number % 4)
    return np.ascontiguousarray(turned.swapaxes(0, 1) if number >= 4 else turned)
