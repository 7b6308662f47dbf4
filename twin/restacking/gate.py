"""The gate: may a challenger replace the champion? Paired, weighted, overall and by group."""

from dataclasses import dataclass

from twin.events import GateRow
from twin.restacking.evidence import Evidence, Side
from twin.restacking.plan import GatePlan


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says."""

    verdict: str  # "pass", "fail", or "few": too few labels to say
    rows: tuple[GateRow, ...]
    reason: str  # in words, naming the row that decided


def judge(evidence: Evidence, champion: Side, challenger: Side, plan: GatePlan) -> Judgement:
    """Hold a challenger against the champion on labels that neither has seen.

    Parameters:
        evidence: held-out cases alone, weighted by the inverse of their verification probability.
    """
    raise NotImplementedError
