"""Small data directories for tests."""

from pathlib import Path

import pytest

from simulator.cases.datasets import load_images
from twin.errors import DataError

HEADER = "file,label,split,sha256,lesion_id,dx,age,sex,localization\n"


def fill(root: Path, *paths: str) -> Path:
    """Write files whose content is their path."""
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(path)
    return root


def manifest(root: Path, rows: str, header: str = HEADER) -> Path:
    """Write a manifest, and the files in images/ that it names."""
    root.mkdir(exist_ok=True)
    fill(root, *(row.split(",")[0] for row in rows.splitlines() if row.startswith("images/")))
    (root / "manifest.csv").write_text(header + rows)
    return root


def reason(root: Path, split: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        load_images(root, split=split)
    return str(caught.value)
