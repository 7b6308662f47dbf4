"""Finds near duplicates in a data directory and writes them beside the images."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.atomic import write_text
from services.console import Bars
from services.image_store import FileReader
from simulator.cases.datasets import DataSet, LabelledImage
from simulator.cases.near_duplicates import EDGE_PX, near_pairs, thumbnail
from twin.decoding import decode
from twin.errors import ImageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Pairs of images that look alike, and images that could not be looked at."""

    pairs: list[tuple[LabelledImage, LabelledImage, float]]  # with their correlation
    unreadable: list[str]  # reasons, each with the image's path


def find_near_duplicates(data: DataSet, above: float, bars: Bars) -> Found:
    """Compare each image with every other one.

    Parameters:
        data: the images.
        above: pairs whose thumbnails correlate more than this are near duplicates.
        bars: shows progress.
    """
    reader = FileReader(data.root)
    thumbnails = np.zeros((len(data.images), EDGE_PX * EDGE_PX), dtype=np.float32)
    unreadable: list[str] = []
    for place, image in enumerate(data.images):
        try:
            thumbnails[place] = thumbnail(decode(reader.read(image.ref), image.path))
        except ImageError as error:
            unreadable.append(str(error))
        bars("thumbnails", place + 1, len(data.images))
    pairs = [
        (data.images[a], data.images[b], correlation)
        for a, b, correlation in near_pairs(thumbnails, above, bars)
    ]
    return Found(pairs=sorted(pairs, key=lambda pair: -pair[2]), unreadable=unreadable)


def write_pairs(table: Path, pairs: Sequence[tuple[LabelledImage, LabelledImage, float]]) -> None:
    """Write pairs as `near_duplicates.csv`, whole or not at all."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["file_a", "file_b", "correlation", "split_a", "split_b", "label_a", "label_b"])
    for a, b, correlation in pairs:
        labels = ("malignant" if one.malignant else "benign" for one in (a, b))
        rows.writerow([a.path, b.path, correlation, a.split or "", b.split or "", *labels])
    write_text(table, text.getvalue())


def against_stated(found: Found, data: DataSet) -> dict[str, Any] | None:
    """Compare with the pairs that the data set states, if it states any."""
    if not data.pairs:
        return None
    stated = {frozenset((pair.a, pair.b)) for pair in data.pairs}
    ours = {frozenset((a.path, b.path)) for a, b, _ in found.pairs}
    both = len(stated & ours)
    return {
        "stated": len(stated),
        "found_of_them": both,
        "recall": round(both / len(stated), 4),
        "precision": round(both / len(ours), 4) if ours else None,
    }
