"""How fast lesions are rendered: images per second on one and on two cores, and where time goes.

Gate: at least 100 images of 224 × 224 per second on two cores. Machines differ and others share
them, so every figure is also given as a ratio to a yardstick measured in the same turn: decoding
a JPEG of the same size.
"""

import io
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from PIL import Image

from simulator.cases.population import Population
from twin.dermoscopy import camera, optics, outline, pigment, skin, structures, surface
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.render import render
from twin.dermoscopy.textures import EDGE_PX

_IMAGES: Final = 120
_GATE_PER_S: Final = 100.0
_QUALITY: Final = 90
# Where time goes: the parts of a picture, by the functions that make them.
_STAGES: Final = {
    "outline": (outline, ("depth_of", "inside_of")),
    "pigment": (pigment, ("pigment_of",)),
    "skin": (skin, ("skin_of",)),
    "structures": (
        structures,
        (
            *("veil_of", "scar_of", "white_patch_of", "ulcer_of"),
            *("scale_of", "arbors_of", "lacunae_of", "milia_of"),
        ),
    ),
    "optics": (optics, ("light_of", "cover")),
    "surface": (surface, ("hairs_of", "bubbles_of", "glare_of", "ruler_of")),
    "camera": (camera, ("photograph",)),
}


def measure(rounds: int) -> dict[str, Any]:
    """Take turns between yardstick, one core and two."""
    recipes = _recipes(_IMAGES)
    for recipe in recipes[:5]:  # once for what is computed at first use
        render(recipe)
    jpeg = _jpeg(render(recipes[0]))
    seen: dict[str, list[float]] = {"yardstick": [], "one": [], "two": []}
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_render_all, [recipes[:5], recipes[5:10]], chunksize=1)
        for _ in range(rounds):
            seen["yardstick"].append(_per_s(lambda: _decode_all(jpeg, 4 * _IMAGES), 4 * _IMAGES))
            seen["one"].append(_per_s(lambda: _render_all(recipes), _IMAGES))
            halves = [recipes[::2], recipes[1::2]]
            seen["two"].append(
                _per_s(lambda: pool.map(_render_all, halves, chunksize=1), _IMAGES)  # noqa: B023
            )
    best = max(seen["two"])
    pairs = list(zip(seen["one"], seen["two"], seen["yardstick"], strict=True))
    return {
        "one_core_images_per_s": statistics.median(seen["one"]),
        "two_cores_images_per_s": statistics.median(seen["two"]),
        "two_cores_best_images_per_s": best,
        "yardstick_images_per_s": statistics.median(seen["yardstick"]),
        "one_core_x_yardstick": statistics.median(one / base for one, _, base in pairs),
        "two_cores_x_one": statistics.median(two / one for one, two, _ in pairs),
        **_shares(recipes),
        "cores": os.cpu_count(),
        "gate": f"best of two cores >= {_GATE_PER_S:g} images/s",
        "pass": best >= _GATE_PER_S,
    }


def _recipes(count: int) -> list[LesionRecipe]:
    clinic = Population(
        prevalence=0.3, skin_tone={"I-II": 0.6, "III-IV": 0.4}, age_mean=52.0, age_sd=17.0
    )
    return [clinic.draw(1, 0, f"b{index}").image.recipe for index in range(count)]


def _render_all(recipes: Sequence[LesionRecipe]) -> int:
    return sum(int(render(recipe)[0, 0, 0]) for recipe in recipes)


def _jpeg(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _decode_all(jpeg: bytes, count: int) -> None:
    for _ in range(count):
        assert np.array(Image.open(io.BytesIO(jpeg))).shape == (EDGE_PX, EDGE_PX, 3)


def _per_s(work: Callable[[], object], images: int) -> float:
    started_s = time.perf_counter()
    work()
    return images / (time.perf_counter() - started_s)


def _shares(recipes: Sequence[LesionRecipe]) -> dict[str, float]:
    """Return the share of each stage, by a profiler that counts functions once entered."""
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(_render_all, recipes)
    stats = pstats.Stats(profile)
    taken = {
        (path, function): cumulative
        for (path, _, function), (_, _, _, cumulative, _) in stats.stats.items()  # type: ignore[attr-defined]
    }
    total = stats.total_tt  # type: ignore[attr-defined]
    return {
        f"share_{stage}": sum(taken.get((module.__file__, name), 0.0) for name in names) / total
        for stage, (module, names) in _STAGES.items()
    }
