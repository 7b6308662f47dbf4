"""Images by reference: events carry where pixels come from, never the pixels (law 4)."""

from dataclasses import dataclass
from typing import Literal

from twin.acquisition.acquisition import Acquisition
from twin.dermoscopy.recipe import LesionRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticRef:
    """A lesion that is rendered from its recipe; the same recipe gives the same pixels."""

    recipe: LesionRecipe
    kind: Literal["synthetic"] = "synthetic"
    acquisition: Acquisition | None = None  # None: as it comes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """An image file below the data directory, pinned by its content."""

    path: str  # relative to the data directory, with forward slashes
    sha256: str  # of the file's bytes, hex
    kind: Literal["file"] = "file"
    acquisition: Acquisition | None = None  # None: as it comes


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRef:
    """An uploaded image in the blob store, addressed by its content."""

    sha256: str  # of the bytes, hex
    kind: Literal["blob"] = "blob"
    acquisition: Acquisition | None = None  # None: as it comes


ImageRef = SyntheticRef | FileRef | BlobRef


def name_of(ref: ImageRef) -> str:
    """Return a short name of a reference for messages.

    >>> name_of(BlobRef(sha256="ab" * 32))
    'blob:abababababab'
    """
    if isinstance(ref, FileRef):
        return ref.path
    if isinstance(ref, BlobRef):
        return f"blob:{ref.sha256[:12]}"
    return f"synthetic:{ref.recipe.seed}"
