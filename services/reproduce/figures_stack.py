"""Figures of learners and stack: ROC curves, reliability, the L1 path, and confusion in words."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.report.figures import Choice, Figure, axis, rounded, series
from simulator.report.markup import Html, join, small, table, text
from twin.learners.registry import LEARNERS

Measures = Mapping[str, Mapping[str, Any]]  # who answered -> `twin.evaluation.measured.Measured`

_DIAGONAL: Final = {
    "type": "line",
    "x0": 0,
    "y0": 0,
    "x1": 1,
    "y1": 1,
    "line": {"color": "@grid", "dash": "dot", "width": 1},
}


def roc_choice(answers: Measures, names: Mapping[str, str]) -> Choice:
    """Return the ROC curve of each who answered; the first is shown at once.

    Parameters:
        names: who answered -> how the reader knows them.
    """
    return Choice(
        asks="ROC curve of",
        figures={
            names.get(who, who): _roc(names.get(who, who), found)
            for who, found in answers.items()
            if found["roc"]
        },
    )


def _roc(name: str, found: Mapping[str, Any]) -> Figure:
    auc, hits = found["figures"]["auc"], found["confusion"]
    here = [1 - _share(hits["benign"], "benign"), _share(hits["malignant"], "malignant")]
    curve = series(
        0,
        "ROC",
        mode="lines",
        x=[rounded(point[0]) for point in found["roc"]],
        y=[rounded(point[1]) for point in found["roc"]],
    )
    working = series(
        1, f"threshold {found['threshold']:g}", mode="markers", x=[here[0]], y=[here[1]]
    )
    return Figure(
        title=f"{name}: AUC {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]",
        caption=f"{found['n']} images, {found['malignant']} malignant. The diamond is the "
        "operating point; dotted: chance.",
        data=[curve, {**working, "marker": {"color": "@1", "symbol": "diamond", "size": 11}}],
        layout={
            "xaxis": axis("1 − specificity", range=[-0.01, 1.01]),
            "yaxis": axis("sensitivity", range=[-0.01, 1.01]),
            "shapes": [_DIAGONAL],
        },
        height=430,
    )


def reliability_choice(answers: Measures, names: Mapping[str, str]) -> Choice:
    """Return how often cases of each probability are malignant, of each who answered."""
    return Choice(
        asks="Reliability of",
        figures={
            names.get(who, who): _reliability(names.get(who, who), found)
            for who, found in answers.items()
        },
    )


def _reliability(name: str, found: Mapping[str, Any]) -> Figure:
    bins = [one for one in found["reliability"] if one["n"]]
    error = found["figures"]["calibration_error"]
    known = [one for one in bins if one["malignant"]["low"] is not None]
    return Figure(
        title=f"{name}: calibration error {error['value']:.3f} "
        f"[{error['low']:.3f}, {error['high']:.3f}]",
        caption="Share of malignant images by predicted probability, tenths of the scale, with "
        "95 % intervals; bins with few lesions have none. Dotted: perfect calibration.",
        data=[
            series(
                0,
                "malignant share",
                mode="lines+markers",
                x=[rounded(one["p_malignant"]) for one in bins],
                y=[rounded(one["malignant"]["value"]) for one in bins],
                text=[f"{one['n']} images" for one in bins],
            ),
            *(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [rounded(one["p_malignant"])] * 2,
                    "y": [rounded(one["malignant"]["low"]), rounded(one["malignant"]["high"])],
                    "line": {"color": "@0", "width": 1.5},
                    "hoverinfo": "skip",
                }
                for one in known
            ),
        ],
        layout={
            "xaxis": axis("predicted p_malignant", range=[0, 1]),
            "yaxis": axis("share malignant", range=[-0.02, 1.02]),
            "shapes": [_DIAGONAL],
            "showlegend": False,
        },
        height=400,
    )


def path_figure(meta: Mapping[str, Any]) -> Figure:
    """Return the meta-learner's weights along the L1 path, and the penalty that was chosen.

    Parameters:
        meta: of the model's manifest.
    """
    path = meta["path"]
    penalties = [point["penalty"] for point in path]
    learners = [name for name in LEARNERS if name in meta["weights"]]
    lines = [
        series(
            place,
            name,
            mode="lines+markers",
            x=penalties,
            y=[rounded(point["weights"][place]) for point in path],
        )
        for place, name in enumerate(learners)
    ]
    lost = series(
        len(learners),
        "held-out log-loss",
        mode="lines+markers",
        x=penalties,
        y=[rounded(point["log_loss"]) for point in path],
        yaxis="y2",
    )
    chosen = {
        "type": "line",
        "x0": meta["penalty"],
        "x1": meta["penalty"],
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": "@muted", "dash": "dash", "width": 1.5},
    }
    return Figure(
        title="L1 path of the meta-learner",
        caption="Above: weights by penalty, fitted on all out-of-fold scores. Below: log-loss of "
        "held-out folds. Dashed: the penalty with the least loss, which was chosen.",
        data=[*lines, lost],
        layout={
            "xaxis": axis("penalty, nats per unit of weight", type="log", anchor="y2"),
            "yaxis": axis("weight", domain=[0.38, 1]),
            "yaxis2": axis("log-loss", domain=[0, 0.26]),
            "shapes": [chosen],
        },
        height=520,
    )


def confusion_table(answers: Measures, names: Mapping[str, str]) -> Html:
    """Return the four counts of each who answered."""
    rows = [
        [
            names.get(who, who),
            found["confusion"]["malignant"]["malignant"],
            found["confusion"]["malignant"]["benign"],
            found["confusion"]["benign"]["benign"],
            found["confusion"]["benign"]["malignant"],
        ]
        for who, found in answers.items()
    ]
    head = [
        "who answers",
        "malignant, called so",
        "malignant, missed",
        "benign, called so",
        "benign, called malignant",
    ]
    return table("Confusion on the test split", head, rows, numeric=4)


def _share(counts: Mapping[str, int], key: str) -> float:
    total = sum(counts.values())
    return counts[key] / total if total else 0.0


def figure_cell(found: Mapping[str, Any] | None) -> str:
    """Return a figure with its interval, as a reader takes it in."""
    if found is None or found["value"] is None:
        return "–"
    if found["low"] is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def figure_html(found: Mapping[str, Any] | None) -> Html:
    """Return a figure with its interval below it."""
    if found is None or found["value"] is None:
        return text("–")
    if found["low"] is None:
        return text(f"{found['value']:.3f}")
    interval = f"{found['low']:.3f} to {found['high']:.3f}"
    return join([f"{found['value']:.3f}", Html("<br>"), small(interval)])


def metric_cells(answers: Mapping[str, Any]) -> list[Html]:
    """Return a table's cells: each metric of `METRICS`."""
    return [figure_html(answers["figures"].get(metric)) for metric in METRICS]


METRICS: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "precision": "precision",
    "sensitivity": "sensitivity (recall)",
    "specificity": "specificity",
    "f1": "F1",
    "auc": "AUC",
    "calibration_error": "calibration error",
}
