"""Grad-CAM of the baseline at its last convolution, the paper's equations 27 and 28.

The head is linear in the pooled activation, y = Σ_k w_k · mean(A_k) + b, so the gradient of y with
respect to A_k is w_k / 49 in each of the 7 × 7 places: it is written down here, not derived by
TensorFlow. For such a head Grad-CAM is class activation mapping (Zhou et al. 2016) over 49.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.equations import enlarged, grad_cam
from twin.mobilenet.baseline import Baseline
from twin.training import Pixels, Progress

_DOUBLINGS: Final = 5  # from 7 to 224 pixels: the network halves the image five times


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradCams:
    """Maps of several images, in nats: not scaled, so that they can be compared."""

    log_odds: NDArray[np.float64]  # of malignancy, shape (n,)
    explained: NDArray[np.bool_]  # the class each map speaks for, shape (n,); True is malignant
    cells: NDArray[np.float32]  # (n, 7, 7)
    maps: NDArray[np.float32]  # (n, 224, 224): the cells enlarged


def grad_cams(
    baseline: Baseline,
    pixels: Pixels,
    count: int,
    *,
    of_called: bool = False,
    on_progress: Progress,
) -> GradCams:
    """Return Grad-CAM maps of some images, as they are (view 0).

    Parameters:
        pixels: brings image i.
        count: images.
        of_called: explain the class that the baseline calls, as the paper's figures do, instead
            of malignancy; for a benign call that is the log-odds of benignity.
        on_progress: is told stage ("Grad-CAM"), done, total.
    """
    log_odds, cells = np.empty(count), []
    for place in range(count):
        last = baseline.last(pixels(place))
        log_odds[place] = baseline.head(last)
        sign = -1.0 if of_called and log_odds[place] < 0 else 1.0
        gradient = np.broadcast_to(sign * baseline.kernel, last.shape) / (last[..., 0].size)
        cells.append(grad_cam(last, gradient))
        on_progress("Grad-CAM", place + 1, count)
    found = np.asarray(cells, np.float32)
    maps = found
    for _ in range(_DOUBLINGS):
        maps = np.asarray(enlarged(maps), np.float32)
    explained = log_odds >= 0 if of_called else np.ones(count, np.bool_)
    return GradCams(log_odds=log_odds, explained=explained, cells=found, maps=maps)
