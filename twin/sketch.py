"""What the stem saw, in a few numbers: principal components of its features.

Verdicts carry them, because 800 features a case would be ten times the message and serve nobody.
They are what drift of the inputs is seen in, and what a re-stacked meta-learner may weigh beside
the learners' scores (passthrough stacking).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.arrays import pack, unpack
from twin.errors import ArtefactError

COLUMNS: Final = 8  # 75 % of the variance of standardised features on the ISIC training images
_DECIMALS: Final = 4  # of standard deviations; sums in another order differ further on
_FILE: Final = "sketch.npz"


@dataclass(frozen=True, slots=True)
class Sketch:
    """column = (features - mean) · basis; each has variance 1 on the training images."""

    mean: NDArray[np.float64]  # (features,)
    basis: NDArray[np.float64]  # (features, columns)

    def of(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sketch of feature rows, shape (n, columns), in training standard deviations.

        Only leading features are sketched where it was fitted to no more.

        A row's bits do not depend on the rows beside it (law 5): no BLAS, one order of sums.
        """
        seen = features[:, : len(self.mean)]
        rows = [((row - self.mean)[:, None] * self.basis).sum(axis=0) for row in seen]
        columns = self.basis.shape[1]
        found = np.array(rows, np.float64).reshape(len(rows), columns)
        return np.round(found, _DECIMALS) + 0.0  # no negative zero

    def to_bytes(self) -> bytes:
        """Return the arrays as a file."""
        return pack({"mean": self.mean, "basis": self.basis})


def fit_sketch(x: NDArray[np.float32]) -> Sketch:
    """Return the sketch for the features of training images, shape (n, features).

    Columns in the order of the variance that they explain (Jolliffe 2002, section 2.3, on the
    correlation matrix); fewer than `COLUMNS` where there are fewer images.
    """
    rows = x.astype(np.float64)
    mean, sd = rows.mean(axis=0), rows.std(axis=0)
    sd[sd < 1e-9] = 1.0  # what is the same for all tells nothing and must not divide by zero
    _, size, direction = np.linalg.svd((rows - mean) / sd, full_matrices=False)
    count = min(COLUMNS, int((size > 1e-9 * size[0]).sum()))
    chosen, scale = direction[:count], size[:count] / np.sqrt(len(rows))
    # A direction's sign is arbitrary: its largest part is made positive.
    largest = np.abs(chosen).argmax(axis=1)
    signs = np.sign(chosen[np.arange(count), largest])
    return Sketch(mean, (chosen * (signs / scale)[:, None]).T / sd[:, None])


def load_sketch(content: bytes) -> Sketch:
    """Read what `Sketch.to_bytes` wrote.

    Raises:
        ArtefactError: these are not its bytes.
    """
    arrays = unpack(content, _FILE)
    try:
        return Sketch(arrays["mean"], arrays["basis"])
    except KeyError as error:
        raise ArtefactError(_FILE, f"lacks {error}") from error
