"""The six base learners in the paper's order, with their settings, as one table."""

from collections.abc import Mapping
from typing import Final

from twin.learners.catboost_learner import fit_catboost, load_catboost
from twin.learners.contract import Learner, Range
from twin.learners.forests import (
    fit_gradient_boosting,
    fit_random_forest,
    load_gradient_boosting,
    load_random_forest,
)
from twin.learners.knn import fit_knn, load_knn
from twin.learners.svm import fit_svm, load_svm
from twin.learners.xgboost_learner import fit_xgboost, load_xgboost

# Defaults were chosen by lesion-grouped cross-validated AUC on the training part of the paper's
# split; the ranges are where that search looked, and where a later one may.
_TABLE: Final = (
    Learner(
        name="catboost",
        file="catboost.npz",
        fit=fit_catboost,
        load=load_catboost,
        defaults={
            "iterations": 600,
            "depth": 6,
            "learning_rate": 0.06,
            "l2_leaf_reg": 10,
            "rsm": 0.1,
            "subsample": 0.7,
            "border_count": 32,
        },
        quick={"iterations": 120, "depth": 4},
        full={},
        search={
            "iterations": Range(low=100, high=800, whole=True),
            "depth": Range(low=3, high=8, whole=True),
            "learning_rate": Range(low=0.02, high=0.3, log=True),
            "rsm": Range(low=0.05, high=1.0, log=True),
        },
        cost=3.0,
    ),
    Learner(
        name="xgboost",
        file="xgboost.npz",
        fit=fit_xgboost,
        load=load_xgboost,
        defaults={
            "rounds": 600,
            "max_depth": 4,
            "eta": 0.06,
            "colsample_bynode": 0.1,
            "subsample": 0.7,
            "max_bin": 64,
        },
        quick={"rounds": 120, "max_depth": 3},
        full={},
        search={
            "rounds": Range(low=100, high=800, whole=True),
            "max_depth": Range(low=2, high=8, whole=True),
            "eta": Range(low=0.02, high=0.3, log=True),
            "colsample_bynode": Range(low=0.05, high=1.0, log=True),
        },
        cost=3.0,
    ),
    Learner(
        name="svm",
        file="svm.npz",
        fit=fit_svm,
        load=load_svm,
        defaults={"C": 5.0, "gamma": 0.7, "dimensions": 200},
        quick={"dimensions": 40},
        full={"relevance": 1.0},
        search={
            "C": Range(low=0.3, high=100, log=True),
            "gamma": Range(low=0.1, high=3, log=True),
            "dimensions": Range(low=20, high=400, log=True, whole=True),
            "relevance": Range(low=0.0, high=2.0),
        },
        cost=0.5,
    ),
    Learner(
        name="random_forest",
        file="random_forest.npz",
        fit=fit_random_forest,
        load=load_random_forest,
        defaults={"n_estimators": 200, "max_features": "sqrt", "min_samples_leaf": 3},
        quick={"n_estimators": 100},
        full={},
        search={
            "n_estimators": Range(low=100, high=600, whole=True),
            "min_samples_leaf": Range(low=1, high=10, whole=True),
        },
        cost=4.0,
    ),
    Learner(
        name="gradient_boosting",
        file="gradient_boosting.npz",
        fit=fit_gradient_boosting,
        load=load_gradient_boosting,
        defaults={
            "n_estimators": 300,
            "max_depth": 5,
            "learning_rate": 0.07,
            "max_features": 0.02,
            "subsample": 0.5,
            "min_samples_leaf": 5,
        },
        quick={"n_estimators": 80, "max_depth": 3},
        full={},
        search={
            "n_estimators": Range(low=100, high=600, whole=True),
            "max_depth": Range(low=2, high=6, whole=True),
            "learning_rate": Range(low=0.02, high=0.3, log=True),
        },
        cost=2.0,
    ),
    Learner(
        name="knn",
        file="knn.npz",
        fit=fit_knn,
        load=load_knn,
        defaults={"neighbours": 20, "dimensions": 100},
        quick={"dimensions": 40},
        full={"relevance": 1.0},
        search={
            "neighbours": Range(low=3, high=60, whole=True),
            "dimensions": Range(low=10, high=400, log=True, whole=True),
            "relevance": Range(low=0.0, high=2.0),
        },
        cost=0.2,
    ),
)

LEARNERS: Final[Mapping[str, Learner]] = {learner.name: learner for learner in _TABLE}
