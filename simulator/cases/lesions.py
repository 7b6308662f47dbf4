"""Which images show one lesion: by lesion or ISIC id, equal content, stated near duplicates."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from simulator.cases.bad_rows import BadRows
from simulator.cases.csv_rows import csv_rows
from simulator.cases.labelled_image import LabelledImage
from simulator.cases.manifests import inside

NEAR_DUPLICATES: Final = "near_duplicates.csv"
_COLUMNS: Final = ("file_a", "file_b")


@dataclass(frozen=True, slots=True)
class StatedPair:
    """Two images that are stated to show the same lesion."""

    line: int
    a: str  # path relative to the data directory
    b: str


def stated_pairs(root: Path, known: Collection[str], bad: BadRows) -> Iterator[StatedPair]:
    """Yield the pairs of `near_duplicates.csv`, if there is one.

    Parameters:
        root: the data directory.
        known: paths of the images, with those that were left out.
        bad: takes the rows that name another file.

    Raises:
        DataError: the table is no CSV file in UTF-8, or a column is missing.
    """
    table = root / NEAR_DUPLICATES
    if not table.is_file():
        return
    for line, row in csv_rows(table, _COLUMNS, bad):
        a, b = (inside(root, row[name]) for name in _COLUMNS)
        if a is None or b is None or a not in known or b not in known:
            unknown = row["file_a"] if a is None or a not in known else row["file_b"]
            bad.add(table, line, unknown, f"names an image that is not in the data: {unknown}")
        else:
            yield StatedPair(line, a, b)


def grouped(images: Sequence[LabelledImage], pairs: Sequence[StatedPair]) -> list[LabelledImage]:
    """Merge the groups of images with one ISIC id or equal content, and of near duplicates.

    A pair may name an image that was left out: what it joins still hangs together.
    """
    parent: dict[str, str] = {}

    def top(group: str) -> str:
        parent.setdefault(group, group)
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    def merge(a: str, b: str) -> None:
        first, second = sorted((top(a), top(b)))
        parent[second] = first  # the least name stands for all, whatever the order of merging

    by_content: dict[str, str] = {}
    by_id: dict[str, str] = {}
    for image in images:
        merge(image.group, by_content.setdefault(image.sha256, image.group))
        if image.isic_id is not None:
            merge(image.group, by_id.setdefault(image.isic_id, image.group))
    group_of = {image.path: image.group for image in images}
    for pair in pairs:
        merge(group_of.get(pair.a, pair.a), group_of.get(pair.b, pair.b))
    return [replace(image, group=top(image.group)) for image in images]
