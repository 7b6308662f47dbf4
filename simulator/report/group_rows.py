"""What decisions and the AI are worth in each group, with counts: one row for each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.language.metrics import MetricName, parse_metric

Point = Mapping[str, Any]
Answer = Mapping[str, Any]

ORDER: Final = (
    "skin_tone",
    "sex",
    "age_band",
    "site",
    "class",
    "diagnosis",
    "truth",
    "flagged",
    "period",
    "missing",
    "stack",
)
# By these nothing is learnt of a share of the malignant or of the benign.
_TRIVIAL: Final = ("truth", "flagged")
_ACCURACY: Final = ("sensitivity", "specificity", "ai.sensitivity", "ai.specificity", "auc")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group and its figures, all replications together."""

    key: str  # such as skin_tone
    value: str  # such as V-VI
    malignant: int  # cases that sensitivity is of
    benign: int  # cases that specificity is of
    answers: Mapping[str, Answer]  # by metric

    @property
    def is_small(self) -> bool:
        """Whether no figure could be given."""
        return all(answer["value"] is None for answer in self.answers.values())


def group_values(point: Point) -> dict[str, list[str]]:
    """Return the groups that a point's metrics are given by, in the order to show them."""
    found: dict[str, dict[str, None]] = {}
    for name in point["metrics"]:
        metric = parse_metric(name)
        if metric is not None and metric.key is not None and metric.value is not None:
            found.setdefault(metric.key, {})[metric.value] = None
    keys = sorted(found, key=lambda key: ORDER.index(key) if key in ORDER else len(ORDER))
    return {key: list(found[key]) for key in keys}


def accuracy(point: Point) -> list[str]:
    """Return what there is of sensitivity and specificity, of decisions and of the AI."""
    return [name for name in _ACCURACY if name in point["metrics"]]


def group_rows(point: Point, key: str, names: Sequence[str]) -> list[GroupRow]:
    """Return a row for each group of a kind; none where there is nothing to tell.

    Parameters:
        names: metrics to show.
    """
    if key in _TRIVIAL or not names:
        return []
    rows = []
    for value in group_values(point).get(key, ()):
        answers = {
            name: answer
            for name in names
            if (answer := point["metrics"].get(str(MetricName(name, key, value)))) is not None
        }
        if answers:
            rows.append(
                GroupRow(
                    key=key,
                    value=value,
                    malignant=_cases(point, "sensitivity", key, value),
                    benign=_cases(point, "specificity", key, value),
                    answers=answers,
                )
            )
    return rows


def _cases(point: Point, share: str, key: str, value: str) -> int:
    """Return how many cases a share is of: of decisions, or else of the AI's verdicts."""
    for name in (share, f"ai.{share}"):
        answer = point["metrics"].get(str(MetricName(name, key, value)))
        if answer is not None:
            return int(answer["cases"])
    return 0
