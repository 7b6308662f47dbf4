"""A codebook of local textures, and how an image differs from what it expects: a Fisher vector.

Each of the stem's 28 × 28 cells is described by 36 numbers that turning the image does not change;
a mixture of Gaussians over the cells of all training images is the codebook. An image's code says,
for each Gaussian, how many of its cells belong there, how they lie around its centre and how far
they spread (F. Perronnin, J. Sánchez, T. Mensink (2010), Improving the Fisher kernel for
large-scale image classification, ECCV, with their signed roots and unit length), and how far from
the image's middle they are. It is a statistic of the activation map like the other features, but
it counts textures where those take quantiles, and errs on other images.

Fitted on training images alone and without labels. Sums run in NumPy's own loops, not in BLAS,
whose results differ with its threads (law 5).
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.features import CellMaps, cell_radius, local_textures

Array = NDArray[np.float32]

# Chosen by lesion-grouped cross-validation on the training part; docs/accuracy.md.
COMPONENTS: Final = 48
DIMENSIONS: Final = 24  # principal axes of local textures that are kept
_ITERATIONS: Final = 40  # of expectation maximisation, at most
_LEAST_VARIANCE: Final = 1e-3  # of whitened textures
_NEAREST_CELLS: Final = 120  # of each sampled image


@dataclass(frozen=True, slots=True, kw_only=True)
class Codebook:
    """A mixture of Gaussians over whitened local textures."""

    mean: Array  # (36,) of local textures
    axes: Array  # (36, dimensions): whitening
    weights: Array  # (components,), add up to 1
    centres: Array  # (components, dimensions)
    sds: Array  # (components, dimensions)

    @property
    def dimension(self) -> int:
        """Numbers in a code."""
        components, dimensions = (int(size) for size in self.centres.shape)
        return components * (2 * dimensions + 3)

    def encode(self, cells: CellMaps) -> Array:
        """Return an image's code, shape (dimension,), of length 1."""
        x = np.einsum("nf,fd->nd", local_textures(cells) - self.mean, self.axes)
        squares = x * x
        near = self._memberships(x, squares)  # (cells, components)
        count = np.float32(len(x))
        mass = near.sum(axis=0) / count
        first = np.einsum("nk,nd->kd", near, x) / count
        second = np.einsum("nk,nd->kd", near, squares) / count
        here = mass[:, None]
        # Sums of (x - centre) / sd and of its square less 1, expanded: no cell × component × axis
        shift = (first - here * self.centres) / self.sds
        spread = second - 2 * self.centres * first + here * self.centres**2
        spread = spread / self.sds**2 - here
        root = np.sqrt(self.weights)[:, None]
        away = np.einsum("nk,nr->kr", near, _AWAY) / count
        code = np.concatenate(
            [
                mass,
                (shift / root).ravel(),
                (spread / (np.float32(np.sqrt(2)) * root)).ravel(),
                away.ravel(),
            ]
        )
        code = np.sign(code) * np.sqrt(np.abs(code))
        length = np.sqrt(np.einsum("i,i->", code, code))
        return np.asarray(code / length, np.float32)

    def arrays(self) -> dict[str, Array]:
        """Return the arrays by name; `codebook_of` takes them back."""
        return {name: getattr(self, name) for name in _NAMES}

    def _memberships(self, x: Array, squares: Array) -> Array:
        """Return the probability of each component for each cell, shape (cells, components)."""
        precisions = 1 / self.sds**2
        constant = (
            np.log(self.weights)
            - np.log(self.sds).sum(axis=1)
            - (precisions * self.centres**2).sum(axis=1) / 2
        )
        fit = np.einsum("nd,kd->nk", x, precisions * self.centres)
        fit -= np.einsum("nd,kd->nk", squares, precisions) / 2
        fit += constant
        fit -= fit.max(axis=1, keepdims=True)
        near = np.exp(fit)
        return np.asarray(near / near.sum(axis=1, keepdims=True), np.float32)


_NAMES: Final = ("mean", "axes", "weights", "centres", "sds")
_FAR = (cell_radius() / np.float32(cell_radius().max())).astype(np.float32)
_AWAY: Final = np.stack([_FAR, _FAR * _FAR], axis=1)  # (cells, 2)


def codebook_of(arrays: Mapping[str, NDArray[Any]]) -> Codebook:
    """Return a codebook from what `Codebook.arrays` gave.

    Raises:
        KeyError: an array is missing.
    """
    return Codebook(**{name: arrays[name].astype(np.float32) for name in _NAMES})


def fit_codebook(sampled: Sequence[CellMaps], seed: int) -> Codebook:
    """Fit a codebook to a sample of training images; scikit-learn must run on one thread.

    Parameters:
        sampled: cells of images.
        seed: of the choice of cells and of the mixture's start.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    draws = np.random.default_rng(seed)
    rows = np.concatenate(
        [
            textures[draws.permutation(len(textures))[:_NEAREST_CELLS]]
            for textures in map(local_textures, sampled)
        ]
    ).astype(np.float64)
    mean = rows.mean(axis=0)
    sizes, directions = np.linalg.eigh(np.cov((rows - mean).T))
    kept = directions[:, ::-1][:, :DIMENSIONS]
    # An axis has no direction of its own: let its largest component be positive.
    kept = kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    axes = kept / np.sqrt(np.maximum(sizes[::-1][:DIMENSIONS], 1e-9))
    mixture = GaussianMixture(
        min(COMPONENTS, len(sampled)),  # a handful of images has no 48 kinds of texture
        covariance_type="diag",
        reg_covar=_LEAST_VARIANCE,
        max_iter=_ITERATIONS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # So many steps are enough: a codebook need not be the best one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit((rows - mean) @ axes)
    return Codebook(
        mean=mean.astype(np.float32),
        axes=axes.astype(np.float32),
        weights=mixture.weights_.astype(np.float32),
        centres=mixture.means_.astype(np.float32),
        sds=np.sqrt(mixture.covariances_).astype(np.float32),
    )
