"""Gates of a stress run: each metric on one side of its bound, and what every run must keep."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Final

from services.faults.steady import Condition

_HOLDS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Must:
    """A gate that every run has, whatever its scenario says."""

    metric: str
    op: str
    bound: float

    @property
    def text(self) -> str:
        """As a scenario would write it."""
        return f"{self.metric} {self.op} {self.bound:g}"


ALWAYS: Final = (
    Must(metric="verdicts.lost", op="==", bound=0.0),
    Must(metric="verdicts.doubled", op="==", bound=0.0),
    Must(metric="labels.twice", op="==", bound=0.0),
    Must(metric="mirror.equal", op="==", bound=1.0),
)


def judge(gates: Sequence[Condition], metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return what each gate says: the scenario's, and those that every run has.

    A run is one sample, so a gate passes or fails: there is no interval to straddle its bound.
    Without a figure it is inconclusive.
    """
    own = {gate.text for gate in gates}
    rows = [_row(gate, metrics, always=False) for gate in gates]
    return rows + [_row(one, metrics, always=True) for one in ALWAYS if one.text not in own]


def _row(gate: Condition, metrics: Mapping[str, float], *, always: bool) -> dict[str, Any]:
    value = metrics.get(gate.metric, float("nan"))
    if isnan(value):
        verdict, words = "inconclusive", "no figure"
    elif _HOLDS[gate.op](value, gate.bound):
        verdict, words = "pass", "holds"
    else:
        verdict, words = "fail", "does not hold"
    return {
        "text": gate.text,
        "metric": gate.metric,
        "verdict": verdict,
        "words": words,
        "value": value if abs(value) != float("inf") and not isnan(value) else None,
        "bound": gate.bound,
        "always": always,
    }


def fault_rows(outcomes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a gate for each fault: carried out in the steady state, which came back."""
    rows = []
    for place, one in enumerate(outcomes, start=1):
        words = one["refused"] or (
            f"recovered {one['recovered_s']:.1f} s after its begin"
            if one["steady_after"]
            else "the steady state did not come back"
        )
        if one["steady_before"] is False:
            words = f"the steady state did not hold before it; {words}"
        rows.append(
            {
                "text": f"fault {place}: {one['fault']}",
                "metric": "",
                "verdict": "pass" if one["passed"] else "fail",
                "words": words,
                "value": None,
                "bound": None,
                "always": True,
            }
        )
    return rows


def overall(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the verdict of all: a failure counts most, then doubt."""
    verdicts = {row["verdict"] for row in rows}
    return next((one for one in ("fail", "inconclusive") if one in verdicts), "pass")
