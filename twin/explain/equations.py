"""Maps from activations and gradients: arithmetic alone, for any network.

Numbers are those of Sampath et al. 2025. Shapes are written for one image; more dimensions may
stand in front. Gradients are those of the score that is explained.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def grad_cam(activation: Floats, gradient: Floats) -> Floats:
    """Return Grad-CAM, equations 27 and 28 (Selvaraju et al. 2017), shape (height, width).

    α_k is the mean over pixels of ∂y/∂A_k; the map is ReLU(Σ_k α_k A_k).

    Parameters:
        activation: A, shape (height, width, k).
        gradient: ∂y/∂A, of the same shape.

    >>> grad_cam(np.ones((2, 2, 1)), np.full((2, 2, 1), 3.0)).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    importance = gradient.mean(axis=(-3, -2), dtype=np.float64).astype(activation.dtype)
    found: Floats = np.einsum("...hwk,...k->...hw", activation, importance)
    return np.maximum(found, 0.0)


def hires_cam(activation: Floats, gradient: Floats, centre: float = 0.0) -> Floats:
    """Return HiResCAM (Draelos & Carin 2020, equation 5), cut at 0, shape (height, width).

    Σ_k ∂y/∂A_k · (A_k − centre), place by place: what Grad-CAM averages over the image first.

    Parameters:
        activation: A, shape (height, width, k).
        gradient: ∂y/∂A, of the same shape.
        centre: the activation that says nothing; 0 for plain ReLU.
    """
    moved = activation - activation.dtype.type(centre)
    found: Floats = np.einsum("...hwk,...hwk->...hw", moved, gradient)
    return np.maximum(found, 0.0)


def saliency(gradient: Floats) -> Floats:
    """Return |∂y/∂x|, equation 29 (Simonyan et al. 2014), the greatest of the colours.

    Parameters:
        gradient: ∂y/∂x, shape (height, width, colours).

    >>> saliency(np.array([[[1.0, -3.0, 2.0]]])).tolist()
    [[3.0]]
    """
    greatest: Floats = np.abs(gradient).max(axis=-1)
    return greatest


def enlarged(maps: Floats) -> Floats:
    """Return maps (..., h, w) at twice the size, straight lines between their values.

    Convolution "same" of stride 2 over an even size looks at pixels 2i to 2i + 2: value i stands
    at pixel 2i + 1.

    >>> enlarged(np.array([[2.0, 4.0]])).tolist()
    [[2.0, 2.0, 3.0, 4.0], [2.0, 2.0, 3.0, 4.0]]
    """
    for axis in (-2, -1):
        before = np.concatenate(
            [np.take(maps, [0], axis), np.take(maps, range(maps.shape[axis] - 1), axis)], axis
        )
        shape = list(maps.shape)
        shape[axis] *= 2
        maps = np.stack([(before + maps) / 2, maps], axis=axis).reshape(shape)
    return maps
