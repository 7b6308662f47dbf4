"""Images that ended a component: remembered, so that they end it no more.

An image is poison to a component if a batch that it was in ended it twice, and the image alone
then did so a third time. A case with such an image is rejected if the component is one that all
need; a learner is missing for that case alone. What becomes of a case depends on its own image, so
it is the same whatever else was in its batch (law 5).
"""

from collections import OrderedDict
from typing import Final

from twin.images import ImageRef

BATCH_DEATHS: Final = 2  # of a batch, before its images are asked about one by one: assumption
MOST_REMEMBERED: Final = 10_000  # images; the oldest are forgotten, and found out again: assumption


def reason_of(component: str) -> str:
    """Return what is said of a case whose image is poison to a component that it needs."""
    return f"its image ended component {component} {BATCH_DEATHS + 1} times"


class Poison:
    """What images are poison to."""

    def __init__(self) -> None:
        self._of: OrderedDict[ImageRef, frozenset[str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._of)

    def add(self, image: ImageRef, component: str) -> None:
        """Remember that an image ends a component."""
        self._of[image] = self.of(image) | {component}
        if len(self._of) > MOST_REMEMBERED:
            self._of.popitem(last=False)

    def of(self, image: ImageRef) -> frozenset[str]:
        """Return the components that an image ends."""
        return self._of.get(image, frozenset())
