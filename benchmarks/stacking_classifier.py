"""One fit of scikit-learn's StackingClassifier with the pipeline's learners and settings.

Features are made up, with the real width: correlated normal numbers that tell the classes apart by
a little. The libraries' own estimators with the settings of `twin/learners/registry.py`, each
behind a StandardScaler as in the paper, five folds, an L1 logistic regression on top, one thread
each. What differs is to the refit's advantage: the SVM has no sigmoid (three fits less) and its
decision is stacked; the penalty is given and not searched for; stem features are not computed.

Prints a line of JSON at the beginning and after each fit of a base learner.
"""

import argparse
import json
import resource
import time
from typing import Any, Final

import numpy as np
from catboost import CatBoostClassifier
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from twin.features import FEATURES
from twin.learners.registry import LEARNERS
from twin.training import FULL

_FILTERS: Final = 27  # of the analytic stem
_PENALTY: Final = 0.01  # as training usually chooses
_FACTORS: Final = 60  # that features share
Features = NDArray[np.float32]


class ToldPipeline(Pipeline):  # type: ignore[misc]  # scikit-learn ships no types
    """A pipeline that says when it was fitted."""

    def fit(self, x: Any, y: Any = None, **more: Any) -> "ToldPipeline":
        """Fit, and print a line."""
        started_s = time.perf_counter()
        super().fit(x, y, **more)
        took_s = round(time.perf_counter() - started_s, 1)
        print(json.dumps({"fit": type(self[-1]).__name__, "rows": len(y), "s": took_s}), flush=True)
        return self


def main() -> None:
    """Fit once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, required=True)
    parser.add_argument("--limit", type=float, required=True, help="processor seconds")
    asked = parser.parse_args()
    width = FEATURES[FULL.analytic_features].dimension(_FILTERS)
    x, malignant = made_up(asked.cases, width)
    stack = stacking_classifier(x)
    before_s = time.process_time()
    begin = {"features": width, "fits_wanted": len(LEARNERS) * (FULL.folds + 1)}
    print(json.dumps({**begin, "before_s": before_s}), flush=True)
    # The system ends the process with SIGXCPU.
    most_s = round(before_s + asked.limit)
    resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s + 5))
    stack.fit(x, malignant)
    print(json.dumps({"done_s": time.process_time() - before_s}), flush=True)


def made_up(cases: int, width: int) -> tuple[Features, NDArray[np.bool_]]:
    """Return features, shape (n, width), and labels, shape (n,)."""
    draws = np.random.default_rng(3)
    malignant = draws.random(cases) < 0.4
    factors = draws.normal(size=(cases, _FACTORS)) + 0.25 * malignant[:, None]
    x = factors @ draws.normal(size=(_FACTORS, width)) / _FACTORS**0.5
    return (x + draws.normal(0.0, 0.5, x.shape)).astype(np.float32), malignant


def stacking_classifier(x: Features) -> StackingClassifier:
    """Return the stack, not fitted."""
    return StackingClassifier(
        [
            (name, ToldPipeline([("scale", StandardScaler()), *steps]))
            for name, steps in _steps(x).items()
        ],
        final_estimator=LogisticRegression(
            l1_ratio=1.0, solver="liblinear", C=1.0 / (_PENALTY * len(x))
        ),
        cv=FULL.folds,
    )


def _steps(x: Features) -> dict[str, list[tuple[str, Any]]]:
    """Return what follows the standardisation, by learner."""
    told: dict[str, dict[str, Any]] = {k: dict(v) for k, v in FULL.learners.items()}
    xgboost, svm, knn = told["xgboost"], told["svm"], told["knn"]
    xgboost = {"n_estimators": xgboost.pop("rounds"), **xgboost}
    xgboost["learning_rate"] = xgboost.pop("eta")
    return {
        "catboost": [
            (
                "learner",
                CatBoostClassifier(
                    bootstrap_type="Bernoulli",
                    thread_count=1,
                    verbose=False,
                    allow_writing_files=False,
                    random_seed=0,
                    **told["catboost"],
                ),
            )
        ],
        "xgboost": [
            ("learner", XGBClassifier(tree_method="hist", n_jobs=1, random_state=0, **xgboost))
        ],
        "svm": [
            ("axes", PCA(svm["dimensions"], random_state=0)),
            ("learner", SVC(C=svm["C"], gamma=_gamma(x, svm), cache_size=200)),
        ],
        "random_forest": [
            ("learner", RandomForestClassifier(n_jobs=1, random_state=0, **told["random_forest"]))
        ],
        "gradient_boosting": [
            ("learner", GradientBoostingClassifier(random_state=0, **told["gradient_boosting"]))
        ],
        "knn": [
            ("axes", PCA(knn["dimensions"], random_state=0)),
            ("learner", KNeighborsClassifier(knn["neighbours"], weights="distance")),
        ],
    }


def _gamma(x: Features, svm: dict[str, Any]) -> float:
    """Return the kernel's width as twin/learners/svm.py has it: over dimensions times variance."""
    axes = PCA(svm["dimensions"], random_state=0)
    seen = axes.fit_transform(StandardScaler().fit_transform(x))
    return float(svm["gamma"] / (seen.shape[1] * seen.var()))


if __name__ == "__main__":
    main()
