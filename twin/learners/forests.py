"""Random forest (Breiman 2001) and gradient boosting (Friedman 2001).

scikit-learn fits them; both are then sums of trees that NumPy evaluates.
"""

from dataclasses import dataclass

import numpy as np

from twin.arrays import pack, unpack
from twin.ensembles import Trees, from_arrays, from_nodes
from twin.learners.contract import Features, Fitted, Labels, Scores, Settings, to_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomForest:
    """Trees whose sum counts votes for malignant."""

    trees: Trees

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`. Votes are smoothed by half a vote for each side (Jeffreys)."""
        votes = self.trees.sum(x)
        against = len(self.trees.roots) - votes
        return to_scores(np.log(votes + 0.5) - np.log(against + 0.5))

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        return pack(self.trees.to_arrays())


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientBoosting:
    """Trees whose sum, from a start, is the log-odds."""

    trees: Trees
    start: float  # log-odds of the training set's prevalence, nats

    def score(self, x: Features) -> Scores:
        """See `Fitted.score`."""
        return to_scores(self.start + self.trees.sum(x))

    def to_bytes(self) -> bytes:
        """See `Fitted.to_bytes`."""
        return pack({**self.trees.to_arrays(), "start": np.array(self.start)})


def fit_random_forest(x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:
    """Grow trees on bootstrap samples; a leaf votes with its share of malignant samples."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(random_state=seed, n_jobs=1, **settings).fit(x, y)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    return RandomForest(trees=from_nodes(trees, [tree.value[:, 0, 1] for tree in trees]))


def fit_gradient_boosting(x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:
    """Boost regression trees on the logistic loss."""
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(random_state=seed, **settings).fit(x, y)
    prevalence = y.mean()  # where scikit-learn starts too, in an attribute out of sight
    trees = [estimator.tree_ for estimator in model.estimators_[:, 0]]
    return GradientBoosting(
        trees=from_nodes(trees, [model.learning_rate * tree.value[:, 0, 0] for tree in trees]),
        start=float(np.log(prevalence / (1 - prevalence))),
    )


def load_random_forest(content: bytes) -> Fitted:
    """Read a forest back.

    Raises:
        ArtefactError: the bytes are no file of arrays.
    """
    return RandomForest(trees=from_arrays(unpack(content, "random_forest.npz")))


def load_gradient_boosting(content: bytes) -> Fitted:
    """Read a model back.

    Raises:
        ArtefactError: the bytes are no file of arrays.
    """
    arrays = unpack(content, "gradient_boosting.npz")
    return GradientBoosting(trees=from_arrays(arrays), start=float(arrays["start"]))
