"""What a gallery is made of: sections of grids of rows of pictures. Nothing is rendered here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from twin.images import ImageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture to be shown, and what is known about it."""

    ref: ImageRef
    column: str  # what it is within its row, such as "tone IV" or "severity 3"
    origin: Literal["rendered", "real"] = "rendered"
    malignant: bool | None = None  # the truth; None where a picture has none
    diagnosis: str | None = None  # None where it is not known
    tone: str | None = None  # Fitzpatrick type; None where it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Pictures to be seen beside each other."""

    name: str
    pictures: tuple[Picture, ...]
    about: str = ""  # one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rows under one heading."""

    name: str
    rows: tuple[Row, ...]
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page with a question of its own."""

    key: Literal["lesions", "real", "shifts", "controls"]
    title: str
    about: str
    grids: tuple[Grid, ...]

    def pictures(self) -> Iterator[tuple[Grid, Row, Picture]]:
        """Yield every picture with where it stands."""
        for grid in self.grids:
            for row in grid.rows:
                for picture in row.pictures:
                    yield grid, row, picture


def references(sections: Sequence[Section]) -> list[ImageRef]:
    """Return each image once, in the order of the page."""
    found: dict[ImageRef, None] = {}
    for section in sections:
        found |= dict.fromkeys(picture.ref for _, _, picture in section.pictures())
    return list(found)
