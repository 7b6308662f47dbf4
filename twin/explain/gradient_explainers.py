"""Explainers that follow gradients of the surrogate: Grad-CAM, HiResCAM, saliency, SmoothGrad.

What they explain is the surrogate, and its fidelity stands on every map.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.explain.equations import enlarged, grad_cam, hires_cam, saliency
from twin.explain.gradients import Floats, Gradients
from twin.explain.maps import Map, scaled
from twin.meta import MetaStack, MetaWeights
from twin.model import Files, meta_of, sketch_of, stem_of, surrogate_of
from twin.stem import SIZE
from twin.stem_weights import CENTRE

Pixels = NDArray[np.uint8]

_CHUNK: Final = 8  # images at once: their activations take 11 MB, about a cache
# SmoothGrad's authors add noise of 10 to 20 % of the range (Smilkov et al. 2017, section 3.2). The
# stem's features measure fine texture, so that noise of one grey level already moves log-odds by
# 3 nats: maps would explain other images. What a file rounds away is the most that does not.
_NOISE: Final = 0.5  # grey levels, evenly to both sides
_COPIES: Final = 8  # assumption


class GradientExplainers:
    """Maps of images, by the name of a method.

    Parameters:
        files: the model's files, or its part `surrogate`.
        model_id: stands on every map.
        threads: how many chunks of a batch at once; they do not meet.

    >>> sorted(METHODS)
    ['grad-cam', 'hires-cam', 'saliency', 'smoothgrad']
    """

    def __init__(self, files: Files, model_id: str, threads: int = 2) -> None:
        self.model_id = model_id
        self._surrogate = surrogate_of(files)
        self._meta = meta_of(files)
        self._gradients = Gradients(stem_of(files), sketch_of(files), self._surrogate)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="gradients")

    def maps(
        self,
        pixels: Pixels,
        method: str,
        *,
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
        malignant: bool = True,
    ) -> list[Map]:
        """Return one map for each image.

        Parameters:
            pixels: RGB, shape (n, 224, 224, 3).
            method: a key of `METHODS`.
            meta: the stack that is explained; None for the one that the model came with.
            absent: learners that gave no score.
            malignant: whether the score explained is the log-odds of malignancy; else of benignity.

        Raises:
            InvariantError: no such method, or pixels of another shape.
            DependencyError: no learner is there.
        """
        if method not in METHODS:
            raise InvariantError(f"no gradient explainer {method}; there are {', '.join(METHODS)}")
        book = meta or self._meta
        stack = book.weights_for(name for name in book.learners if name not in absent)
        sign = 1.0 if malignant else -1.0
        agreement = self._surrogate.fidelity(stack)
        fidelity = agreement.rank_correlation if agreement else None

        def explain(chunk: Pixels) -> list[Map]:
            return [
                scaled(raw, method=method, fidelity=fidelity, model_id=self.model_id)
                for raw in METHODS[method](self._gradients, chunk, stack, sign)
            ]

        explained = self._threads.map(explain, _chunks(pixels))
        return [one for chunk in explained for one in chunk]


def _chunks(pixels: Pixels) -> Iterator[Pixels]:
    for first in range(0, len(pixels), _CHUNK):
        yield pixels[first : first + _CHUNK]


def _grad_cam(gradients: Gradients, pixels: Pixels, stack: MetaWeights, sign: float) -> Floats:
    found = gradients.of_activation(pixels, stack)
    return enlarged(grad_cam(found.activation, np.float32(sign) * found.gradient))


def _hires_cam(gradients: Gradients, pixels: Pixels, stack: MetaWeights, sign: float) -> Floats:
    # Calibrated responses lie around the centre: below it, a filter sees its pattern reversed.
    found = gradients.of_activation(pixels, stack)
    return enlarged(hires_cam(found.activation, np.float32(sign) * found.gradient, CENTRE))


def _saliency(gradients: Gradients, pixels: Pixels, stack: MetaWeights, sign: float) -> Floats:  # noqa: ARG001 - a size has no sign
    return saliency(gradients.of_pixels(pixels, stack).gradient)


def _smoothgrad(gradients: Gradients, pixels: Pixels, stack: MetaWeights, sign: float) -> Floats:  # noqa: ARG001 - a size has no sign
    """Average gradients of noisy copies, then take their size; the same noise for all images."""
    copies = (gradients.of_pixels(image + _noise(), stack).gradient for image in pixels)
    return saliency(np.stack([each.mean(axis=0) for each in copies]))


@cache
def _noise() -> NDArray[np.float32]:
    """Return what is added to an image, shape (copies, 224, 224, 3)."""
    draws = np.random.default_rng(0)
    return draws.uniform(-_NOISE, _NOISE, (_COPIES, SIZE, SIZE, 3)).astype(np.float32)


Method = Callable[[Gradients, Pixels, MetaWeights, float], Floats]

METHODS: Final[Mapping[str, Method]] = {
    "grad-cam": _grad_cam,
    "hires-cam": _hires_cam,
    "saliency": _saliency,
    "smoothgrad": _smoothgrad,
}
