"""What a model card says of images: what is known of them, where they come from, their licences."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from simulator.cases.datasets import LabelledImage

# Of collections whose licence is published with them; of others nothing is claimed.
_LICENCES: Final = {
    "HAM10000": "CC BY-NC 4.0 (Tschandl et al. 2018, doi:10.7910/DVN/DBW86T)",
}
_ATTRIBUTION: Final = "ATTRIBUTION.csv"  # as `dermtwin data fetch-isic` writes it


def known_facts(images: Sequence[LabelledImage]) -> dict[str, int]:
    """Return of how many images each fact is known."""
    return {
        "lesion or ISIC id": sum(
            image.isic_id is not None or image.group != image.path for image in images
        ),
        "age": sum(image.age is not None for image in images),
        "sex": sum(image.sex is not None for image in images),
        "site": sum(image.site is not None for image in images),
        "diagnosis": sum(image.diagnosis is not None for image in images),
        "source": sum(image.source is not None for image in images),
        "skin tone": sum(image.skin_tone is not None for image in images),
    }


def by_split(images: Sequence[LabelledImage]) -> dict[str, tuple[int, int, int]]:
    """Return benign images, malignant images and lesions of each split."""
    found = {}
    for split in sorted({image.split or "no split" for image in images}):
        inside = [image for image in images if (image.split or "no split") == split]
        ill = sum(image.malignant for image in inside)
        found[split] = (len(inside) - ill, ill, len({image.group for image in inside}))
    return found


def licence_rows(images: Sequence[LabelledImage]) -> list[tuple[str, int, str]]:
    """Return sources with their number of images and their licence, where it is known."""
    counts = Counter(image.source or "unknown" for image in images)
    return [
        (source, count, _LICENCES.get(source, "not known to this program: ask where it comes from"))
        for source, count in counts.most_common()
    ]


def stated_licences(root: Path) -> list[tuple[str, int]]:
    """Return the licences that a downloaded directory states, with their number of images."""
    table = root / _ATTRIBUTION
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return Counter(row.get("copyright_license") or "not stated" for row in rows).most_common()
