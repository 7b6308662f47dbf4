"""XGBoost (Chen & Guestrin 2016): the library fits, NumPy evaluates its trees."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from twin.arrays import pack, unpack
from twin.ensembles import Trees, from_arrays, from_nodes
from twin.learners.contract import Features, Fitted, Labels, Scores, Settings, to_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class XGBoost:
    """Trees whose sum in single precision, from a start, is the log-odds."""

    trees: Trees
    start: float  # nats

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`."""
        return to_scores(self.trees.sum_in_turn(x, self.start))

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        return pack({**self.trees.to_arrays(), "start": np.array(self.start)})


def fit_xgboost(x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:
    """Boost histogram trees on the logistic loss."""
    import xgboost

    learning = dict(settings)
    rounds = learning.pop("rounds")
    data = xgboost.DMatrix(np.ascontiguousarray(x), label=y.astype(np.float32), nthread=1)
    booster = xgboost.train(
        {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "seed": seed,
            "nthread": 1,
            "verbosity": 0,
            **learning,
        },
        data,
        num_boost_round=rounds,
    )
    return taken_apart(booster)


def taken_apart(booster: Any) -> XGBoost:  # noqa: ANN401 - XGBoost ships no types
    """Return a fitted xgboost.Booster as arrays."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    prevalence = np.ravel(json.loads(learner["learner_model_param"]["base_score"])).item()
    tables, values = [], []
    for tree in learner["gradient_booster"]["model"]["trees"]:
        number = np.array(tree["split_conditions"], np.float32)  # a leaf's value stands there, too
        tables.append(
            SimpleNamespace(
                children_left=np.array(tree["left_children"]),
                children_right=np.array(tree["right_children"]),
                feature=np.array(tree["split_indices"]),
                # Its x < t goes left, our x > t goes right: one number lower decides the same.
                threshold=np.nextafter(number, np.float32(-np.inf)),
            )
        )
        values.append(number.astype(np.float64))
    start = float(np.log(prevalence / (1 - prevalence)))
    return XGBoost(trees=from_nodes(tables, values), start=start)


def load_xgboost(content: bytes) -> Fitted:
    """Read a model back.

    Raises:
        ArtefactError: the bytes are no file of arrays.
    """
    arrays = unpack(content, "xgboost.npz")
    return XGBoost(trees=from_arrays(arrays), start=float(arrays["start"]))
