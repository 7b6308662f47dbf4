"""Figures of an explanation's page: contributions, and the curves of deletion and insertion."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.report.figures import Choice, Figure, axis, plain, rounded, series
from twin.explain.contributions import Contributions
from twin.explain.explanation import Explanation
from twin.explain.faithfulness import Faithfulness
from twin.explain.methods import METHODS


def contributions_figure(told: Contributions) -> Figure:
    """Return bars of what each learner added; to the right is towards malignant."""
    parts = [("intercept", told.intercept), *((part.name, part.nats) for part in told.parts)]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [plain(name) for name, _ in reversed(parts)],
        "x": [rounded(nats) for _, nats in reversed(parts)],
        "text": [f"{nats:+.2f}" for _, nats in reversed(parts)],
        "textposition": "auto",
        "marker": {"color": ["@1" if nats > 0 else "@0" for _, nats in reversed(parts)]},
        "showlegend": False,
    }
    return Figure(
        title="Contributions to the log-odds",
        caption=f"Weight times vote, in nats; they sum to {told.log_odds:+.3f}. To the right they "
        "speak for malignant, to the left for benign.",
        data=[bars],
        layout={"xaxis": axis("nats", zeroline=True), "yaxis": axis("")},
        height=80 + 30 * len(parts),
    )


def curves_figure(explanation: Explanation) -> Choice:
    """Return a figure by map: log-odds while pixels go and while they come, beside random maps."""
    return Choice(
        asks="Map",
        figures={
            METHODS[name].title: _curves(METHODS[name].title, check)
            for name, check in explanation.checks.items()
        },
    )


def _curves(title: str, check: Faithfulness) -> Figure:
    count = len(check.random_deletion)
    return Figure(
        title=f"{title}: deletion and insertion",
        caption="The stack's log-odds while the most important pixels are blurred first, and while "
        f"they are put back first. Random: mean of {count} maps that are as smooth.",
        data=[
            _line(0, "deletion", check.deletion),
            _line(1, "deletion, random", check.random_deletion.mean(0)),
            _line(2, "insertion", check.insertion),
            _line(3, "insertion, random", check.random_insertion.mean(0)),
        ],
        layout={
            "xaxis": axis("share of pixels taken away or put back", tickformat=".0%"),
            "yaxis": axis("log-odds, nats"),
        },
        height=340,
    )


def _line(place: int, name: str, curve: NDArray[np.float64]) -> dict[str, Any]:
    share = np.linspace(0, 1, len(curve))
    return {
        **series(place, name),
        "mode": "lines",
        "x": [rounded(value) for value in share.tolist()],
        "y": [rounded(value) for value in curve.tolist()],
    }
