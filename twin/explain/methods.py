"""The explainers by name: what their maps show, and whom they ask.

Two kinds: gradients of the surrogate (`gradient_explainers.py`), quick, and true of the stack as
far as the surrogate is; and those that ask the stack itself about changed images, in seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.maps import Pixels, Score
from twin.explain.occlusion import occlusion
from twin.explain.rise import rise

# image, the true stack, what stands where pixels are taken away -> raw map, (224, 224)
Ask = Callable[[Pixels, Score, Pixels], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One explainer."""

    name: str
    title: str  # as people write it
    about: str  # what its map shows, in a sentence
    unit: str  # of raw values
    ask: Ask | None  # asks the true stack; None where gradients of the surrogate are taken


_TABLE: Final = (
    Method(
        name="grad-cam",
        title="Grad-CAM",
        about="Where the stem's filters respond that raise the surrogate's log-odds on average "
        "over the image; what lowers them is cut off.",
        unit="nats × response",
        ask=None,
    ),
    Method(
        name="hires-cam",
        title="HiResCAM",
        about="Where the stem's responses raise the surrogate's log-odds, place by place; what "
        "lowers them is cut off.",
        unit="nats × response",
        ask=None,
    ),
    Method(
        name="saliency",
        title="Saliency",
        about="How strongly the surrogate's log-odds answer to a small change of each pixel, up "
        "or down.",
        unit="nats per grey level",
        ask=None,
    ),
    Method(
        name="smoothgrad",
        title="SmoothGrad",
        about="Saliency of the mean gradient over copies with a little noise.",
        unit="nats per grey level",
        ask=None,
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        about="What the stack's log-odds lose when the patch around a pixel is blurred.",
        unit="nats",
        ask=occlusion,
    ),
    Method(
        name="rise",
        title="RISE",
        about="The stack's log-odds with a region less those without it, on average over images "
        "of which a random half is blurred.",
        unit="nats",
        ask=rise,
    ),
)

METHODS: Final[Mapping[str, Method]] = {method.name: method for method in _TABLE}
