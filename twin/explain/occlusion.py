"""Occlusion on the true stack: what the log-odds lose when a patch of the image is taken away.

M. D. Zeiler, R. Fergus (2014), Visualizing and understanding convolutional networks, ECCV. It asks
the stack itself, so it needs no surrogate and is the reference for maps that do.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.maps import EDGE_PX, Pixels, Score

PATCH_PX: Final = 32
STRIDE_PX: Final = 24  # 9 × 9 patches that overlap by a quarter


def occlusion(
    pixels: Pixels,
    score: Score,
    filling: Pixels,
    *,
    patch_px: int = PATCH_PX,
    stride_px: int = STRIDE_PX,
) -> NDArray[np.float64]:
    """Return by how much the log-odds drop where a patch is filled, shape (224, 224), in nats.

    A pixel has the mean over the patches that cover it. Above zero, what stood there speaks for
    malignant.

    Parameters:
        score: of a batch of images; it is asked once, about the image and all its occluded copies.
        filling: what stands in the patches, shape (224, 224, 3).
        patch_px: side of a patch.
        stride_px: from patch to patch; it divides 224 − patch_px.
    """
    starts = range(0, EDGE_PX - patch_px + 1, stride_px)
    places = [
        (slice(top, top + patch_px), slice(left, left + patch_px))
        for top in starts
        for left in starts
    ]
    batch = np.repeat(pixels[None], len(places) + 1, axis=0)
    for image, place in zip(batch[1:], places, strict=True):
        image[place] = filling[place]
    asked = score(batch)
    drops = asked[0] - asked[1:]
    total, covered = np.zeros((EDGE_PX, EDGE_PX)), np.zeros((EDGE_PX, EDGE_PX))
    for place, drop in zip(places, drops, strict=True):
        total[place] += drop
        covered[place] += 1
    return total / covered
