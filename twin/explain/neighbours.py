"""Training cases that look alike to the model: what an answer can be compared with.

Alike as the k-nearest-neighbours learner sees it: by distance between standardised principal
coordinates of the stem's features. It is a likeness of colour and texture statistics; people may
find other lesions alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.learners.knn import Knn


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A training case near an image."""

    row: int  # of the training set
    distance: float  # in the learner's view, in standard deviations of a feature
    malignant: bool  # its label


def nearest(knn: Knn, features: NDArray[np.float32], count: int) -> list[Neighbour]:
    """Return the nearest training cases, nearest first; ties in the order of training.

    Parameters:
        features: of one image, shape (features,).
        count: how many; fewer if the learner knows fewer.
    """
    distances = np.sqrt(knn.known.square_distances(knn.view.of(features)))
    return [
        Neighbour(row=row, distance=float(distances[row]), malignant=bool(knn.malignant[row]))
        for row in np.argsort(distances, kind="stable")[:count].tolist()
    ]
