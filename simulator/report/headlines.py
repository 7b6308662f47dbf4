"""Which of the hundreds of metrics a reader wants to see first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Point = Mapping[str, Any]  # one point of summary.json

_OF_CASES: Final = (
    "time_to_diagnosis.malignant.mean",
    "sensitivity",
    "specificity",
    "missed_malignant.share",
    "biopsies.per_malignant",
    "harm.melanoma_days",
    "upstream.referred.share",
    "upstream.missed_malignant.count",
)
_LEAVING: Final = ("blocked.", "balked.", "reneged.")


def nodes(point: Point) -> list[str]:
    """Return the nodes that people queue at, in the order of the pathway."""
    return [
        name.removeprefix("wait.").removesuffix(".mean")
        for name in point["metrics"]
        if name.startswith("wait.") and name.endswith(".mean")
    ]


def main_node(point: Point) -> str | None:
    """Return the node whose wait is told first: what a gate asks, the reading, or the longest."""
    found = nodes(point)
    for gate in point["gates"]:
        asked_of = str(gate["metric"]).removeprefix("wait.").rpartition(".")[0]
        if gate["metric"].startswith("wait.") and asked_of in found:
            return asked_of
    if "read" in found:
        return "read"
    waits = {node: value_of(point, f"wait.{node}.mean") for node in found}
    known = {node: wait for node, wait in waits.items() if wait is not None}
    return max(known, key=lambda node: known[node]) if known else (found[0] if found else None)


def value_of(point: Point, name: str) -> float | None:
    """Return a metric's value; None where there is no figure."""
    answer = point["metrics"].get(name)
    return None if answer is None else answer["value"]


def headlines(points: Sequence[Point]) -> list[str]:
    """Return the metrics to show first: waits, utilisation, decisions, harm, and what gates ask."""
    names: list[str] = []
    for point in points:
        main = main_node(point)
        for node in nodes(point):
            names.append(f"wait.{node}.mean")
            if node == main:
                names.append(f"wait.{node}.p95")
        names += [name for name in point["metrics"] if name.startswith("utilisation.")]
        names += [
            name
            for name, answer in point["metrics"].items()
            if name.startswith(_LEAVING) and "{" not in name and answer["value"]
        ]
        ill = "time_to_diagnosis.malignant.mean" in point["metrics"]
        names += [] if ill else ["time_in_system.mean"]
        names += _OF_CASES
        names += [gate["metric"].replace(" ", "") for gate in point["gates"]]
    known = {name for point in points for name in point["metrics"]}
    return [name for name in dict.fromkeys(names) if name in known]


def asked(points: Sequence[Point]) -> list[str]:
    """Return the metrics that the scenario asks about, most wanted first."""
    names = [gate["metric"] for point in points[:1] for gate in point["gates"]]
    main = main_node(points[0])
    first = [f"wait.{main}.mean", "missed_malignant.share"] if main else ["missed_malignant.share"]
    return [name for name in dict.fromkeys([*first, *names]) if name in points[0]["metrics"]]
