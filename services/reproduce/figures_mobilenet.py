"""Figures of MobileNetV2: maps of early layers, their scores, costs, and the training curve."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.report.figures import Choice, Figure, axis, plain, rounded, series, whiskers
from simulator.report.markup import Html, mark, small, table
from twin.mobilenet.costs import Costs, Times
from twin.mobilenet.separability import NEIGHBOURS, LayerSeparability, Separability
from twin.mobilenet.tuned import Tuned

_MEGA = 1e6


def map_choice(found: Separability, labels: NDArray[np.bool_]) -> Choice:
    """Return a t-SNE map for each early layer; the layer that was chosen comes first.

    Parameters:
        labels: of all training images, shape (n,), True is malignant.
    """
    shown = sorted(found.layers, key=lambda one: one.layer != found.chosen)
    seen = labels[found.sample]
    return Choice(asks="Layer", figures={one.layer: _map(one, seen) for one in shown})


def separability_figure(found: Separability) -> Figure:
    """Return the scores of each early layer beside each other."""
    names = [plain(one.layer) for one in found.layers]
    auc = [rounded(one.linear_auc) for one in found.layers]
    spread = [one.linear_auc_sd for one in found.layers]
    lows = [one - sd for one, sd in zip(auc, spread, strict=True)]
    highs = [one + sd for one, sd in zip(auc, spread, strict=True)]
    data = [
        {
            **series(0, "linear classifier, AUC on held-out lesions"),
            "mode": "lines+markers",
            "x": names,
            "y": auc,
            "error_y": whiskers(auc, lows, highs, 0),
        },
        {
            **series(1, "neighbours on the map, balanced accuracy"),
            "mode": "lines+markers",
            "x": names,
            "y": [rounded(one.knn_balanced_accuracy) for one in found.layers],
        },
        {
            **series(2, "map, silhouette"),
            "mode": "lines+markers",
            "x": names,
            "y": [rounded(one.silhouette) for one in found.layers],
        },
    ]
    return Figure(
        title="Separability of early layers",
        caption=f"{found.chosen} has the highest AUC on held-out lesions and is chosen; "
        f"{len(found.tied) - 1} other layers are within one standard deviation of it. By the "
        f"map's silhouette it would be {found.chosen_by_map}. Bars are ± 1 standard deviation "
        "over folds.",
        data=data,
        layout={"xaxis": axis("layer", tickangle=-40), "yaxis": axis("score")},
        height=460,
    )


def separability_table(found: Separability) -> Html:
    """Return the scores of each early layer; the one that was chosen is marked."""
    rows = [
        [
            one.layer,
            mark("pass", "chosen") if one.layer == found.chosen else "",
            one.dimension,
            f"{one.silhouette:+.3f}",
            f"{one.knn_balanced_accuracy:.3f}",
            f"{one.linear_auc:.3f} ± {one.linear_auc_sd:.3f}",
        ]
        for one in found.layers
    ]
    head = ["layer", "", "numbers", "silhouette", "neighbours", "AUC, held-out lesions"]
    return table("Separability of early layers", head, rows, numeric=4)


def curve_figure(tuned: Tuned) -> Figure:
    """Return loss and accuracy by epoch, on the training and on the validation part."""
    epochs = [one.number for one in tuned.curve]
    lines = [
        ("training loss", [one.train_loss for one in tuned.curve], "y"),
        ("validation loss", [one.validation_loss for one in tuned.curve], "y"),
        ("training accuracy", [one.train_accuracy for one in tuned.curve], "y2"),
        ("validation accuracy", [one.validation_accuracy for one in tuned.curve], "y2"),
    ]
    data = [
        {
            **series(place, name),
            "mode": "lines+markers",
            "x": epochs,
            "y": [rounded(value) for value in values],
            "yaxis": which,
        }
        for place, (name, values, which) in enumerate(lines)
    ]
    best = {
        "type": "line",
        "x0": tuned.best_epoch,
        "x1": tuned.best_epoch,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": "@muted", "dash": "dash", "width": 1},
    }
    return Figure(
        title="Training curve of the baseline",
        caption=f"{tuned.training_images} training images, {len(tuned.validation)} validation "
        "images of other lesions. Training figures are taken while the network learns, with "
        "dropout and turned images. Dashed: the epoch with the least validation loss, whose "
        "weights are kept.",
        data=data,
        layout={
            "xaxis": axis("epoch", dtick=1, anchor="y"),
            "yaxis": axis("cross-entropy, nats", domain=[0, 0.47], rangemode="tozero"),
            "yaxis2": axis("accuracy", domain=[0.53, 1]),
            "shapes": [best],
        },
        height=480,
    )


def costs_figure(costs: Costs, times: Times) -> Figure:
    """Return each block's share of multiply-adds, of parameters and of measured time."""
    names = [plain(one.name) for one in costs.blocks]
    shares = [
        ("multiply-adds", [one.multiply_adds / costs.multiply_adds for one in costs.blocks]),
        ("measured time", [_time_share(times, one.name) for one in costs.blocks]),
        ("parameters", [one.parameters / costs.parameters for one in costs.blocks]),
    ]
    data = [
        {
            **series(place, name),
            "mode": "lines+markers",
            "x": names,
            "y": [rounded(share) for share in found],
        }
        for place, (name, found) in enumerate(shares)
    ]
    return Figure(
        title="Where MobileNetV2's cost lies",
        caption=f"Shares of {costs.multiply_adds / _MEGA:.0f} million multiply-adds, of "
        f"{costs.parameters / _MEGA:.2f} million parameters, and of the time of all layers; one "
        f"image, one thread, medians of {times.repeats} runs on this machine. The whole network "
        f"takes {times.whole_s * 1e3:.1f} ms.",
        data=data,
        layout={
            "xaxis": axis("block", tickangle=-40),
            "yaxis": axis("share", tickformat=".0%", rangemode="tozero"),
        },
        height=420,
    )


def costs_table(costs: Costs, times: Times) -> Html:
    """Return each block's cost by its equation, by count, without separation, and by the clock."""
    rows: list[Sequence[object]] = [
        [
            one.name,
            f"({one.equation})",
            f"{one.by_equation / _MEGA:.2f}",
            f"{one.multiply_adds / _MEGA:.2f}",
            f"{one.unseparated / _MEGA:.2f}",
            f"{one.parameters:,}",
            f"{_time_share(times, one.name):.1%}",
        ]
        for one in costs.blocks
    ]
    head = [
        "block",
        "equation",
        "by equation, M",
        "multiply-adds, M",
        "not separated, M",
        "parameters",
        "time",
    ]
    return table("Costs of MobileNetV2 by block", head, rows, numeric=5)


def layers_table(costs: Costs, times: Times) -> Html:
    """Return each layer's cost beside its measured time."""
    rows: list[Sequence[object]] = [
        [
            one.name,
            f"{one.multiply_adds / _MEGA:.2f}",
            f"{one.parameters:,}",
            f"{spent.median_s * 1e3:.3f}",
            f"{spent.share:.1%}",
            f"{spent.multiply_adds_per_s / 1e9:.1f}",
        ]
        for one, spent in zip(costs.layers, times.layers, strict=True)
    ]
    head = ["layer", "multiply-adds, M", "parameters", "ms", "share", small("10⁹ per s")]
    return table("Costs of MobileNetV2 by layer", head, rows, numeric=5)


def _map(one: LayerSeparability, seen: NDArray[np.bool_]) -> Figure:
    data = [
        {
            **series(place, name),
            "mode": "markers",
            "marker": {**series(place, name)["marker"], "size": 5, "opacity": 0.7},
            "x": [rounded(float(x)) for x in one.embedding[seen == kind, 0]],
            "y": [rounded(float(y)) for y in one.embedding[seen == kind, 1]],
            "hoverinfo": "skip",
        }
        for place, (name, kind) in enumerate((("benign", False), ("malignant", True)))
    ]
    blank = {"showticklabels": False, "zeroline": False}
    return Figure(
        title=f"t-SNE of {one.layer}",
        caption=f"{len(seen)} training images. Silhouette {one.silhouette:+.3f}; {NEIGHBOURS} "
        f"neighbours call {one.knn_balanced_accuracy:.1%} right (balanced). A map is for looking: "
        f"on held-out lesions a linear classifier has AUC {one.linear_auc:.3f}.",
        data=data,
        layout={"xaxis": axis("", **blank), "yaxis": axis("", scaleanchor="x", **blank)},
        height=480,
    )


def _time_share(times: Times, block: str) -> float:
    return sum(one.share for one in times.layers if one.block == block)
