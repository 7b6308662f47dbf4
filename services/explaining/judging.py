"""Judges maps of an image: deletion and insertion of every explainer against random maps."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.cases.datasets import LabelledImage
from twin.explain.explainer import Explainer
from twin.explain.faithfulness import faithfulness
from twin.explain.fillings import blurred
from twin.explain.maps import Map, Pixels

Judged = dict[str, dict[str, float]]  # method -> areas, mean log-odds in nats

_SEED: Final = 20261130
_RESAMPLES: Final = 2000


def balanced(images: Sequence[LabelledImage], count: int) -> list[LabelledImage]:
    """Return as many of both classes, in turns, drawn without replacement."""
    order = np.random.default_rng(_SEED).permutation(len(images)).tolist()
    classes = [[images[i] for i in order if images[i].malignant is kind] for kind in (True, False)]
    return [one for pair in zip(*classes, strict=False) for one in pair][:count]


def judge(
    explainer: Explainer,
    pixels: Pixels,
    maps: Mapping[str, Map],
    *,
    seed: int,
    steps: int,
    random_maps: int,
) -> Judged:
    """Return the areas of each map and of random maps that are as smooth as it is.

    Parameters:
        pixels: the image that the maps are of.
        seed: of the random maps.
        steps: of each curve.
        random_maps: how many for each map.
    """
    score, filling = explainer.score(), blurred(pixels)
    found = {}
    for name, one in maps.items():
        check = faithfulness(pixels, one, score, filling, seed=seed, steps=steps, count=random_maps)
        found[name] = {
            "deletion": check.deletion_area,
            "random_deletion": check.random_deletion_area,
            "insertion": check.insertion_area,
            "random_insertion": check.random_insertion_area,
        }
    return found


def verdict(found: Sequence[Mapping[str, float]], groups: Sequence[str]) -> dict[str, Any]:
    """Return what one method's areas over images say, means with intervals over lesions.

    Parameters:
        found: areas by image, as `judge` gives them.
        groups: lesion of each image.
    """

    def over(values: list[float]) -> dict[str, float]:
        return interval(values, groups)

    return {
        "deletion_beats_random": over(
            [float(one["deletion"] < one["random_deletion"]) for one in found]
        ),
        "insertion_beats_random": over(
            [float(one["insertion"] > one["random_insertion"]) for one in found]
        ),
        "deletion": over([one["deletion"] for one in found]),
        "deletion_less_random": over([one["deletion"] - one["random_deletion"] for one in found]),
        "insertion": over([one["insertion"] for one in found]),
        "insertion_less_random": over(
            [one["insertion"] - one["random_insertion"] for one in found]
        ),
    }


def interval(values: Sequence[float], groups: Sequence[str]) -> dict[str, float]:
    """Return the mean with its 95 % interval: percentiles over resampled lesions."""
    names = sorted(set(groups))
    place = {group: number for number, group in enumerate(names)}
    sums, counts = np.zeros(len(names)), np.zeros(len(names))
    for value, group in zip(values, groups, strict=True):
        sums[place[group]] += value
        counts[place[group]] += 1
    draws = np.random.default_rng(_SEED).integers(len(names), size=(_RESAMPLES, len(names)))
    means: NDArray[np.float64] = sums[draws].sum(1) / counts[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5]).tolist()
    return {"mean": float(np.mean(values)), "low": low, "high": high}
