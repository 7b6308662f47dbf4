"""What missing learners cost on the training images, scored out of fold.

Every training image has the scores of all learners from folds that did not see it, so the stack
without some learners and the full one answer the same images. Only the few weights of the stacks,
and the operating point, have seen them.
"""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import numpy as np

from simulator.analysis.frames import Mask
from simulator.analysis.intervals import replication_interval
from simulator.analysis.tally import tally
from twin.meta import MetaStack
from twin.reference import Reference


def mask_cost(
    reference: Reference,
    meta: MetaStack,
    threshold: float,
    missing: Collection[str],
    confidence: float,
) -> dict[str, Any]:
    """Return figures by all learners and without some, and the paired differences.

    Parameters:
        threshold: operating point on p_malignant, of both.
        missing: learners that give no scores.

    Differences of sensitivity and specificity have Student's interval over images; that of the
    area under the ROC curve has none.
    """
    columns = dict(zip(meta.learners, reference.log_odds.T, strict=True))
    columns |= {f"input.{place}": column for place, column in enumerate(reference.sketch.T)}
    full = meta.probability(columns)
    less = meta.probability({name: one for name, one in columns.items() if name not in missing})
    ill = reference.malignant
    both = {
        "full": tally(ill, full >= threshold, full),
        "without": tally(ill, less >= threshold, less),
    }
    areas = [both[key].figure("auc") or 0.0 for key in ("without", "full")]
    return {
        "images": len(ill),
        "malignant": int(ill.sum()),
        **{
            key: {name: one.figure(name) for name in ("sensitivity", "specificity", "auc")}
            for key, one in both.items()
        },
        "sensitivity": _difference(less >= threshold, full >= threshold, ill, confidence),
        "specificity": _difference(less < threshold, full < threshold, ~ill, confidence),
        "auc": {"mean": areas[0] - areas[1], "low": None, "high": None},
    }


def _difference(less: Mask, full: Mask, among: Mask, confidence: float) -> dict[str, Any]:
    apart = less[among].astype(np.float64) - full[among].astype(np.float64)
    return asdict(replication_interval(apart.tolist(), confidence))
