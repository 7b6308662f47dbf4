import json
from dataclasses import replace

import numpy as np
import pytest

from services.reproduce.figures_mobilenet import (
    costs_figure,
    costs_table,
    curve_figure,
    layers_table,
    map_choice,
    separability_figure,
    separability_table,
)
from simulator.report.figures import chosen, drawn
from twin.mobilenet.architecture import CONVOLUTIONS
from twin.mobilenet.costs import LayerTime, Times, costs
from twin.mobilenet.separability import LayerSeparability, Separability
from twin.mobilenet.tuned import Epoch, Tuned, TuningSettings

LABELS = np.array([False, True, True, False, True])


def separability() -> Separability:
    one = LayerSeparability(
        layer="Conv1_relu",
        dimension=1024,
        explained_variance=0.9,
        embedding=np.array([[0, 0], [1, 1], [2, 0], [3, 1]], np.float32),
        silhouette=0.2,
        knn_balanced_accuracy=0.7,
        linear_auc=0.85,
        linear_auc_sd=0.02,
    )
    other = replace(one, layer="block_1_project_BN", silhouette=0.1, linear_auc=0.9)
    return Separability(sample=np.array([0, 1, 2, 4]), layers=(one, other))


def block_times() -> Times:
    blocks = {one.name: one.block for one in costs().layers}
    layers = tuple(
        LayerTime(
            name=one.name,
            block=blocks[one.name],
            median_s=1e-3,
            share=1 / len(CONVOLUTIONS),
            multiply_adds_per_s=5e9,
        )
        for one in CONVOLUTIONS
    )
    return Times(layers=layers, sum_s=0.052, whole_s=0.010, repeats=15)


def tuned() -> Tuned:
    one = Epoch(
        number=1,
        learning_rate=1e-3,
        train_loss=0.5,
        train_accuracy=0.7,
        validation_loss=0.4,
        validation_accuracy=0.8,
        validation_auc=0.9,
    )
    return Tuned(
        arrays={},
        settings=TuningSettings(),
        seed=0,
        curve=(one, replace(one, number=2, validation_loss=0.3)),
        best_epoch=2,
        training_images=85,
        validation=tuple(range(15)),
    )


def test_the_chosen_layers_map_comes_first_and_splits_the_classes() -> None:
    choice = map_choice(separability(), LABELS)
    assert list(choice.figures) == ["block_1_project_BN", "Conv1_relu"]
    benign, malignant = choice.figures["Conv1_relu"].data
    assert (benign["name"], benign["x"], benign["y"]) == ("benign", [0.0], [0.0])
    assert (malignant["name"], malignant["x"]) == ("malignant", [1.0, 2.0, 3.0])
    assert "silhouette" in choice.figures["Conv1_relu"].caption.lower()
    assert "t-SNE of Conv1_relu" in chosen(choice)


def test_scores_say_which_layer_is_chosen_and_which_one_the_map_would_pick() -> None:
    figure = separability_figure(separability())
    assert "block_1_project_BN has the highest AUC" in figure.caption
    assert "it would be Conv1_relu" in figure.caption
    assert "0 other layers are within" in figure.caption  # 0.85 is below 0.9 - 0.02
    assert figure.data[0]["y"] == [0.85, 0.9]
    assert separability_table(separability()).count("chosen") == 1


def test_the_curve_shows_both_parts_and_marks_the_epoch_that_is_kept() -> None:
    figure = curve_figure(tuned())
    assert [line["name"] for line in figure.data] == [
        "training loss",
        "validation loss",
        "training accuracy",
        "validation accuracy",
    ]
    assert figure.data[1]["y"] == [0.4, 0.3]
    assert figure.layout["shapes"][0]["x0"] == 2
    assert "85 training images, 15 validation images" in figure.caption


def test_costs_are_shown_by_block_and_by_layer() -> None:
    figure = costs_figure(costs(), block_times())
    assert sum(figure.data[0]["y"]) == pytest.approx(1, abs=1e-3)
    assert figure.data[1]["y"][0] == pytest.approx(1 / 52, rel=1e-4)
    assert "10.0 ms" in figure.caption
    shown = costs_table(costs(), block_times())
    assert "29.20" in shown  # block_1: equation 3 and the count differ where the stride is 2
    assert "14.75" in shown
    assert layers_table(costs(), block_times()).count("<tr>") == 53


def test_figures_are_plain_data() -> None:
    for figure in (
        separability_figure(separability()),
        curve_figure(tuned()),
        costs_figure(costs(), block_times()),
    ):
        assert json.dumps([figure.data, figure.layout], allow_nan=False)
        assert "<figure>" in drawn(figure)
