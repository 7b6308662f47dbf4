"""CatBoost (Prokhorenkova et al. 2018), kept in its own .cbm format."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import ArtefactError
from twin.learners.contract import Features, Fitted, Labels, Scores, Settings, to_scores


class CatBoost:
    """A fitted CatBoost model.

    Parameters:
        model: a catboost.CatBoost.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - CatBoost ships no types
        self._model = model

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`."""
        if not len(x):
            return np.empty(0)
        return to_scores(
            self._model.predict(
                np.ascontiguousarray(x), prediction_type="RawFormulaVal", thread_count=1
            )
        )

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`. CatBoost writes files only, so a temporary one is read back."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            self._model.save_model(str(path), format="cbm")
            return path.read_bytes()


def fit_catboost(x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:
    """Boost symmetric trees on the logistic loss."""
    import catboost

    model = catboost.CatBoost(
        {
            "loss_function": "Logloss",
            "random_seed": seed,
            "thread_count": 1,
            "verbose": False,
            "allow_writing_files": False,
            "bootstrap_type": "Bernoulli",
            **settings,
        }
    )
    model.fit(np.ascontiguousarray(x), y.astype(np.int8))
    metadata = model.get_metadata()
    # The time of day and a random id would give the same training another model id.
    for key in ("train_finish_time", "model_guid"):
        metadata[key] = ""
    return CatBoost(model)


def load_catboost(content: bytes) -> Fitted:
    """Read a model back.

    Raises:
        ArtefactError: the bytes are no .cbm model.
    """
    import catboost

    model = catboost.CatBoost()
    try:
        model.load_model(blob=content)
    except catboost.CatBoostError as error:
        raise ArtefactError("catboost.cbm", f"CatBoost cannot read it: {error}") from error
    return CatBoost(model)
