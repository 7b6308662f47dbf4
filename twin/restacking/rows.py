"""What remedies are fitted to, and how it is divided for cross-validation."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.reference import Reference

FOLDS: Final = 5
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of columns with label and weight."""

    z: Floats  # (n, columns)
    y: Flags  # (n,), True is malignant
    weight: Floats  # (n,), positive; window rows have mean 1

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Flags) -> "Rows":
        """Return some of them."""
        return Rows(self.z[rows], self.y[rows], self.weight[rows])

    def columns(self, count: int) -> "Rows":
        """Return the first columns."""
        return Rows(np.ascontiguousarray(self.z[:, :count]), self.y, self.weight)

    def at(self, prevalence: float) -> "Rows":
        """Return them weighted to another prevalence; the sum of the weights stays."""
        here = self.prevalence
        ratio = np.where(self.y, prevalence / here, (1 - prevalence) / (1 - here))
        return Rows(self.z, self.y, self.weight * ratio)

    @property
    def prevalence(self) -> float:
        """Weighted share of the malignant."""
        return float(self.weight[self.y].sum() / self.weight.sum())


def folds_of(image: NDArray[np.intp], malignant: Flags) -> NDArray[np.intp]:
    """Return each row's fold, 0 to `FOLDS` - 1; a picture is in one, classes are spread evenly."""
    fold = np.empty(int(image.max()) + 1 if len(image) else 0, np.intp)
    for pictures in pictures_of(image, malignant):
        fold[pictures] = np.arange(len(pictures)) % FOLDS
    return fold[image]


def pictures_of(
    image: NDArray[np.intp], malignant: Flags
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pictures without, and with, a malignant label: labels of one can contradict."""
    some = np.unique(image[malignant])
    return np.setdiff1d(image, some), some


def with_reference(window: Rows, reference: Rows, weight: float) -> Rows:
    """Return the window's rows with those of training beside them.

    The reference's classes are weighted to the window's prevalence: what training knows is how
    scores tell the classes apart, not how many of each come here (prior shift; Saerens, Latinne
    and Decaestecker 2002, equation 2.4).

    Parameters:
        weight: mean of a reference row's; a window row's mean is 1.
    """
    if weight == 0:
        return window
    alike = reference.at(window.prevalence)
    return Rows(
        np.concatenate([window.z, reference.z]),
        np.concatenate([window.y, reference.y]),
        np.concatenate([window.weight, weight * alike.weight]),
    )


def reference_rows(reference: Reference) -> Rows:
    """Return the training images as rows: learners, then the sketch."""
    z = np.concatenate([reference.log_odds, reference.sketch], axis=1)
    return Rows(z, reference.malignant, np.ones(len(z)))
