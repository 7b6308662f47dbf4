"""The whole audit of a directory: duplicates, leaks, shortcuts, case mix, labels, faults."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np

from services.audit.doubts import CONTRADICTED, doubts, out_of_fold
from services.audit.looks import OF_CONTENT, Look, Value, look_at_all
from services.audit.shortcuts import Shortcut, judged, shortcut, together
from services.audit.verdicts import verdicts
from services.evaluation.views import matched_source
from services.ground import require_ground
from simulator.cases.checksums import Progress
from simulator.cases.datasets import DataSet, LabelledImage
from simulator.cases.diagnoses import DIAGNOSES
from simulator.cases.facts import LABELS
from simulator.cases.inventory import inventory
from simulator.cases.near_duplicates import ABOVE, near_pairs
from twin.errors import DataError
from twin.folds import LESIONS_PER_FOLD, lesion_folds
from twin.meta import Folds

_FOLDS: Final = 5
_FEWEST_TO_DOUBT: Final = 50  # assumption: a learner of fewer contradicts at random
FILES_TOGETHER: Final = "all facts of the files together, without size"
PIXELS: Final = "cheap learner on the pixels"
Pair = tuple[LabelledImage, LabelledImage, float]


def audit(data: DataSet, *, quick: bool, on_progress: Progress, threads: int = 2) -> dict[str, Any]:
    """Return what an audit of a directory found, as JSON values.

    Parameters:
        data: what the directory holds; labels of both classes.
        quick: leave out what needs scores of the images: dubious labels.

    Raises:
        DataError: the images are no ground for any figure.
    """
    require_ground(data.images, "the audit", root=data.root, folds=2)
    looks = look_at_all(data.root, data.images, on_progress, threads)
    sound = [place for place, look in enumerate(looks) if look.fault is None]
    images = [data.images[place] for place in sound]
    seen = [looks[place] for place in sound]
    warnings = require_ground(images, "the audit", root=data.root, folds=2)
    thumbnails = np.stack([look.thumbnail for look in seen])
    pairs = [
        (images[a], images[b], correlation)
        for a, b, correlation in near_pairs(thumbnails, ABOVE, on_progress)
    ]
    # Images that look alike are kept together even where nobody stated that they are one lesion.
    images = _joined(images, pairs)
    by_path = {image.path: image for image in images}
    pairs = [(by_path[a.path], by_path[b.path], correlation) for a, b, correlation in pairs]
    folds, fold_warning = _folds(images)
    warnings += fold_warning
    malignant = np.array([image.malignant for image in images])
    groups = [image.group for image in images]
    file_facts = _columns(seen)
    found = _shortcuts(file_facts, malignant, groups, folds, "file", on_progress)
    whole = together(FILES_TOGETHER, _coding(file_facts), malignant, groups, folds)
    patients = _shortcuts(_patients(images), malignant, groups, folds, "case", on_progress)
    labels: dict[str, Any] | None = None
    enough = _fewest_lesions(images) >= _FEWEST_TO_DOUBT
    if not enough:
        warnings.append(
            f"dubious labels are not looked for: {_FEWEST_TO_DOUBT} lesions of each class are the "
            "least to learn from"
        )
    if enough and not quick:
        p_malignant = out_of_fold(data.root, images, folds, on_progress, threads)
        labels = {
            "learner": PIXELS,
            "below": CONTRADICTED,
            "cross_validated": asdict(judged(PIXELS, p_malignant, malignant, groups, {})),
            "doubts": [asdict(doubt) for doubt in doubts(images, p_malignant)],
        }
    result: dict[str, Any] = {
        "directory": str(data.root),
        "images": len(images),
        "malignant": int(malignant.sum()),
        "lesions": len(set(groups)),
        "classes": _classes(images),
        "duplicates": _duplicates(images, pairs),
        "leaks": _leaks(images, pairs),
        "shortcuts": {
            "files": [asdict(one) for one in ([whole] if whole else []) + found],
            "cases": [asdict(one) for one in patients],
            "within_source": _within_source(images, file_facts, on_progress),
            "constant": sorted(
                name for name, values in file_facts.items() if len(set(values)) == 1
            ),
        },
        "labels": labels,
        "faults": [look.fault for look in looks if look.fault] + [str(row) for row in data.bad],
        "oddities": [look.oddity for look in seen if look.oddity],
        "against_diagnosis": list(inventory(replace(data, images=images)).against_diagnosis),
        "unknown_diagnosis": [
            f"{image.path}: {image.diagnosis}"
            for image in images
            if image.diagnosis is not None and image.diagnosis not in DIAGNOSES
        ],
        "notes": [*data.notes, *warnings],
    }
    result["verdicts"] = verdicts(result)
    return result


def _folds(images: Sequence[LabelledImage]) -> tuple[Folds, list[str]]:
    """Return five folds of lesions, or as many as there are lesions for."""
    y = np.array([image.malignant for image in images])
    groups = [image.group for image in images]
    count = max(2, min(_FOLDS, _fewest_lesions(images) // LESIONS_PER_FOLD))
    while True:
        try:
            folds = lesion_folds(y, groups, count, 0)
        except DataError:
            if count <= 2:
                raise
            count -= 1
        else:
            break
    said = [f"{count} folds instead of {_FOLDS}: there are few lesions"] if count < _FOLDS else []
    return folds, said


def _fewest_lesions(images: Sequence[LabelledImage]) -> int:
    return min(
        len({image.group for image in images if image.malignant == ill}) for ill in (True, False)
    )


def _joined(images: Sequence[LabelledImage], pairs: Sequence[Pair]) -> list[LabelledImage]:
    """Give images that look alike one group."""
    parent: dict[str, str] = {}

    def top(group: str) -> str:
        while parent.setdefault(group, group) != group:
            group = parent[group]
        return group

    for a, b, _ in pairs:
        first, second = sorted((top(a.group), top(b.group)))
        parent[second] = first
    return [replace(image, group=top(image.group)) for image in images]


def _columns(looks: Sequence[Look]) -> dict[str, list[Value]]:
    names = dict.fromkeys(name for look in looks for name in look.facts)
    return {name: [look.facts.get(name) for look in looks] for name in names}


def _coding(columns: dict[str, list[Value]]) -> dict[str, list[Value]]:
    return {name: values for name, values in columns.items() if name not in OF_CONTENT}


def _patients(images: Sequence[LabelledImage]) -> dict[str, list[Value]]:
    return {
        "source": [image.source for image in images],
        "age": [None if image.age is None else float(image.age) for image in images],
        "sex": [image.sex for image in images],
        "site": [image.site for image in images],
        "skin tone": [image.skin_tone for image in images],
        "whether age, sex and site are known": [
            "".join(
                letter if value is not None else "-"
                for letter, value in (("a", image.age), ("s", image.sex), ("p", image.site))
            )
            for image in images
        ],
    }


def _shortcuts(
    columns: dict[str, list[Value]],
    malignant: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    groups: Sequence[str],
    folds: Folds,
    kind: str,
    on_progress: Progress,
) -> list[Shortcut]:
    found = []
    for done, (name, values) in enumerate(columns.items(), start=1):
        one = shortcut(name, values, malignant, groups, folds)
        if one is not None:
            found.append(one)
        on_progress(f"{kind} facts", done, len(columns))
    return sorted(found, key=lambda one: -one.auc)


def _within_source(
    images: Sequence[LabelledImage], file_facts: dict[str, list[Value]], on_progress: Progress
) -> dict[str, Any] | None:
    """Return what file facts are worth among images of one source; None where none has both."""
    source = matched_source(images)
    if source is None:
        return None
    places = [place for place, image in enumerate(images) if image.source == source]
    chosen = [images[place] for place in places]
    try:
        folds, _ = _folds(chosen)
    except DataError:
        return None
    columns = {name: [values[place] for place in places] for name, values in file_facts.items()}
    malignant = np.array([image.malignant for image in chosen])
    groups = [image.group for image in chosen]
    whole = together(FILES_TOGETHER, _coding(columns), malignant, groups, folds)
    found = _shortcuts(columns, malignant, groups, folds, f"file ({source})", on_progress)
    return {
        "source": source,
        "images": len(chosen),
        "malignant": int(malignant.sum()),
        "files": [asdict(one) for one in ([whole] if whole else []) + found],
    }


def _classes(images: Sequence[LabelledImage]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LABELS, 0))
    for image in images:
        label = "malignant" if image.malignant else "benign"
        counts[image.split or "no split"][label] += 1
    return dict(sorted(counts.items()))


def _duplicates(images: Sequence[LabelledImage], pairs: Sequence[Pair]) -> dict[str, Any]:
    by_content: dict[str, list[str]] = defaultdict(list)
    for image in images:
        by_content[image.sha256].append(image.path)
    return {
        "exact": [paths for paths in by_content.values() if len(paths) > 1],
        "above": ABOVE,
        "near": [
            {
                "a": a.path,
                "b": b.path,
                "correlation": correlation,
                "across_splits": a.split != b.split,
                "across_labels": a.malignant != b.malignant,
            }
            for a, b, correlation in sorted(pairs, key=lambda pair: -pair[2])
        ],
    }


def _leaks(images: Sequence[LabelledImage], pairs: Sequence[Pair]) -> dict[str, Any]:
    trained = [image for image in images if image.split == "train"]
    tested = [image for image in images if image.split == "test"]
    groups, ids = {one.group for one in trained}, {one.isic_id for one in trained if one.isic_id}
    contents = {one.sha256 for one in trained}
    alike = {one.path for a, b, _ in pairs if a.split != b.split for one in (a, b)}
    leaked = [image for image in tested if image.group in groups]
    return {
        "test_images": len(tested),
        "leaked": [image.path for image in leaked],
        "leaked_lesions": len({image.group for image in leaked}),
        "same_isic_id": [image.path for image in tested if image.isic_id in ids],
        "same_content": [image.path for image in tested if image.sha256 in contents],
        "look_alike": [image.path for image in tested if image.path in alike],
        "by_class": dict(Counter("malignant" if image.malignant else "benign" for image in leaked)),
        "lesions_known": any(image.isic_id or image.group != image.path for image in images),
    }
