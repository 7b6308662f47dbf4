"""The explainers by name: what each one asks, and in which unit it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from twin.explain.fillings import blurred
from twin.explain.maps import Pixels, Score
from twin.explain.occlusion import occlusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What explainers work with."""

    score: Score  # the true stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One explainer."""

    name: str
    title: str  # as people write it
    about: str  # what the map shows, in a sentence
    unit: str  # of raw values
    of_surrogate: bool  # it asks the surrogate, whose fidelity is then the map's
    raw: Callable[[Pixels, Tools], NDArray[Any]]  # image -> raw map, (224, 224)


def _occlusion(pixels: Pixels, tools: Tools) -> NDArray[Any]:
    return occlusion(pixels, tools.score, blurred(pixels))


_TABLE: Final = (
    Method(
        name="occlusion",
        title="Occlusion",
        about="What the stack's log-odds lose when the patch around a pixel is blurred; the stack "
        "itself is asked.",
        unit="nats",
        of_surrogate=False,
        raw=_occlusion,
    ),
)

METHODS: Final[Mapping[str, Method]] = {method.name: method for method in _TABLE}
