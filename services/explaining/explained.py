"""Brings together all that is told of an image: answer, contributions, maps, similar cases."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.local import LocalStack
from services.image_store import FileReader
from services.parts import parts_of
from twin.errors import ImageError
from twin.explain.contributions import Contributions, contributions
from twin.explain.explanation import Explanation
from twin.explain.maps import Pixels
from twin.explain.neighbours import Neighbour, nearest
from twin.images import FileRef, name_of
from twin.imaging import Imaging
from twin.learners.knn import Knn
from twin.learners.sight import Sighted
from twin.model import META, Model, learner_of, meta_of
from twin.ports import Opinion, Unscorable

OnProgress = Callable[[str, int, int], None]
NEIGHBOURS: Final = 6  # as many as fit in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One image, and why the stack answered as it did."""

    path: Path  # as the user wrote it
    sha256: str  # of the file, hex
    pixels: Pixels
    opinion: Opinion
    malignant: bool  # the verdict
    contributions: Contributions
    explanation: Explanation
    neighbours: tuple[Neighbour, ...]  # nearest training cases; none without that learner


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexplained:
    """An image that could not be read, and why."""

    path: Path
    reason: str


def explain_files(
    model: Model,
    paths: Sequence[Path],
    methods: Sequence[str],
    reference_to: Callable[[Path], FileRef],
    on_progress: OnProgress,
) -> list[Explained | Unexplained]:
    """Explain image files with a model's own stack, in this process; in the order given.

    Parameters:
        reference_to: makes a reference of a path, relative to the root of the file system.
        on_progress: told of stage, done and total.
    """
    found: list[Explained | Unexplained] = []
    stack = LocalStack(parts_of(model), FileReader(Path("/")))
    imaging = Imaging(FileReader(Path("/")))
    try:
        for done, path in enumerate(paths, start=1):
            try:
                ref = reference_to(path)
                found.append(_explained(model, stack, imaging, path, ref, methods))
            except ImageError as error:  # the path is told anyway, as the user wrote it
                found.append(Unexplained(path=path, reason=str(error.args[1])))
            on_progress("images explained", done, len(paths))
    finally:
        stack.close()
    return found


def _explained(
    model: Model,
    stack: LocalStack,
    imaging: Imaging,
    path: Path,
    ref: FileRef,
    methods: Sequence[str],
) -> Explained:
    pixels = imaging.pixels(ref)
    (opinion,) = stack.submit([ref]).collect()
    if isinstance(opinion, Unscorable):
        raise ImageError(name_of(ref), opinion.reason)
    absent = frozenset(opinion.missing)
    (explanation,) = stack.explain([ref], methods, None, absent, checked=True)
    if isinstance(explanation, Unscorable):
        raise ImageError(name_of(ref), explanation.reason)
    return Explained(
        path=path,
        sha256=ref.sha256,
        pixels=pixels,
        opinion=opinion,
        malignant=opinion.p_malignant >= stack.threshold,
        contributions=contributions(opinion.log_odds, meta_of(model.part(META)), opinion.sketch),
        explanation=explanation,
        neighbours=_neighbours(model, stack, ref),
    )


def _neighbours(model: Model, stack: LocalStack, ref: FileRef) -> tuple[Neighbour, ...]:
    if "knn" not in model.learners:
        return ()
    knn = learner_of(model.part("knn"), "knn")
    row = stack.stem.handle([ref]).features
    if isinstance(knn, Sighted):
        row, knn = knn.seen(row), knn.learner
    assert isinstance(knn, Knn)
    return tuple(nearest(knn, row[0], NEIGHBOURS))


def rows_of(found: Iterable[Explained | Unexplained]) -> list[int]:
    """Return the training rows that are near any of the images, each once."""
    near = [one.neighbours for one in found if isinstance(one, Explained)]
    return sorted({neighbour.row for some in near for neighbour in some})
