"""`python -m benchmarks.faithfulness DATA`: do maps point at what the stack looks at?

200 test images, half of each class, seeded: deletion and insertion of every explainer against
random maps of the same power spectrum, and of a map that is the distance to the middle, which
knows no image. On a part of them how much maps move under noise; on rendered lesions how much of a
map lies on the lesion. Gate: for the best explainer, deletion beats random maps on at least 90 %.

It takes a quarter of an hour of one core. Rows per image are kept in benchmarks/results, and a run
that was interrupted goes on with them.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.artefacts import ArtefactStore
from services.config import read_settings
from services.explaining.judging import balanced, interval, judge, verdict
from services.image_store import FileReader
from services.parts import parts_of
from simulator.cases.cases import case_id_of, population_of
from simulator.cases.datasets import LabelledImage, load_images
from simulator.language.populations import PopulationSpec
from twin.explain.explainer import Explainer
from twin.explain.lesion_masks import agreement, lesion_mask
from twin.explain.maps import EDGE_PX, Map, Pixels, scaled
from twin.explain.methods import METHODS
from twin.explain.sensitivity import sensitivity
from twin.imaging import Imaging
from twin.model import Model

RESULTS: Final = Path(__file__).parent / "results"
IMAGES: Final = 200
NOISY: Final = 10  # images of which maps are made again under noise
RENDERED: Final = 20  # lesions with a known outline
SEED: Final = 20261130
STEPS: Final = 7
RANDOM_MAPS: Final = 3
LEAST_SHARE: Final = 0.9
MIDDLE: Final = "middle"  # the map that knows no image

Row = dict[str, Any]


def measure(model_id: str | None, data: Path, images: int = IMAGES) -> dict[str, Any]:
    """Return the gate and, per explainer, shares, areas, sensitivity and agreement."""
    model = ArtefactStore(read_settings(os.environ).home).load_or_latest(model_id)
    rows = _rows(model, data, images)
    real = [row for row in rows if row["kind"] == "real"]
    found = {name: _summary(name, rows) for name in (*METHODS, MIDDLE)}
    best = max(METHODS, key=lambda name: found[name]["deletion_beats_random"]["mean"])
    share = found[best]["deletion_beats_random"]["mean"]
    return {
        "model_id": model.model_id,
        "images": len(real),
        "malignant": sum(row["malignant"] for row in real),
        "surrogate": model.content["surrogate"],
        **found,
        "best": best,
        "gate": f"deletion of the best explainer beats random maps on >= {LEAST_SHARE:.0%}",
        "pass": share >= LEAST_SHARE and len(real) >= images,
    }


def _rows(model: Model, data: Path, images: int) -> list[Row]:
    """Measure image by image, or take what an earlier run of the same has measured."""
    parts = parts_of(model)
    explainer = Explainer(parts.explained, tuple(parts.learners), model.model_id)
    imaging = Imaging(FileReader(data))
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"faithfulness-{model.model_id}-{_code()}-{images}.jsonl"
    rows: list[Row] = []
    if kept.exists():
        rows = [json.loads(line) for line in kept.read_text().splitlines()]
    chosen = balanced(load_images(data, split="test"), images)
    started_s, before = time.perf_counter(), len(rows)
    with kept.open("a") as file:
        for place in range(len(rows), len(chosen) + RENDERED):
            if place < len(chosen):
                image = chosen[place]
                row = _real(explainer, imaging.pixels(image.ref), image, place)
            else:
                row = _rendered(explainer, place - len(chosen))
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            each_s = (time.perf_counter() - started_s) / (len(rows) - before)
            told = f"{len(rows)} of {len(chosen) + RENDERED}, {each_s:.1f} s each"
            print(told, file=sys.stderr, flush=True)
    return rows


def _code() -> str:
    """Return a digest of what decides the figures."""
    import twin.explain

    total = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted(Path(twin.explain.__file__).parent.glob("*.py")):
        total.update(file.read_bytes())
    return total.hexdigest()[:8]


def _real(explainer: Explainer, pixels: Pixels, image: LabelledImage, place: int) -> Row:
    maps = _maps(explainer, pixels)
    found = judge(explainer, pixels, maps, seed=place, steps=STEPS, random_maps=RANDOM_MAPS)
    for name in maps:
        if place < NOISY and name in METHODS:
            moved = sensitivity(
                pixels,
                lambda seen, name=name: explainer.map(seen, name),  # type: ignore[misc]
                seed=place,
                rounds=2,
            )
            found[name] |= {"sensitivity": moved.mean, "sensitivity_max": moved.greatest}
    return {
        "kind": "real",
        "group": image.group,
        "malignant": image.malignant,
        "found": found,
    }


def _rendered(explainer: Explainer, number: int) -> Row:
    population = population_of(PopulationSpec(prevalence=0.5))
    case = population.draw(SEED, 0, case_id_of(0, number))
    mask = lesion_mask(case.image.recipe)
    maps = _maps(explainer, Imaging().pixels(case.image))
    found = {name: asdict(agreement(one.values, mask)) for name, one in maps.items()}
    return {
        "kind": "rendered",
        "group": case.case_id,
        "malignant": case.malignant,
        "found": found,
    }


def _maps(explainer: Explainer, pixels: Pixels) -> dict[str, Map]:
    y, x = np.mgrid[:EDGE_PX, :EDGE_PX] - (EDGE_PX - 1) / 2
    middle = scaled(-np.hypot(y, x), method=MIDDLE, fidelity=None, model_id="none")
    return {**{name: explainer.map(pixels, name) for name in METHODS}, MIDDLE: middle}


def _summary(name: str, rows: list[Row]) -> dict[str, Any]:
    real = [row for row in rows if row["kind"] == "real"]
    rendered = [row for row in rows if row["kind"] == "rendered"]

    def over(some: list[Row], value: Any) -> dict[str, float]:
        return interval([value(row["found"][name]) for row in some], [r["group"] for r in some])

    noisy = [row for row in real if "sensitivity" in row["found"][name]]
    told = verdict([row["found"][name] for row in real], [row["group"] for row in real])
    if noisy:
        told["sensitivity"] = over(noisy, lambda one: one["sensitivity"])
        told["sensitivity_max"] = over(noisy, lambda one: one["sensitivity_max"])
    if rendered:
        told["mass_inside"] = over(rendered, lambda one: one["mass_inside"])
        told["overlap"] = over(rendered, lambda one: one["overlap"])
        told["lesion_area"] = over(rendered, lambda one: one["area"])
    return told


def main() -> None:
    """Measure and print; exit with 1 if the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", help="id or directory; the latest of DERMTWIN_HOME if not given")
    parser.add_argument("--images", type=int, default=IMAGES)
    options = parser.parse_args()
    found = measure(options.model, options.data, options.images)
    print(json.dumps(found, indent=2))
    sys.exit(0 if found["pass"] else 1)


if __name__ == "__main__":
    main()
