"""How two sets of answers differ, with intervals that know which lesions they share.

Lesions of both sets are drawn together. Where both hold the same images the difference is paired,
where they hold different lesions it is not, and where they overlap it is in part: one way for all.
"""

from collections.abc import Mapping

import numpy as np

from twin.evaluation.measured import Answers, Figure, figure
from twin.evaluation.resampling import RESAMPLES, Floats, lesion_weights, weighted_figures


def difference(
    first: Answers, second: Answers, threshold: float, *, resamples: int = RESAMPLES, seed: int = 0
) -> Mapping[str, Figure]:
    """Return each figure of the first set minus that of the second, with 95 % intervals.

    The calibration error is not among them: its bias differs with the number of cases.

    >>> a = Answers(np.array([0.9, 0.2]), np.array([True, False]), ["a", "b"])
    >>> difference(a, a, 0.5)["accuracy"]
    Figure(value=0.0, low=0.0, high=0.0)
    """
    count = len(first.lesions)
    spread: dict[str, list[Floats]] = {}
    for weights in lesion_weights([*first.lesions, *second.lesions], resamples, seed):
        for name, values in _difference(
            first, second, threshold, weights[:, :count], weights[:, count:]
        ).items():
            spread.setdefault(name, []).append(values)
    ones = np.ones((1, count)), np.ones((1, len(second.lesions)))
    point = _difference(first, second, threshold, *ones)
    return {
        name: figure(float(point[name][0]), np.concatenate(values))
        for name, values in spread.items()
    }


def _difference(
    first: Answers, second: Answers, threshold: float, ours: Floats, theirs: Floats
) -> dict[str, Floats]:
    a = weighted_figures(first.p_malignant, first.malignant, ours, threshold)
    b = weighted_figures(second.p_malignant, second.malignant, theirs, threshold)
    return {name: a[name] - b[name] for name in a if name != "calibration_error"}
