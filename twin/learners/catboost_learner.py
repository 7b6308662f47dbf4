"""CatBoost (Prokhorenkova et al. 2018): the library fits, NumPy evaluates its trees."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.arrays import pack, unpack
from twin.learners.contract import Features, Fitted, Labels, Scores, Settings, to_scores
from twin.oblivious import ObliviousTrees, from_arrays, from_catboost


@dataclass(frozen=True, slots=True, kw_only=True)
class CatBoost:
    """Symmetric trees whose sum, from a start, is the log-odds."""

    trees: ObliviousTrees
    start: float  # nats

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`."""
        return to_scores(self.start + self.trees.sum(x))

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        return pack({**self.trees.to_arrays(), "start": np.array(self.start)})


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
    return taken_apart(model)


def taken_apart(model: Any) -> CatBoost:  # noqa: ANN401 - CatBoost ships no types
    """Return a fitted catboost.CatBoost as arrays. It exports to files only, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        exported = json.loads(path.read_bytes())
    scale, (start,) = exported["scale_and_bias"]
    return CatBoost(trees=from_catboost(exported["oblivious_trees"], scale), start=start)


def load_catboost(content: bytes) -> Fitted:
    """Read a model back.

    Raises:
        ArtefactError: the bytes are no file of arrays.
    """
    arrays = unpack(content, "catboost.npz")
    return CatBoost(trees=from_arrays(arrays), start=float(arrays["start"]))
