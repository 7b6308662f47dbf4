"""XGBoost (Chen & Guestrin 2016), kept in its own UBJSON format."""

import sys
from typing import Any

import numpy as np

from twin.errors import ArtefactError
from twin.learners.contract import Features, Fitted, Labels, Scores, Settings, to_scores


class XGBoost:
    """A fitted XGBoost model.

    Parameters:
        booster: an xgboost.Booster.
    """

    def __init__(self, booster: Any) -> None:  # noqa: ANN401 - XGBoost ships no types
        booster.set_param({"nthread": 1})
        self._booster = booster

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`."""
        if not len(x):
            return np.empty(0)
        return to_scores(
            self._booster.inplace_predict(np.ascontiguousarray(x), predict_type="margin")
        )

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        return bytes(self._booster.save_raw("ubj"))


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
    return XGBoost(booster)


def load_xgboost(content: bytes) -> Fitted:
    """Read a model back.

    Raises:
        ArtefactError: the bytes are no UBJSON model.
    """
    xgboost = _import_without_wrappers()
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(content))
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
        raise ArtefactError("xgboost.ubj", f"XGBoost cannot read it: {error}") from error
    return XGBoost(booster)


def _import_without_wrappers() -> Any:  # noqa: ANN401 - XGBoost ships no types
    """Import XGBoost; where scikit-learn was not imported yet, without its wrappers for it.

    XGBoost imports scikit-learn, and with it pandas, whenever it finds them: three of its four
    seconds. Serving needs neither. A module that is None counts as not installed.
    """
    absent = "sklearn" not in sys.modules
    if absent:
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # what the import system reads
    try:
        import xgboost
    finally:
        if absent:
            del sys.modules["sklearn"]
    return xgboost
