"""What an explanation says, as JSON values; with pictures and arrays beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.explaining.explained import Explained, Unexplained
from services.explaining.overlay import picture, with_scale
from services.explaining.training_images import TrainingImage
from twin.arrays import pack
from twin.explain.explanation import Explanation
from twin.explain.faithfulness import Faithfulness
from twin.explain.fidelity import LEAST_RANK_CORRELATION
from twin.explain.maps import Map
from twin.explain.methods import METHODS
from twin.model import Model
from twin.training_cases import TrainingCases

ARRAYS: Final = "maps.npz"
IMAGE: Final = "image.png"
_DIGITS: Final = 6  # of areas and distances


def is_low(found: Map) -> bool | None:
    """Return whether a map's fidelity is low; None where nobody measured it."""
    return None if found.fidelity is None else found.fidelity < LEAST_RANK_CORRELATION


def folder_of(number: int, path: Path) -> str:
    """Return the name of an image's folder.

    >>> folder_of(3, Path("photos/a mole.jpg"))
    '03-a-mole'
    """
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in path.stem)
    return f"{number:02d}-{plain[:40].strip('-') or 'image'}"


def write_files(out: Path, found: Sequence[Explained | Unexplained]) -> None:
    """Write each image, its maps with scale bars, and their raw values, into folders of `out`."""
    for number, one in enumerate(found, start=1):
        if isinstance(one, Unexplained):
            continue
        folder = out / folder_of(number, one.path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / IMAGE).write_bytes(picture(one.pixels))
        for each in one.explanation.maps:
            file = folder / f"{each.method}.png"
            file.write_bytes(with_scale(one.pixels, each, METHODS[each.method].unit))
        raw = {
            each.method: (each.low + each.values * (each.high - each.low)).astype(np.float32)
            for each in one.explanation.maps
        }
        (folder / ARRAYS).write_bytes(pack(raw))


def result_of(
    model: Model,
    found: Sequence[Explained | Unexplained],
    cases: TrainingCases,
    known: Mapping[int, TrainingImage],
) -> dict[str, Any]:
    """Return all that was found.

    Parameters:
        known: training images near any of the images, by row.
    """
    rows = [
        {"image": str(one.path), "error": one.reason}
        if isinstance(one, Unexplained)
        else _row(folder_of(number, one.path), one, cases, known)
        for number, one in enumerate(found, start=1)
    ]
    return {
        "model_id": model.model_id,
        "threshold": model.threshold,
        "surrogate": model.content.get("surrogate"),
        "least_fidelity": LEAST_RANK_CORRELATION,
        "images": rows,
    }


def _row(
    folder: str, one: Explained, cases: TrainingCases, known: Mapping[int, TrainingImage]
) -> dict[str, Any]:
    told = one.contributions
    return {
        "image": str(one.path),
        "sha256": one.sha256,
        "folder": folder,
        "p_malignant": one.opinion.p_malignant,
        "malignant": one.malignant,
        "log_odds": round(told.log_odds, _DIGITS),
        "intercept": told.intercept,
        "contributions": [
            {"name": part.name, "vote": part.vote, "weight": part.weight, "nats": part.nats}
            for part in told.parts
        ],
        "missing": list(told.missing),
        "maps": [_map(folder, each, one.explanation) for each in one.explanation.maps],
        "arrays": f"{folder}/{ARRAYS}",
        "neighbours": [
            {
                "row": near.row,
                "sha256_of_pixels": cases.digest(near.row),
                "malignant": near.malignant,
                "distance": round(near.distance, _DIGITS),
                "found": known[near.row].name if known[near.row].pixels is not None else None,
                "why_not": known[near.row].why_not or None,
            }
            for near in one.neighbours
        ],
    }


def _map(folder: str, found: Map, explanation: Explanation) -> dict[str, Any]:
    check = explanation.checks.get(found.method)
    return {
        "method": found.method,
        "unit": METHODS[found.method].unit,
        "low": found.low,
        "high": found.high,
        "fidelity": found.fidelity,
        "low_fidelity": is_low(found),
        "picture": f"{folder}/{found.method}.png",
        **({} if check is None else _check(check)),
    }


def _check(check: Faithfulness) -> dict[str, Any]:
    return {
        "deletion": {
            "area": round(check.deletion_area, _DIGITS),
            "random": round(check.random_deletion_area, _DIGITS),
            "beats_random": check.deletion_beats_random,
        },
        "insertion": {
            "area": round(check.insertion_area, _DIGITS),
            "random": round(check.random_insertion_area, _DIGITS),
            "beats_random": check.insertion_beats_random,
        },
        "random_maps": len(check.random_deletion),
    }
