import json
from dataclasses import replace

import numpy as np
import pytest

from twin.errors import DataError, InvariantError
from twin.mobilenet.separability import (
    LayerSeparability,
    all_layers,
    knn_balanced_accuracy,
    sample_of,
    separability_of,
)


def material(apart: float, count: int = 120):
    stream = np.random.default_rng(4)
    labels = np.arange(count) % 3 == 0
    x = stream.normal(size=(count, 8)).astype(np.float32)
    x[labels, 0] += apart
    return x, labels, [f"lesion {place}" for place in range(count)]


def scored(layer: str, apart: float, seed: int = 0):
    x, labels, groups = material(apart)
    return separability_of(layer, x, labels, groups, np.arange(len(x)), seed)


def test_the_more_separable_layer_is_chosen() -> None:
    found = all_layers({"near": scored("near", 0), "far": scored("far", 8)}, np.arange(120))
    near, far = found.layers
    assert (found.chosen, found.chosen_by_map) == ("far", "far")
    assert found.tied == ("far",)
    assert replace(
        found,
        layers=(replace(near, linear_auc=0.9), replace(far, linear_auc=0.91, linear_auc_sd=0.02)),
    ).tied == ("near", "far")
    assert far.linear_auc > 0.99
    assert 0.3 < near.linear_auc < 0.7
    assert far.silhouette > near.silhouette + 0.2
    assert far.knn_balanced_accuracy > 0.8
    facts = json.loads(json.dumps(found.facts()))["layers"]["far"]
    assert LayerSeparability(**facts, embedding=far.embedding) == far


def test_a_map_is_its_seeds() -> None:
    one, same, other = scored("a", 2), scored("a", 2), scored("a", 2, seed=1)
    assert one.embedding.tobytes() == same.embedding.tobytes()
    assert one.linear_auc == same.linear_auc
    assert one.embedding.shape == (120, 2)
    assert one.linear_auc != other.linear_auc  # its folds are the seed's as well


def test_images_of_one_lesion_cannot_vouch_for_each_other() -> None:
    """Each lesion lies alone with a twin picture of itself: only that one would call it right."""
    stream = np.random.default_rng(0)
    lesions = stream.normal(size=(60, 6)).astype(np.float32) * 10
    x = lesions.repeat(2, axis=0) + stream.normal(size=(120, 6)).astype(np.float32) * 1e-3
    labels = (stream.random(60) < 0.5).repeat(2)
    groups = [f"lesion {place // 2}" for place in range(120)]
    points = x[:, :2]
    alone = [str(place) for place in range(120)]
    assert knn_balanced_accuracy(points, labels, alone, neighbours=1) == 1.0
    assert knn_balanced_accuracy(points, labels, groups, neighbours=1) < 0.7
    grouped = separability_of("a", x, labels, groups, np.arange(120), 0)
    assert grouped.linear_auc < 0.7


def test_a_sample_keeps_the_share_of_malignant_images() -> None:
    labels = np.arange(1000) < 300
    sample = sample_of(labels, seed=0, size=100)
    assert len(set(sample.tolist())) == 100
    assert labels[sample].sum() == 30
    assert (np.diff(sample) > 0).all()
    assert sample_of(labels, seed=0, size=100).tolist() == sample.tolist()
    assert sample_of(labels, seed=1, size=100).tolist() != sample.tolist()
    assert len(sample_of(labels, seed=0, size=5000)) == 1000


def test_too_few_lesions_are_an_error() -> None:
    x, labels, groups = material(0)
    with pytest.raises(DataError, match="2 malignant lesions for 5 folds"):
        separability_of("a", x, labels, [str(p % 6) for p in range(120)], np.arange(120), 0)
    with pytest.raises(InvariantError, match="119 labels"):
        separability_of("a", x, labels[1:], groups, np.arange(120), 0)
