"""What the twin needs from outside, as protocols. `services/bootstrap.py` chooses who serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from twin.explain.explanation import Explanation
from twin.images import ImageRef
from twin.meta import MetaStack


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the stack thinks of one image."""

    p_malignant: float  # 0 to 1
    log_odds: dict[str, float]  # per base learner, in nats
    missing: tuple[str, ...]  # learners that gave no score
    sketch: tuple[float, ...] = ()  # of what the stem saw; see twin/sketch.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscorable:
    """Why the stack could not score one image: the image's fault, not the stack's."""

    reason: str


Answer = Opinion | Unscorable


class ImageReader(Protocol):
    """Brings the bytes behind a file or blob reference."""

    def read(self, ref: ImageRef) -> bytes:
        """Return the encoded image.

        Raises:
            ImageError: there is no such image, or its sha256 differs.
            DependencyError: the store did not answer.
        """
        ...


class Ticket(Protocol):
    """A batch on its way through the stack."""

    def collect(self) -> list[Answer]:
        """Wait for the answers, one per image, in the order submitted.

        A ticket whose collection failed with a DependencyError may be submitted anew.

        Raises:
            DependencyError: a component that cannot be missing is gone for good.
        """
        ...

    def done(self) -> bool:
        """Return whether `collect` would hardly wait."""
        ...


class Stack(Protocol):
    """Stem, learners and meta-learner, wherever they run."""

    model_id: str
    threshold: float

    def submit(
        self,
        images: Sequence[ImageRef],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> Ticket:
        """Start scoring a batch; several may be under way at once.

        Parameters:
            meta: the stack that answers; None for the one that the model came with.
            absent: learners that are not asked.
        """
        ...


class Explaining(Protocol):
    """Explains what a stack answered, wherever explainers run; never on the path of scoring."""

    def explain(
        self,
        images: Sequence[ImageRef],
        methods: Sequence[str],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
        *,
        checked: bool = False,
    ) -> list[Explanation | Unscorable]:
        """Return an explanation for each image, in their order; waits for the explainer to start.

        Parameters:
            images: a batch that one stack version answered with the same learners.
            methods: names of `twin.explain.methods.METHODS`.
            meta: the stack version; None for the one that the model came with.
            absent: learners that gave no vote.
            checked: measure deletion and insertion of each map, too.

        Raises:
            DependencyError: the explainer is gone for good, or a store of images is.
        """
        ...
