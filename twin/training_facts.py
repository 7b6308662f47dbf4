"""What a manifest says of a training: data, versions, and how good it was out of fold."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.evaluate import evaluate
from twin.l1_logistic import log_loss
from twin.meta import MetaStack, PathPoint
from twin.tensorflow import import_tensorflow

# A calibrated probability at 0.5 costs the fewest errors, and a threshold tuned on the same
# out-of-fold scores as the weights would flatter itself. Scenarios set another one at will.
THRESHOLD: Final = 0.5


def quality(log_odds: NDArray[np.float64], labels: NDArray[np.bool_]) -> dict[str, Any]:
    """Return metrics of out-of-fold log-odds, shape (n,); both classes occur."""
    found = evaluate(1.0 / (1.0 + np.exp(-log_odds)), labels, THRESHOLD)
    names = ("accuracy", "sensitivity", "specificity", "auc", "brier", "calibration_error")
    figures = {name: round(getattr(found, name), 6) for name in names}
    return {**figures, "log_loss": round(log_loss(log_odds, labels), 6)}


def meta_facts(
    meta: MetaStack,
    path: Sequence[PathPoint],
    log_odds: NDArray[np.float64],
    labels: NDArray[np.bool_],
) -> dict[str, Any]:
    """Return the full stack's weights, the path they were chosen from, and its held-out quality."""
    full = meta.weights_for(meta.learners)
    return {
        "penalty": meta.penalty,
        "intercept": full.intercept,
        "weights": dict(full.weights),
        "path": [
            {
                "penalty": point.penalty,
                "weights": [round(weight, 6) for weight in point.weights],
                "log_loss": round(point.log_loss, 6),
            }
            for point in path
        ],
        "out_of_fold": quality(log_odds, labels),
    }


def data_facts(
    hashes: list[bytes], labels: NDArray[np.bool_], groups: Sequence[str]
) -> dict[str, Any]:
    """Return the counts of the training set and a digest of its pixels, labels and groups."""
    total = hashlib.sha256()
    for image_hash, label, group in zip(hashes, labels, groups, strict=True):
        total.update(image_hash + (b"1" if label else b"0") + group.encode() + b"\n")
    return {
        "sha256": total.hexdigest(),
        "images": len(labels),
        "malignant": int(labels.sum()),
        "lesions": len(set(groups)),
    }


def versions() -> dict[str, str]:
    """Return versions of what fits and serves, and import it before threads need it."""
    import catboost
    import sklearn.ensemble
    import sklearn.svm
    import xgboost

    modules = (np, import_tensorflow(), sklearn, catboost, xgboost)
    return {module.__name__: str(module.__version__) for module in modules}
