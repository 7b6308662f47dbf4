"""How well descriptors of a layer tell benign from malignant: by eye, and by held-out lesions.

The paper chooses a layer by looking at t-SNE maps. A map is for looking: t-SNE keeps neighbours,
not distances or densities, its picture depends on perplexity and start, and two coordinates drop
most of what a classifier could use, so classes that overlap on a map may be separable and islands
on it may mean nothing (Wattenberg, Viégas & Johnson 2016, doi:10.23915/distill.00002). The scores
of the map are therefore reported, and the layer is chosen by the AUC of a linear classifier on
lesions that it has not seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import DataError, InvariantError
from twin.evaluate import auc

SAMPLE: Final = 1000  # images on a map, at most: t-SNE takes seconds a thousand
COMPONENTS: Final = (
    50  # principal components before t-SNE (van der Maaten & Hinton 2008, 4.2 uses 30)
)
PERPLEXITY: Final = 30.0  # in the range of 5 to 50 that its authors name
NEIGHBOURS: Final = 15  # of the k-nearest-neighbours score: assumption
FOLDS: Final = 5
_LINEAR_COMPONENTS: Final = 100  # the linear classifier's: layers of any width get the same number
_C: Final = 0.01  # inverse strength of the classifier's ridge penalty: assumption, for all layers


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSeparability:
    """Scores of one layer, and its map."""

    layer: str
    dimension: int  # of the descriptor
    explained_variance: float  # share that the principal components before t-SNE keep
    embedding: NDArray[np.float32]  # (sample, 2)
    silhouette: float  # of the two classes on the map, in [-1, 1]; 0 is no separation
    # Mean of sensitivity and specificity of k nearest neighbours on the map, each image called by
    # images of other lesions; 0.5 is chance
    knn_balanced_accuracy: float
    linear_auc: float  # of held-out lesions, all images pooled
    linear_auc_sd: float  # over folds

    def facts(self) -> dict[str, Any]:
        """Return all but the map as JSON values: `LayerSeparability(**facts, embedding=map)`."""
        return {key: getattr(self, key) for key in self.__slots__ if key != "embedding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Separability:
    """All layers, and which one each score picks."""

    sample: NDArray[np.intp]  # places of the images on the maps, sorted
    layers: tuple[LayerSeparability, ...]

    @property
    def chosen(self) -> str:
        """The layer with the highest AUC on held-out lesions."""
        return max(self.layers, key=lambda one: one.linear_auc).layer

    @property
    def tied(self) -> tuple[str, ...]:
        """Layers, the chosen one among them, whose AUC is within one standard deviation of its."""
        best = max(self.layers, key=lambda one: one.linear_auc)
        least = best.linear_auc - best.linear_auc_sd
        return tuple(one.layer for one in self.layers if one.linear_auc >= least)

    @property
    def chosen_by_map(self) -> str:
        """The layer that one would pick as the paper does, by the map's silhouette."""
        return max(self.layers, key=lambda one: one.silhouette).layer

    def facts(self) -> dict[str, Any]:
        """Return scores and choices as JSON values, without the maps."""
        return {
            "layers": {one.layer: one.facts() for one in self.layers},
            "chosen": self.chosen,
            "tied": list(self.tied),
            "chosen_by_map": self.chosen_by_map,
            "sample": len(self.sample),
            "perplexity": PERPLEXITY,
            "folds": FOLDS,
        }


def sample_of(labels: NDArray[np.bool_], seed: int, size: int = SAMPLE) -> NDArray[np.intp]:
    """Return places of a sample with the labels' own share of malignant images, sorted."""
    if len(labels) <= size:
        return np.arange(len(labels))
    stream = np.random.Generator(np.random.Philox(key=[seed, 1]))
    malignant = round(size * float(labels.mean()))
    chosen = [
        stream.choice(np.flatnonzero(labels == kind), number, replace=False)
        for kind, number in ((True, malignant), (False, size - malignant))
    ]
    return np.sort(np.concatenate(chosen))


def separability_of(
    layer: str,
    descriptors: NDArray[np.float32],
    labels: NDArray[np.bool_],
    groups: Sequence[str],
    sample: NDArray[np.intp],
    seed: int,
) -> LayerSeparability:
    """Score one layer; the same arguments give the same scores and map, bit for bit.

    Parameters:
        descriptors: shape (n, dimension).
        labels: shape (n,), True is malignant.
        groups: n names; images of one lesion share one.
        sample: places of the images on the map.

    Raises:
        InvariantError: lengths differ.
        DataError: a class has fewer lesions than there are folds.
    """
    if not len(descriptors) == len(labels) == len(groups):
        raise InvariantError(
            f"{len(descriptors)} descriptors, {len(labels)} labels, {len(groups)} groups"
        )
    from sklearn.metrics import silhouette_score

    # scikit-learn brings it; it ships no types
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):  # BLAS and OpenMP: sums depend on their threads
        embedding, explained = _map(descriptors[sample], seed)
        pooled, spread = _linear_auc(descriptors, labels, groups, seed)
        seen = labels[sample]
        silhouette = float(silhouette_score(embedding, seen))
    return LayerSeparability(
        layer=layer,
        dimension=descriptors.shape[1],
        explained_variance=explained,
        embedding=embedding,
        silhouette=silhouette,
        knn_balanced_accuracy=knn_balanced_accuracy(
            embedding, seen, [groups[place] for place in sample]
        ),
        linear_auc=pooled,
        linear_auc_sd=spread,
    )


def knn_balanced_accuracy(
    points: NDArray[np.float32],
    labels: NDArray[np.bool_],
    groups: Sequence[str],
    neighbours: int = NEIGHBOURS,
) -> float:
    """Return how well each point's neighbours call it: mean of sensitivity and specificity.

    A point of the same lesion is no neighbour. Each neighbour counts with the inverse of its
    class's size, so that the larger class does not win by its size.
    """
    _, lesion = np.unique(np.array(groups), return_inverse=True)
    far = ((points[:, None].astype(np.float64) - points[None]) ** 2).sum(-1)
    far[lesion[:, None] == lesion[None]] = np.inf
    nearest = np.argsort(far, axis=1, kind="stable")[:, :neighbours]
    weight = np.where(labels, 1 / labels.sum(), -1 / (~labels).sum())
    called = weight[nearest].sum(1) > 0
    return float((called[labels].mean() + (~called[~labels]).mean()) / 2)


def all_layers(found: Mapping[str, LayerSeparability], sample: NDArray[np.intp]) -> Separability:
    """Return the scores of all layers together, in the order given."""
    return Separability(sample=sample, layers=tuple(found.values()))


def _map(x: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float32], float]:
    """Return t-SNE's coordinates, and the share of variance that it was given."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    reduction = PCA(min(COMPONENTS, *x.shape), svd_solver="randomized", random_state=seed)
    reduced = reduction.fit_transform(StandardScaler().fit_transform(x.astype(np.float64)))
    mapping = TSNE(
        perplexity=min(PERPLEXITY, (len(x) - 1) / 3),  # it must be smaller than the sample
        init="pca",
        learning_rate="auto",
        random_state=seed,
        n_jobs=1,
    )
    embedding = mapping.fit_transform(reduced).astype(np.float32)
    return embedding, float(reduction.explained_variance_ratio_.sum())


def _linear_auc(
    x: NDArray[np.float32], labels: NDArray[np.bool_], groups: Sequence[str], seed: int
) -> tuple[float, float]:
    """Return the AUC over all held-out log-odds, and its standard deviation over folds."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for kind, name in ((True, "malignant"), (False, "benign")):
        lesions = len({group for group, one in zip(groups, labels, strict=True) if one == kind})
        if lesions < FOLDS:
            raise DataError("training data", f"{lesions} {name} lesions for {FOLDS} folds")
    held_out = np.empty(len(labels))
    by_fold = []
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for seen, unseen in splitter.split(x, labels, groups):
        components = min(_LINEAR_COMPONENTS, len(seen) - 1, x.shape[1])
        model = make_pipeline(
            StandardScaler(),
            PCA(components, svd_solver="randomized", random_state=seed),
            LogisticRegression(C=_C, max_iter=1000),
        )
        model.fit(x[seen], labels[seen])
        held_out[unseen] = model.decision_function(x[unseen])
        here = auc(held_out[unseen], labels[unseen])
        if here is not None:
            by_fold.append(here)
    pooled = auc(held_out, labels)
    assert pooled is not None, "both classes have lesions"
    return pooled, float(np.std(by_fold))
