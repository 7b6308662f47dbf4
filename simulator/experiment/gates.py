"""Gates: pass, fail, or inconclusive where the interval straddles the bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from simulator.analysis.precision import replications_to_decide
from simulator.experiment.aggregate import Answer
from simulator.experiment.result import ReplicationResult
from simulator.language.experiment import Gate


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate and its verdict."""

    text: str
    verdict: Verdict
    metric: str
    value: float | None
    low: float | None
    high: float | None
    bound: float
    words: str
    more_replications: int | None = None  # how many more would probably decide


# Counts and extremes are facts of the runs, not estimates: all replications must satisfy them.
_FACTS: Final = (
    "verdicts.lost",
    "verdicts.count",
    "patients.",
    "missed_malignant.count",
    "upstream.count",
    "upstream.missed_malignant.count",
)


def judge(gate: Gate, answer: Answer, results: Sequence[ReplicationResult]) -> GateResult:
    """Return what a gate says.

    It passes or fails only where the whole interval lies on one side of the bound. An equality is
    a statement about every replication: it holds in all of them or fails.
    """
    values = [result.values[gate.metric] for result in results if gate.metric in result.values]
    verdict, words, more = _decide(gate, answer, values)
    return GateResult(
        text=gate.text,
        verdict=verdict,
        metric=gate.metric,
        value=answer.value,
        low=answer.low,
        high=answer.high,
        bound=gate.bound,
        words=words,
        more_replications=more,
    )


def _decide(gate: Gate, answer: Answer, values: Sequence[float]) -> tuple[Verdict, str, int | None]:
    if answer.value is None or not values:
        return Verdict.INCONCLUSIVE, f"no figure: {answer.reason}", None
    everywhere = all(gate.holds(value) for value in values)
    alike = len(values) > 1 and len(set(values)) == 1
    if gate.op == "==" or gate.metric.startswith(_FACTS) or alike:
        runs = "the only run" if len(values) == 1 else f"all {len(values)} runs"
        said = Verdict.PASS if everywhere else Verdict.FAIL
        return said, f"{'holds' if everywhere else 'does not hold'} in {runs}", None
    if answer.low is None or answer.high is None or not answer.valid:
        return Verdict.INCONCLUSIVE, f"no valid interval: {answer.reason}", None
    ends = [gate.holds(answer.low), gate.holds(answer.high)]
    if ends[0] != ends[1]:
        return _straddles(gate, values)
    if ends[0]:
        return Verdict.PASS, "the whole interval satisfies it", None
    return Verdict.FAIL, "the whole interval violates it", None


def _straddles(gate: Gate, values: Sequence[float]) -> tuple[Verdict, str, int | None]:
    words = "the interval straddles the bound"
    total = replications_to_decide(values, gate.bound) if len(values) > 1 else None
    if total is None:
        return Verdict.INCONCLUSIVE, words, None
    more = max(1, total - len(values))
    words = f"{words}; about {more} more replications would decide"
    return Verdict.INCONCLUSIVE, words, more


def overall(gates: Sequence[GateResult]) -> Verdict:
    """Return the verdict of all: a failure counts most, then doubt."""
    verdicts = {gate.verdict for gate in gates}
    for worst in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if worst in verdicts:
            return worst
    return Verdict.PASS
