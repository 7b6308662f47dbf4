"""The common result of all explainers: where in an image the log-odds of malignancy come from.

Every map explains one quantity, the stack's log-odds of malignancy, whatever the verdict is. So
maps of benign and of malignant images can be read and compared alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError

EDGE_PX: Final = 224  # maps are as large as the stem's input

Values = NDArray[np.float32]
Pixels = NDArray[np.uint8]  # RGB, (224, 224, 3)
Score = Callable[[NDArray[np.uint8]], NDArray[np.float64]]  # (n, 224, 224, 3) -> (n,) nats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Map:
    """Importance of each pixel, from 0 to 1; 1 is the most important one of this image."""

    method: str  # name of the explainer
    values: Values  # (224, 224), from 0 to 1: raw values with `low` at 0 and `high` at 1
    low: float  # least raw value, in the explainer's own unit
    high: float  # greatest raw value; equal to `low` where the map is flat
    # Spearman's rank correlation of the surrogate's log-odds with the stack's on images that it
    # was not fitted to. 1 where the stack itself was asked; None where nobody measured it.
    fidelity: float | None
    model_id: str


def scaled(
    raw: NDArray[np.float64] | Values, *, method: str, fidelity: float | None, model_id: str
) -> Map:
    """Return a map of raw importances, shape (224, 224); a flat one becomes all zeros.

    Raises:
        InvariantError: another shape, or a value that is no number.

    >>> ramp = np.tile(np.arange(224.0), (224, 1))
    >>> found = scaled(ramp, method="ramp", fidelity=None, model_id="m")
    >>> found.low, found.high, float(found.values[0, -1])
    (0.0, 223.0, 1.0)
    """
    if raw.shape != (EDGE_PX, EDGE_PX) or not np.isfinite(raw).all():
        raise InvariantError(f"{method} made a map of {raw.shape} with values that are no numbers")
    low, high = float(raw.min()), float(raw.max())
    spread = high - low
    values = (raw - low) / spread if spread > 0 else np.zeros_like(raw)
    return Map(
        method=method,
        values=values.astype(np.float32),
        low=low,
        high=high,
        fidelity=fidelity,
        model_id=model_id,
    )
