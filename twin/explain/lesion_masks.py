"""Whether a map lies on the lesion, where it is known which pixels that are.

Rendered lesions have an outline; photographs have none here. A map that leaves the lesion is not
wrong for that: it may show that the stack looks at something else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.dermoscopy.outline import depth_of, inside_of
from twin.dermoscopy.recipe import LesionRecipe
from twin.explain.maps import Values

Mask = NDArray[np.bool_]  # (224, 224), True on the lesion


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A map against a mask. A map that knows nothing has about `area` of its mass inside."""

    area: float  # share of the image that the lesion covers
    mass_inside: float  # share of the map's mass on the lesion
    overlap: float  # intersection over union with as many of the most important pixels


def lesion_mask(recipe: LesionRecipe) -> Mask:
    """Return the pixels of which a rendered lesion fills at least half."""
    mask: Mask = inside_of(recipe, depth_of(recipe)) >= 0.5
    return mask


def agreement(values: Values, mask: Mask) -> Agreement:
    """Return how far a map agrees with a mask.

    Parameters:
        values: from 0 to 1, shape (224, 224).
        mask: shape (224, 224); at least one pixel is True.

    >>> half = np.arange(224 * 224).reshape(224, 224) < 224 * 112
    >>> agreement(half.astype(np.float32), half)
    Agreement(area=0.5, mass_inside=1.0, overlap=1.0)
    """
    total = float(values.sum())
    count = int(mask.sum())
    top = np.zeros(mask.size, bool)
    top[np.argsort(-values.ravel(), kind="stable")[:count]] = True
    both = int((top & mask.ravel()).sum())
    share = count / mask.size
    return Agreement(
        area=share,
        mass_inside=float(values[mask].sum()) / total if total > 0 else share,
        overlap=both / (2 * count - both),
    )
